// Finds the nodes to which changed rows are related, and records one event per node and transaction, for subscriptions with
// `relatedChanges`. The relay has queued the changed rows.
import type { PoolClient } from 'pg';
import { sqlStatement } from '../../runtime/sql-file.js';
import type { Engine } from '../base/engine.js';
import { MOST_RELATED } from '../base/store/related-rows.js';
import { insideTransaction } from '../base/store/transaction.js';
import { type Change, type LookUp, lookUpsOf, type NodeOfChanges, type Wanted } from './related.js';
import type { LookedUp, LookUps } from './related-look-ups.js';
import { failingPaths, type Left, putBack, takeChanges } from './related-queue.js';

const RECORD = sqlStatement<'nodes'>('webhooks/fan-out/related.sql');

/** Number of nodes for which one statement records events. */
const PART = 500;
/** Milliseconds after which Postgres ends a statement of a step. */
const STATEMENT_MS = 10_000;

const IS_ANY_WAITING = 'SELECT (SELECT event_id FROM hookgraph.related_changes ORDER BY event_id LIMIT 1) IS NOT NULL AS "isAny"';

const WANTED = `
  SELECT DISTINCT s.tenant, t.typename, s.related_fields AS fields FROM hookgraph.subscriptions s JOIN hookgraph.topics t ON t.id = s.topic_id
  WHERE s.tenant = ANY ($1) AND s.related_types && $2 AND s.related_types IS NOT NULL AND s.deleted_at IS NULL`;

/**
 * Takes up to `limit` of the oldest changes, with the others of their transactions. Returns whether there were any. The changes leave the
 * queue in the transaction that records the events, so a step that dies is done again. Changes whose nodes can't be found go to the end of
 * the queue with growing pauses.
 */
export async function stepRelated(
  { pool, host, log }: Pick<Engine, 'pool' | 'host' | 'log'>,
  lookUps: LookUps,
  limit: number,
): Promise<boolean> {
  // Usually nothing waits. This query takes one round trip, the transaction takes four.
  const { rows } = await pool.query({ name: 'hookgraph.related-look', text: IS_ANY_WAITING });
  if (!rows[0].isAny) return false;
  const outcomes: Outcome[] = [];
  const isFound = await insideTransaction(pool, async (client) => {
    await client.query(`SET LOCAL statement_timeout = ${STATEMENT_MS}`);
    const changes = await takeChanges(client, limit);
    if (changes.length === 0) return false;
    const nodes = new Map<string, NodeOfChanges>();
    const left: Left[] = [];
    for (const lookUp of lookUpsOf(host.nodes, changes, await wantedBy(client, changes))) {
      const lookedUp = await lookUps.run(client, host.nodes, lookUp);
      addNodes(log, lookUp, lookedUp, nodes);
      left.push(...lookedUp.left);
      outcomes.push(outcomeOf(lookUp, lookedUp));
    }
    await client.query(`SET LOCAL statement_timeout = ${STATEMENT_MS}`);
    const names = outcomes.map(({ path }) => path);
    const failing = await failingPaths(client, names);
    for (const outcome of outcomes) outcome.othersFail = failing.has(outcome.path);
    await putBack(client, left);
    for (let from = 0, all = [...nodes.values()]; from < all.length; from += PART) {
      const written = all.slice(from, from + PART).map(({ changed, ...node }) => ({ ...node, changed: [...changed].sort() }));
      await client.query(RECORD.text, RECORD.values({ nodes: JSON.stringify(written) }));
    }
    return true;
  });
  for (const outcome of outcomes) report(log, outcome);
  return isFound;
}

async function wantedBy(client: PoolClient, changes: readonly Change[]): Promise<Wanted[]> {
  const distinct = (texts: string[]) => [...new Set(texts)];
  const about = [distinct(changes.map(({ tenant }) => tenant)), distinct(changes.map(({ typename }) => typename))];
  return (await client.query<Wanted>(WANTED, about)).rows;
}

/** Adds the nodes found for changes with one path. If several changes of a transaction lead to a node, it is added once. */
function addNodes(log: Engine['log'], { typename, name }: LookUp, { found, left }: LookedUp, nodes: Map<string, NodeOfChanges>): void {
  const again = new Set(left.map(({ change }) => change));
  const counts = new Map<unknown, number>();
  for (const { item, node } of found) {
    const count = (counts.get(item) ?? 0) + 1;
    counts.set(item, count);
    // Skips a change that will be retried because only its row before or after the change was looked up. The retry finds all its nodes.
    if (count > MOST_RELATED || again.has(item.change)) continue;
    const { id, tenant, xid } = item.change;
    const { key, environment, document } = node;
    const identity = JSON.stringify([xid, tenant, typename, key]);
    const changed = new Set([...(nodes.get(identity)?.changed ?? []), ...item.fields]);
    nodes.set(identity, { event_id: id, xid, tenant, typename, node_key: key, environment, document, changed });
  }
  const wide = [...counts.values()].filter((count) => count > MOST_RELATED).length;
  if (wide > 0)
    log.warn(
      { path: name, changes: wide, most: MOST_RELATED },
      'changed rows have more related nodes than are announced; the others get no event',
    );
}

/** The results of the look-ups of one path. */
interface Outcome {
  path: string;
  /** Whether one of the changes had failed before. */
  hadFailed: boolean;
  /** Whether other changes of the path that have failed before are still waiting. */
  othersFail: boolean;
  failed: number;
  left: number;
  error: unknown;
}

const outcomeOf = ({ name, changes }: LookUp, { left, error }: LookedUp): Outcome => ({
  path: name,
  hadFailed: changes.some(({ change }) => change.tries > 0),
  othersFail: false,
  failed: left.filter(({ failed }) => failed).length,
  left: left.length,
  error,
});

/** Logs once when the nodes of a path can't be found, and once when they are found again, whichever worker tries it. */
function report(log: Engine['log'], { path, hadFailed, othersFail, failed, left, error }: Outcome): void {
  if (failed > 0 && !hadFailed && !othersFail)
    log.error(
      { err: error, path, changes: left },
      'the nodes to which changed rows are related can’t be found; these changes wait, and are tried again with growing pauses',
    );
  if (left === 0 && hadFailed && !othersFail) log.info({ path }, 'the nodes to which changed rows are related are found again');
}
