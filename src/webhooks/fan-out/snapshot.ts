// Advances a snapshot, which sends the current nodes of a subscription's topic to it, by one step: reads the next rows of the node's table
// by key, and makes deliveries of those that belong to the tenant.
import { setTimeout as wait } from 'node:timers/promises';
import type { Pool } from 'pg';
import { sqlStatement } from '../../runtime/sql-file.js';
import type { Engine } from '../base/engine.js';
import { announcedNode } from '../base/own-node.js';
import { readRowsAfter } from '../base/store/announced-rows.js';
import { DUE_OF_REPLAY, type ReplayStep } from './replay.js';

type Name = 'id' | 'after_key' | 'last_key' | 'keys' | 'scanned' | 'is_last' | 'seen' | 'seen_at';
const ADVANCE = sqlStatement<Name>('webhooks/fan-out/snapshot.sql');

/**
 * `withinMs`: milliseconds for which a step waits until the changes that it saw are relayed; after that, the step starts again.
 * `everyMs`: milliseconds between two checks.
 */
const RELAYED = { withinMs: 2_000, everyMs: 20 };

interface Running {
  id: string;
  subscriptionId: string;
  typename: string;
  tenant: string;
  environmentIds: string[] | null;
  afterKey: string[] | null;
}

// The running snapshot that was advanced longest ago. Snapshots wait for the same reasons as replays: see replay.sql.
const NEXT = `
  SELECT r.id, r.subscription_id AS "subscriptionId", t.typename, s.tenant, s.environment_ids AS "environmentIds", r.after_key AS "afterKey"
  FROM hookgraph.replays r JOIN hookgraph.subscriptions s ON s.id = r.subscription_id JOIN hookgraph.topics t ON t.id = s.topic_id
  WHERE r.state = 'RUNNING' AND r.is_snapshot AND s.status = 'ENABLED' AND s.phase = 'AFTER' AND t.typename = ANY ($2) AND (
    SELECT count(*) FROM (
      SELECT FROM hookgraph.open_deliveries o WHERE o.subscription_id = r.subscription_id AND o.held_for IS NULL AND o.due_at <= now() LIMIT $1
    ) due) < $1
  ORDER BY r.updated_at > now() DESC, r.updated_at LIMIT 1`;

/**
 * Advances one snapshot by one step, of up to `batch` rows of all tenants. Returns `null` when no snapshot can continue now. The deliveries
 * and the position are written in one statement, so a step that dies is done again from its start.
 */
export async function stepSnapshot(
  { pool, host }: Pick<Engine, 'pool' | 'host'>,
  batch: number,
  { maxDue = DUE_OF_REPLAY, relayedWithinMs = RELAYED.withinMs } = {},
): Promise<ReplayStep | null> {
  const typenames = host.nodes.map(({ typename }) => typename);
  const next = (await pool.query<Running>({ name: 'hookgraph-snapshot', text: NEXT, values: [maxDue, typenames] })).rows[0];
  const node = next && announcedNode(host, next.typename);
  if (!next || !node) return null;
  const { id, subscriptionId, tenant, afterKey } = next;
  const { rows, seen, seenAt } = await readRowsAfter(pool, node, host.nodes, { tenant, after: afterKey, limit: batch });
  const own = rows.filter(({ isOwn, environment }) => isOwn && fits(environment, next.environmentIds));
  const parameters = {
    ...{ id, after_key: afterKey, last_key: rows.at(-1)?.key ?? null, keys: own.map(({ key }) => keyOf(key)) },
    ...{ scanned: rows.length, is_last: rows.length < batch, seen, seen_at: seenAt },
  };
  const deliveries = await advance(pool, parameters, relayedWithinMs);
  return deliveries === null ? null : { subscriptionId, deliveries };
}

const keyOf = (key: string[]): string => (key.length === 1 ? (key[0] as string) : JSON.stringify(key));

/** Whether an event of a node in this environment is sent to the subscription, as match.sql decides it. */
const fits = (environment: string | null, wanted: string[] | null): boolean =>
  environment === null || wanted === null || wanted.length === 0 || wanted.includes(environment);

/** Inserts the deliveries of a step. Returns their number; `null` when the step must be done again. */
async function advance(pool: Pool, parameters: Record<Name, unknown>, withinMs: number): Promise<number | null> {
  for (const started = performance.now(); ; await wait(RELAYED.everyMs)) {
    const values = ADVANCE.values(parameters);
    const { rows } = await pool.query<{ deliveries: number }>({ name: 'hookgraph-snapshot-step', text: ADVANCE.text, values });
    if (rows[0]) return rows[0].deliveries;
    if (performance.now() - started >= withinMs) return null;
  }
}
