// Finds the nodes to which changed rows are related, and records one event for each node and transaction: for subscriptions with
// `relatedChanges`, whose rows the relay has queued.
import type { Pool, PoolClient } from 'pg';
import { sqlStatement } from '../../runtime/sql-file.js';
import type { Engine } from '../base/engine.js';
import { findRelated, MOST_RELATED } from '../base/store/related-rows.js';
import { insideTransaction } from '../base/store/transaction.js';
import { type Change, type LookUp, lookUpsOf, type NodeOfChanges, type Wanted } from './related.js';

const RECORD = sqlStatement<'nodes'>('webhooks/fan-out/related.sql');

/** The number of changes of one statement that reads the host's tables, and of nodes of one that records events. */
const PART = 500;
/** A transaction of at most this many times the size of a step is one event for each node. */
const TRANSACTION = 5;
/** Milliseconds after which Postgres ends a statement of a step. */
const STATEMENT_MS = 10_000;
/** The number of tries after which changes are dropped whose nodes can't be found, e.g. for lack of a right. */
const MOST_TRIES = 5;

// Only one worker at a time takes changes, so that all those of a transaction are in one step. They are, once the relay has
// taken all of it.
const TAKE = `
  WITH oldest AS MATERIALIZED (
    SELECT xid FROM hookgraph.related_changes
    WHERE pg_try_advisory_xact_lock(hashtextextended('hookgraph.related', 0)) ORDER BY event_id LIMIT $1
  ), relayed AS MATERIALIZED (
    SELECT DISTINCT xid FROM oldest o WHERE NOT EXISTS (SELECT FROM hookgraph.captures c WHERE c.xid = o.xid OFFSET 0)
  ), taken AS (
    DELETE FROM hookgraph.related_changes WHERE event_id = ANY (ARRAY(
      SELECT event_id FROM hookgraph.related_changes WHERE xid = ANY (ARRAY(SELECT xid FROM relayed)) ORDER BY event_id LIMIT $1 * ${TRANSACTION}))
    RETURNING event_id, xid
  )
  SELECT t.event_id AS id, t.xid::text, e.* FROM taken t CROSS JOIN LATERAL (
    SELECT tenant, typename, operation, changed, hookgraph.row_of(layout_id, before) AS before, hookgraph.row_of(layout_id, after) AS after
    FROM hookgraph.events WHERE id = t.event_id OFFSET 0
  ) e ORDER BY t.event_id`;

const WANTED = `
  SELECT DISTINCT s.tenant, t.typename, s.related_fields AS fields FROM hookgraph.subscriptions s JOIN hookgraph.topics t ON t.id = s.topic_id
  WHERE s.tenant = ANY ($1) AND s.related_types && $2 AND s.related_types IS NOT NULL AND s.deleted_at IS NULL`;

/**
 * Takes the changes of up to `limit` rows, oldest first, and the others of their transactions. Returns whether there were any. The changes
 * leave the queue in the transaction that records the events, so a step that dies is done again.
 */
export async function stepRelated({ pool, host, log }: Pick<Engine, 'pool' | 'host' | 'log'>, limit: number): Promise<boolean> {
  let taken: string[] = [];
  try {
    return await insideTransaction(pool, async (client) => {
      await client.query(`SET LOCAL statement_timeout = ${STATEMENT_MS}`);
      const { rows: changes } = await client.query<Change>({ name: 'hookgraph.related', text: TAKE, values: [limit] });
      if (changes.length === 0) return false;
      taken = changes.map(({ id }) => id);
      const distinct = (texts: string[]) => [...new Set(texts)];
      const about = [distinct(changes.map(({ tenant }) => tenant)), distinct(changes.map(({ typename }) => typename))];
      const { rows: wanted } = await client.query<Wanted>(WANTED, about);
      const nodes = new Map<string, NodeOfChanges>();
      for (const lookUp of lookUpsOf(host.nodes, changes, wanted)) await addNodes({ client, host, log }, lookUp, nodes);
      for (const part of parts([...nodes.values()])) {
        const written = part.map(({ changed, ...node }) => ({ ...node, changed: [...changed].sort() }));
        await client.query(RECORD.text, RECORD.values({ nodes: JSON.stringify(written) }));
      }
      return true;
    });
  } catch (error) {
    if (taken.length > 0) await noteTry(pool, log, taken);
    throw error;
  }
}

/** Adds the nodes of the changes with one path. A node that several changes of a transaction lead to is one. */
async function addNodes(
  { client, host, log }: Pick<Engine, 'host' | 'log'> & { client: PoolClient },
  { typename, path, changes }: LookUp,
  nodes: Map<string, NodeOfChanges>,
): Promise<void> {
  const counts = new Map<number, number>();
  for (const [number, part] of parts(changes).entries()) {
    const rows = part.map(({ change: { tenant }, row }) => ({ tenant, row }));
    for (const { index, key, environment, document } of await findRelated(
      client,
      host.nodes,
      { typename, relations: path.relations },
      rows,
    )) {
      const at = number * PART + index;
      const count = (counts.get(at) ?? 0) + 1;
      counts.set(at, count);
      if (count > MOST_RELATED) continue;
      const { change, fields } = changes[at] as LookUp['changes'][number];
      const { tenant, xid } = change;
      const identity = JSON.stringify([xid, tenant, typename, key]);
      const before = nodes.get(identity);
      const changed = new Set([...(before?.changed ?? []), ...fields]);
      nodes.set(identity, { event_id: change.id, xid, tenant, typename, node_key: key, environment, document, changed });
    }
  }
  const wide = [...counts.values()].filter((count) => count > MOST_RELATED).length;
  if (wide > 0)
    log.warn(
      { typename, path: path.name, changes: wide, most: MOST_RELATED },
      'changed rows have more related nodes than are announced; the others get no event',
    );
}

/** Counts a failed try, and drops changes that failed too often, so that they don't hold up the others. */
async function noteTry(pool: Pool, log: Engine['log'], ids: readonly string[]): Promise<void> {
  await pool.query('UPDATE hookgraph.related_changes SET tries = tries + 1 WHERE event_id = ANY ($1::bigint[])', [ids]);
  const { rowCount } = await pool.query('DELETE FROM hookgraph.related_changes WHERE tries >= $1', [MOST_TRIES]);
  if (rowCount)
    log.error(
      { changes: rowCount },
      'the nodes to which changed rows are related can’t be found; subscriptions with relatedChanges miss these changes',
    );
}

function* partsOf<Item>(items: readonly Item[]): Generator<Item[]> {
  for (let from = 0; from < items.length; from += PART) yield items.slice(from, from + PART);
}
const parts = <Item>(items: readonly Item[]): Item[][] => [...partsOf(items)];
