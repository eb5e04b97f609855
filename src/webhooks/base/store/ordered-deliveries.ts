// Decides when deliveries of ordered subscriptions become due: one of each node at a time, in the order of the events. ordering.md in
// docs/design explains why no earlier delivery can appear later.
// The relay creates these deliveries PENDING with the reason ORDER, outside the index of due deliveries. `advance` enters them into
// `ordered_deliveries` and releases the first of each node. When that delivery's row in `open_deliveries` is gone, `advance` releases the
// next one. It deletes entries without such a row itself, so that no other code that ends deliveries needs to know the order.
import type { Pool, PoolClient } from 'pg';
import type { Ordering } from '../definition.js';
import type { Delivery, DeliveryState } from '../model.js';
import { NODE_KEY } from './delivery-columns.js';
import { IN_ORDER } from './delivery-moves.js';
import { COALESCED, ORDER, UNLEASED } from './delivery-state.js';
import { insideTransaction } from './transaction.js';

/** Maximum number of deliveries that one statement enters or releases, and of nodes in a sweep. It takes about 50 ms of the database. */
const MOST = 1_000;
/** Maximum number of statements of one `advance` that enter deliveries. */
const MAX_ENTERS = 10;
/** Maximum number of ended entries of a node that one `advance` deletes. */
const MAX_ENDED = 100;

export interface Advanced {
  /** Number of deliveries that this call made due. */
  released: number;
  /** Whether deliveries wait until older changes are relayed, so that `advance` must be called again soon. */
  isWaiting: boolean;
  /** Whether another worker advances the subscription now, so that this call did nothing. */
  isLocked: boolean;
  /** The last node that the sweep has looked at; `null` when the sweep has reached the end. */
  cursor: string | null;
}

export interface Occasion {
  /** Deliveries for which an attempt was recorded, so that later deliveries of their nodes may be due. */
  attempted: readonly string[];
  /** The node after which a sweep continues; `null` for no sweep. A sweep finds deliveries without an attempt, too, e.g. cancelled ones. */
  sweepAfter: string | null;
}

const NOTHING: Advanced = { released: 0, isWaiting: false, isLocked: false, cursor: null };

/** Releases the next delivery of each node of an ordered subscription. Releases all if the subscription is no longer ordered. */
export async function advance(pool: Pool, subscriptionId: string, { attempted, sweepAfter }: Occasion): Promise<Advanced> {
  return insideTransaction(pool, async (client) => {
    // Only one transaction at a time decides about a subscription. Each later statement sees what the one before has committed.
    const lock = `SELECT pg_try_advisory_xact_lock(hashtextextended('hookgraph.ordering ' || $1, 0)) AS locked`;
    const { locked } = (await client.query<{ locked: boolean }>(lock, [subscriptionId])).rows[0] as { locked: boolean };
    if (!locked) return { ...NOTHING, isLocked: true };
    if (sweepAfter !== null) await client.query(RESTORE, [subscriptionId]);
    const state = (await client.query<State>(STATE, [subscriptionId])).rows[0];
    if (!state || state.status === 'DELETED') return forget(client, subscriptionId);
    if (state.ordering === null) return releaseAll(client, subscriptionId);
    if (state.status !== 'ENABLED') return NOTHING;
    const isComplete = await enter(client, subscriptionId);
    const settled = isComplete ? await settle(client, subscriptionId, state) : [];
    const swept = sweepAfter === null ? [] : await keysOf(client, SWEEP, [subscriptionId, sweepAfter, MOST]);
    const named = attempted.length === 0 ? [] : await keysOf(client, NODES_OF, [subscriptionId, attempted]);
    const nodes = [...new Set([...settled, ...named, ...swept])];
    const released = nodes.length === 0 ? 0 : await release(client, subscriptionId, nodes, state.ordering);
    const { rows } = await client.query<{ waits: boolean }>(WAITS, [subscriptionId]);
    const cursor = swept.length === MOST ? (swept.at(-1) ?? null) : null;
    return { released, isWaiting: !isComplete || rows[0]?.waits === true, isLocked: false, cursor };
  });
}

/** `waiting`: the subscriptions with entries, or with deliveries that wait for earlier ones. `ordered`: these, and all ordered ones. */
export async function scanOrdered(pool: Pool): Promise<{ ordered: string[]; waiting: string[] }> {
  const { rows } = await pool.query<{ id: string; waits: boolean }>({ name: 'hookgraph-ordered-scan', text: SCAN });
  const idsOf = (wanted: boolean) => rows.filter(({ waits }) => waits === wanted).map(({ id }) => id);
  return { ordered: [...new Set(rows.map(({ id }) => id))], waiting: idsOf(true) };
}

/** The other deliveries of the same node that explain the state of a delivery of an ordered subscription. */
export interface Neighbour {
  /** The earlier delivery of the same node that must end first. */
  waitsFor: string | null;
  /** The state of that earlier delivery, e.g. RETRYING. */
  waitsForState: DeliveryState | null;
  /** The later delivery of the same node that replaced it. */
  replacedBy: string | null;
}

/** Reads the neighbours of those deliveries that wait for another one or were replaced. Pass only deliveries that the reader may see. */
export async function neighboursOf(db: Pool | PoolClient, deliveries: Iterable<Delivery>): Promise<Map<string, Neighbour>> {
  const ids = [...deliveries].filter(({ reason }) => reason === ORDER || reason === COALESCED).map(({ id }) => id);
  if (ids.length === 0) return new Map();
  const { rows } = await db.query<Neighbour & { id: string }>(
    `SELECT i.id, r.successor_id AS "replacedBy", e.delivery_id AS "waitsFor",
       (SELECT d.state FROM hookgraph.deliveries d WHERE d.id = e.delivery_id) AS "waitsForState" FROM unnest($1::bigint[]) AS i (id)
     LEFT JOIN hookgraph.replaced_deliveries r ON r.delivery_id = i.id
     LEFT JOIN LATERAL (
       SELECT e.delivery_id FROM hookgraph.ordered_deliveries q
       JOIN hookgraph.ordered_deliveries e ON e.subscription_id = q.subscription_id AND e.node_key = q.node_key AND e.event_id < q.event_id
       WHERE q.delivery_id = i.id AND EXISTS (SELECT FROM hookgraph.open_deliveries o WHERE o.delivery_id = e.delivery_id)
       ORDER BY e.event_id DESC LIMIT 1
     ) e ON true`,
    [ids],
  );
  return new Map(rows.map(({ id, ...neighbour }) => [id, neighbour]));
}

/** Deletes the records of replaced deliveries that are older than `days`; returns the number of deleted records. */
export async function forgetReplaced(pool: Pool, days: number, rows: number): Promise<number> {
  const { rowCount } = await pool.query(
    `DELETE FROM hookgraph.replaced_deliveries WHERE delivery_id IN (
       SELECT delivery_id FROM hookgraph.replaced_deliveries WHERE delivery_id < hookgraph.id_at(now() - $1 * interval '1 day')
       ORDER BY delivery_id LIMIT $2)`,
    [days, rows],
  );
  return rowCount ?? 0;
}

interface State {
  ordering: Ordering | null;
  status: string;
  /** The oldest transaction whose changes are not relayed yet; if there is none, the next transaction. */
  horizon: string;
  /** The oldest event of the tenant whose deliveries fan-out.sql has yet to create; `null` when there is none. */
  deferred: string | null;
}

const STATE = `
  SELECT s.ordering, s.status,
    coalesce((SELECT c.xid FROM hookgraph.captures c ORDER BY c.xid LIMIT 1), pg_snapshot_xmax(pg_current_snapshot()))::text AS horizon,
    (SELECT min(f.event_id) FROM hookgraph.fan_outs f WHERE f.tenant = s.tenant)::text AS deferred
  FROM hookgraph.subscriptions s WHERE s.id = $1`;

// A key that is too long for the index is replaced by its hash.
const ENTER = `
  WITH found AS MATERIALIZED (
    SELECT o.delivery_id FROM hookgraph.open_deliveries o
    WHERE o.subscription_id = $1 AND o.held_for = '${ORDER}' AND o.held_number = 0 LIMIT ${MOST}
  ), w AS MATERIALIZED (
    SELECT o.delivery_id FROM hookgraph.open_deliveries o WHERE o.delivery_id = ANY (ARRAY(SELECT delivery_id FROM found)) ${IN_ORDER}
  ), entered AS (
    UPDATE hookgraph.open_deliveries o SET held_number = 1 FROM w WHERE o.delivery_id = w.delivery_id RETURNING o.delivery_id
  ), added AS (
    INSERT INTO hookgraph.ordered_deliveries (subscription_id, node_key, event_id, delivery_id, frontier)
    SELECT $1, CASE WHEN octet_length(d.key) > 1500 THEN md5(d.key) ELSE d.key END, d.event_id, d.id, pg_snapshot_xmax(pg_current_snapshot())
    FROM entered CROSS JOIN LATERAL (
      SELECT d.id, d.event_id, ${NODE_KEY} AS key FROM hookgraph.deliveries d WHERE d.id = entered.delivery_id OFFSET 0
    ) d
    ON CONFLICT (subscription_id, node_key, event_id) DO UPDATE SET delivery_id = excluded.delivery_id, frontier = excluded.frontier
  )
  SELECT count(*)::int AS found FROM found`;

/** Enters the new deliveries. Returns whether all deliveries that the relay had created before are entered. */
async function enter(client: PoolClient, subscriptionId: string): Promise<boolean> {
  for (let i = 0; i < MAX_ENTERS; i += 1) {
    const { rows } = await client.query<{ found: number }>({ name: 'hookgraph-order-enter', text: ENTER, values: [subscriptionId] });
    if ((rows[0]?.found ?? 0) < MOST) return true;
  }
  return false;
}

// `frontier` is the id of the transaction that was next when the delivery was entered. Once all changes of earlier transactions are relayed
// and entered, no earlier delivery of its node can appear; then `frontier` is set to null.
const SETTLE = `
  UPDATE hookgraph.ordered_deliveries q SET frontier = NULL WHERE q.delivery_id = ANY (ARRAY(
    SELECT q.delivery_id FROM hookgraph.ordered_deliveries q
    WHERE q.subscription_id = $1 AND q.frontier <= $2::text::xid8 AND ($3::bigint IS NULL OR q.event_id <= $3)
    ORDER BY q.event_id LIMIT ${MOST}))
  RETURNING q.node_key AS key`;

// After a restore from a dump, transaction ids start again at lower numbers.
const RESTORE = `
  UPDATE hookgraph.ordered_deliveries SET frontier = pg_snapshot_xmax(pg_current_snapshot())
  WHERE subscription_id = $1 AND frontier > pg_snapshot_xmax(pg_current_snapshot())`;

const settle = (client: PoolClient, subscriptionId: string, { horizon, deferred }: State): Promise<string[]> =>
  keysOf(client, SETTLE, [subscriptionId, horizon, deferred]);

const NODES_OF = 'SELECT node_key AS key FROM hookgraph.ordered_deliveries WHERE subscription_id = $1 AND delivery_id = ANY ($2::bigint[])';

const SWEEP = `
  WITH RECURSIVE n AS (
    (SELECT node_key AS key, 1 AS number FROM hookgraph.ordered_deliveries WHERE subscription_id = $1 AND node_key > $2 ORDER BY node_key LIMIT 1)
    UNION ALL
    SELECT x.node_key, n.number + 1 FROM n CROSS JOIN LATERAL (
      SELECT q.node_key FROM hookgraph.ordered_deliveries q WHERE q.subscription_id = $1 AND q.node_key > n.key ORDER BY q.node_key LIMIT 1
    ) x WHERE n.number < $3
  )
  SELECT key FROM n`;

const WAITS = 'SELECT EXISTS (SELECT FROM hookgraph.ordered_deliveries WHERE subscription_id = $1 AND frontier IS NOT NULL) AS waits';

async function keysOf(client: PoolClient, text: string, values: unknown[]): Promise<string[]> {
  return (await client.query<{ key: string }>(text, values)).rows.map(({ key }) => key);
}

/** Selects the entries of the node `n.key`. */
const OF_NODE = 'FROM hookgraph.ordered_deliveries q WHERE q.subscription_id = $1 AND q.node_key = n.key';

const END = `
  DELETE FROM hookgraph.ordered_deliveries q WHERE q.delivery_id = ANY (ARRAY(
    SELECT x.delivery_id FROM unnest($2::text[]) AS n (key) CROSS JOIN LATERAL (
      SELECT q.delivery_id ${OF_NODE} ORDER BY q.event_id LIMIT ${MAX_ENDED}
    ) x WHERE NOT EXISTS (SELECT FROM hookgraph.open_deliveries o WHERE o.delivery_id = x.delivery_id)))`;

const REPLACE = `
  WITH last AS MATERIALIZED (
    SELECT n.key, l.* FROM unnest($2::text[]) AS n (key) CROSS JOIN LATERAL (
      SELECT q.event_id, q.delivery_id AS successor_id ${OF_NODE} AND q.frontier IS NULL
        AND EXISTS (SELECT FROM hookgraph.open_deliveries o WHERE o.delivery_id = q.delivery_id) ORDER BY q.event_id DESC LIMIT 1
    ) l
  ), earlier AS MATERIALIZED (
    SELECT x.delivery_id, n.successor_id FROM last n CROSS JOIN LATERAL (SELECT q.delivery_id ${OF_NODE} AND q.event_id < n.event_id OFFSET 0) x
  ), w AS MATERIALIZED (
    SELECT o.delivery_id FROM hookgraph.open_deliveries o
    WHERE o.delivery_id = ANY (ARRAY(SELECT delivery_id FROM earlier)) AND ${UNLEASED} ${IN_ORDER}
  ), gone AS (
    DELETE FROM hookgraph.open_deliveries o USING w WHERE o.delivery_id = w.delivery_id AND ${UNLEASED} RETURNING o.delivery_id
  ), skipped AS (
    UPDATE hookgraph.deliveries d SET state = 'SKIPPED', reason = '${COALESCED}', updated_at = now()
    FROM gone WHERE d.id = gone.delivery_id AND d.state IN ('PENDING', 'RETRYING', 'HELD')
  ), noted AS (
    INSERT INTO hookgraph.replaced_deliveries (delivery_id, successor_id)
    SELECT delivery_id, successor_id FROM earlier WHERE delivery_id IN (SELECT delivery_id FROM gone) ON CONFLICT DO NOTHING
  )
  DELETE FROM hookgraph.ordered_deliveries q USING gone WHERE q.delivery_id = gone.delivery_id`;

const RELEASE = `
  WITH head AS MATERIALIZED (
    SELECT h.delivery_id FROM unnest($2::text[]) AS n (key) CROSS JOIN LATERAL (
      SELECT q.delivery_id, q.frontier, o.held_for FROM hookgraph.ordered_deliveries q CROSS JOIN LATERAL (
        SELECT o.held_for FROM hookgraph.open_deliveries o WHERE o.delivery_id = q.delivery_id OFFSET 0
      ) o WHERE q.subscription_id = $1 AND q.node_key = n.key ORDER BY q.event_id LIMIT 1
    ) h WHERE h.frontier IS NULL AND h.held_for = '${ORDER}'
  ), found AS MATERIALIZED (SELECT delivery_id FROM head)`;

const FREE = `, w AS MATERIALIZED (
    SELECT o.delivery_id FROM hookgraph.open_deliveries o
    WHERE o.delivery_id = ANY (ARRAY(SELECT delivery_id FROM found)) AND o.held_for = '${ORDER}' ${IN_ORDER}
  ), free AS (
    UPDATE hookgraph.open_deliveries o SET held_for = NULL, held_number = 0, due_at = now() FROM w WHERE o.delivery_id = w.delivery_id
    RETURNING o.delivery_id, o.due_at
  ), due AS (
    UPDATE hookgraph.deliveries d SET reason = NULL, due_at = free.due_at, updated_at = now() FROM free WHERE d.id = free.delivery_id
  )`;

async function release(client: PoolClient, subscriptionId: string, nodes: string[], ordering: Ordering): Promise<number> {
  await client.query(END, [subscriptionId, nodes]);
  if (ordering === 'LATEST_ONLY') await client.query(REPLACE, [subscriptionId, nodes]);
  const { rows } = await client.query<{ count: number }>(`${RELEASE} ${FREE} SELECT count(*)::int AS count FROM free`, [
    subscriptionId,
    nodes,
  ]);
  return rows[0]?.count ?? 0;
}

/** Releases the deliveries of a subscription that is no longer ordered, in any order. */
async function releaseAll(client: PoolClient, subscriptionId: string): Promise<Advanced> {
  const { rows } = await client.query<{ count: number }>(
    `WITH found AS MATERIALIZED (
       SELECT o.delivery_id FROM hookgraph.open_deliveries o WHERE o.subscription_id = $1 AND o.held_for = '${ORDER}' LIMIT ${MOST}
     ) ${FREE} SELECT count(*)::int AS count FROM free`,
    [subscriptionId],
  );
  const released = rows[0]?.count ?? 0;
  const { isWaiting } = released < MOST ? await forget(client, subscriptionId) : { isWaiting: true };
  return { ...NOTHING, released, isWaiting };
}

/** Deletes entries of a subscription that is deleted or no longer ordered. */
async function forget(client: PoolClient, subscriptionId: string): Promise<Advanced> {
  const { rowCount } = await client.query(
    `DELETE FROM hookgraph.ordered_deliveries WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM hookgraph.ordered_deliveries WHERE subscription_id = $1 LIMIT ${MOST}))`,
    [subscriptionId],
  );
  return { ...NOTHING, isWaiting: rowCount === MOST };
}

// Jumps in the indexes from one subscription to the next, so it costs one index lookup per subscription with such deliveries.
const SCAN = `
  WITH RECURSIVE entered AS (
    (SELECT subscription_id AS id FROM hookgraph.ordered_deliveries ORDER BY subscription_id LIMIT 1)
    UNION ALL
    SELECT n.id FROM entered CROSS JOIN LATERAL (
      SELECT q.subscription_id AS id FROM hookgraph.ordered_deliveries q WHERE q.subscription_id > entered.id ORDER BY q.subscription_id LIMIT 1
    ) n
  ), held AS (
    (SELECT subscription_id AS id FROM hookgraph.open_deliveries WHERE held_for IS NOT NULL ORDER BY subscription_id LIMIT 1)
    UNION ALL
    SELECT n.id FROM held CROSS JOIN LATERAL (
      SELECT o.subscription_id AS id FROM hookgraph.open_deliveries o
      WHERE o.held_for IS NOT NULL AND o.subscription_id > held.id ORDER BY o.subscription_id LIMIT 1
    ) n
  )
  SELECT id, true AS waits FROM entered
  UNION SELECT id, true FROM held
    WHERE EXISTS (SELECT FROM hookgraph.open_deliveries o WHERE o.subscription_id = held.id AND o.held_for = '${ORDER}')
  UNION ALL SELECT id, false FROM hookgraph.subscriptions WHERE ordering IS NOT NULL AND deleted_at IS NULL`;
