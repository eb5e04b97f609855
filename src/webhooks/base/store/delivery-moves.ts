// Moves many deliveries at once, in steps: holds, releases and cancels them, and corrects their times.
// Every statement here locks its rows of open_deliveries first, in physical order (IN_ORDER), and so does verdict/attempt-writer.ts. Two
// statements therefore can't deadlock, unless a third has just moved one of the rows; then the attempt writer and the claim loop retry.
import type { Pool, PoolClient } from 'pg';
import { NODE_KEY, TYPENAME } from './delivery-columns.js';
import { type HeldReason, OPERATOR, ORDER, OUT_OF_ORDER, UNLEASED } from './delivery-state.js';
import { inSteps, type Step, type StepSize, type Steps } from './steps.js';

export const IN_ORDER = 'ORDER BY o.ctid FOR UPDATE OF o';

/**
 * Sets the state HELD for the pending and retrying deliveries of these subscriptions, in steps. A delivery that a worker has leased is held
 * when the result of its attempt is written. Returns the number of held deliveries of each subscription. lease/due-scan.ts holds those that
 * are left.
 */
export async function holdDeliveries(
  pool: Pool,
  subscriptionIds: string[],
  reason: HeldReason,
  steps?: Steps,
): Promise<Map<string, number>> {
  const holdable = `o.subscription_id = ANY ($1::uuid[]) AND o.held_for IS NULL AND ${UNLEASED}`;
  return move(
    pool,
    { which: `SELECT o.delivery_id FROM hookgraph.open_deliveries o WHERE ${holdable}`, values: [subscriptionIds, reason] },
    steps,
  )(
    `w AS MATERIALIZED (
       SELECT o.delivery_id FROM hookgraph.open_deliveries o WHERE o.delivery_id = ANY (ARRAY(SELECT delivery_id FROM found)) AND ${holdable} ${IN_ORDER}
     ), o AS (
       UPDATE hookgraph.open_deliveries o SET held_for = $2, lease_until = NULL, lease_token = NULL
       FROM w WHERE o.delivery_id = w.delivery_id RETURNING o.delivery_id
     ), moved AS (
       UPDATE hookgraph.deliveries d SET state = 'HELD', reason = $2, updated_at = now()
       FROM o WHERE d.id = o.delivery_id AND d.state IN ('PENDING', 'RETRYING') RETURNING d.subscription_id
     )`,
  );
}

interface Selection {
  /** Selects the ids of the queue rows to move (`delivery_id`); its first parameter is $1. */
  which: string;
  values: unknown[];
}

/**
 * Returns a function that runs a move in steps. Pass it the CTEs that move the rows of the CTE `found`; the last of them, `moved`, must
 * return the subscription ids of the moved rows.
 */
function move(pool: Pool, { which, values }: Selection, steps?: Steps): (ctes: string) => Promise<Map<string, number>> {
  return (ctes) =>
    inSteps(async (rows) => {
      const answer = await pool.query<Step>(
        `WITH found AS MATERIALIZED (${which} LIMIT ${rows}), ${ctes}
         SELECT (SELECT count(*) FROM found)::int AS found,
           (SELECT coalesce(jsonb_object_agg(id, count), '{}') FROM (SELECT subscription_id::text AS id, count(*) FROM moved GROUP BY 1) m) AS moved`,
        values,
      );
      return answer.rows[0] as Step;
    }, steps);
}

/**
 * Makes deliveries that are HELD for one of these reasons due now, in steps; they keep their number of attempts. If the subscription was
 * disabled and its receiver had asked to slow down, a later due time is kept. Returns the number of released deliveries of each
 * subscription. lease/due-scan.ts releases those that are left.
 * @param reasons MENDED stands for deliveries held for the reason NODE whose number is below `releases`, the subscription's release count
 */
export async function releaseDeliveries(
  pool: Pool,
  subscriptionIds: string[],
  reasons: (HeldReason | 'MENDED')[],
  steps?: Steps,
): Promise<Map<string, number>> {
  const mended = `o.held_for = 'NODE' AND o.held_number < (SELECT x.releases FROM hookgraph.subscriptions x WHERE x.id = o.subscription_id)`;
  const releasable = `o.subscription_id = ANY ($1::uuid[]) AND (o.held_for = ANY ($2::text[]) OR ('MENDED' = ANY ($2::text[]) AND ${mended}))`;
  return move(
    pool,
    {
      which: `SELECT o.delivery_id FROM hookgraph.open_deliveries o WHERE o.held_for IS NOT NULL AND ${releasable}`,
      values: [subscriptionIds, reasons],
    },
    steps,
  )(
    `w AS MATERIALIZED (
       SELECT o.delivery_id FROM hookgraph.open_deliveries o WHERE o.delivery_id = ANY (ARRAY(SELECT delivery_id FROM found)) AND ${releasable} ${IN_ORDER}
     ), o AS (
       UPDATE hookgraph.open_deliveries o SET held_for = NULL, due_at = CASE
         WHEN o.held_for = 'DISABLED' AND o.subscription_id IN (SELECT p.subscription_id FROM hookgraph.paces p WHERE p.told_at IS NOT NULL)
         THEN greatest(o.due_at, now()) ELSE now() END
       FROM w WHERE o.delivery_id = w.delivery_id RETURNING o.delivery_id, o.due_at
     ), moved AS (
       UPDATE hookgraph.deliveries d SET state = CASE WHEN d.attempt_count = 0 THEN 'PENDING' ELSE 'RETRYING' END, reason = NULL,
         due_at = o.due_at, updated_at = now()
       FROM o WHERE d.id = o.delivery_id AND d.state = 'HELD' RETURNING d.subscription_id
     )`,
  );
}

/**
 * Makes due now, in steps, those deliveries of a subscription that wait until the operator corrects a fault. Call it when the fault is
 * corrected. Returns whether no such delivery is left.
 */
export async function hastenDeliveries(pool: Pool, subscriptionId: string, steps?: Steps): Promise<boolean> {
  const waiting = `o.subscription_id = $1 AND o.held_for IS NULL AND o.due_at > now() AND ${UNLEASED}`;
  let isDone = false;
  await inSteps(async (rows) => {
    const answer = await pool.query<Step>(
      // No pause for the operator is longer than 5 minutes, so later rows need not be read.
      `WITH found AS MATERIALIZED (
         SELECT o.delivery_id FROM hookgraph.open_deliveries o JOIN hookgraph.deliveries d ON d.id = o.delivery_id
         WHERE ${waiting} AND o.due_at < now() + interval '5 minutes' AND d.reason = '${OPERATOR}' LIMIT ${rows}
       ), w AS MATERIALIZED (
         SELECT o.delivery_id FROM hookgraph.open_deliveries o
         WHERE o.delivery_id = ANY (ARRAY(SELECT delivery_id FROM found)) AND ${waiting} ${IN_ORDER}
       ), o AS (
         UPDATE hookgraph.open_deliveries o SET due_at = now() FROM w WHERE o.delivery_id = w.delivery_id RETURNING o.delivery_id, o.due_at
       ), d AS (
         UPDATE hookgraph.deliveries d SET due_at = o.due_at, updated_at = now() FROM o WHERE d.id = o.delivery_id
       )
       SELECT count(*)::int AS found, '{}'::jsonb AS moved FROM found`,
      [subscriptionId],
    );
    const step = answer.rows[0] as Step;
    isDone = step.found < rows;
    return step;
  }, steps);
  return isDone;
}

/** Returns the number of held deliveries of a subscription. */
export async function countHeld(db: Pool | PoolClient, subscriptionId: string): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM hookgraph.open_deliveries o WHERE o.subscription_id = $1 AND o.held_for <> $2',
    [subscriptionId, ORDER],
  );
  return rows[0]?.count ?? 0;
}

const OPEN = "d.state IN ('PENDING', 'RETRYING', 'HELD')";

/**
 * Cancels the pending, retrying and held deliveries of these subscriptions, in steps. A delivery that a worker has leased is cancelled,
 * too; the result of its attempt is recorded, but doesn't change its state. lease/due-scan.ts cancels those that are left.
 */
export async function cancelDeliveries(pool: Pool, subscriptionIds: string[], steps?: Steps): Promise<void> {
  const which = `SELECT o.delivery_id FROM hookgraph.open_deliveries o JOIN hookgraph.deliveries d ON d.id = o.delivery_id
    WHERE o.subscription_id = ANY ($1::uuid[]) AND ${OPEN}`;
  await move(pool, { which, values: [subscriptionIds, 'DELETED'] }, steps)(CANCEL);
}

/**
 * Cancels the pending, retrying and held deliveries that this replay created, as cancelDeliveries does, in steps by position. Returns
 * whether none is left.
 */
export async function cancelReplayed(pool: Pool, replayId: string, steps?: Steps): Promise<boolean> {
  let position: string | null = '-1';
  await inSteps(async (rows) => {
    const answer = await pool.query<Step & { last: string | null }>(
      `WITH part AS MATERIALIZED (
         SELECT d.id, d.event_id FROM hookgraph.deliveries d WHERE d.replay_id = $1 AND d.event_id > $3 ORDER BY d.event_id LIMIT ${rows}
       ), found AS MATERIALIZED (SELECT id AS delivery_id FROM part), ${CANCEL}
       SELECT (SELECT count(*) FROM part)::int AS found, '{}'::jsonb AS moved, (SELECT max(event_id) FROM part) AS last`,
      [replayId, 'REPLAY', position],
    );
    const { found, last, moved } = answer.rows[0] as Step & { last: string | null };
    position = found < rows ? null : last;
    return { found, moved };
  }, steps);
  return position === null && (await cancelSnapshot(pool, replayId, steps));
}

/** Cancels the open deliveries of a snapshot, which have no event. Returns whether none is left. */
async function cancelSnapshot(pool: Pool, replayId: string, steps?: Steps): Promise<boolean> {
  let isDone = false;
  await inSteps(async (rows) => {
    const answer = await pool.query<Step>(
      `WITH found AS MATERIALIZED (
         SELECT o.delivery_id FROM hookgraph.replays r JOIN hookgraph.open_deliveries o ON o.subscription_id = r.subscription_id
         JOIN hookgraph.deliveries d ON d.id = o.delivery_id WHERE r.id = $1 AND r.is_snapshot AND d.replay_id = r.id AND ${OPEN} LIMIT ${rows}
       ), ${CANCEL}
       SELECT (SELECT count(*) FROM found)::int AS found, '{}'::jsonb AS moved`,
      [replayId, 'REPLAY'],
    );
    const step = answer.rows[0] as Step;
    isDone = step.found < rows;
    return step;
  }, steps);
  return isDone;
}

const CANCEL = `
  w AS MATERIALIZED (
    SELECT o.delivery_id, o.due_at FROM hookgraph.open_deliveries o WHERE o.delivery_id = ANY (ARRAY(SELECT delivery_id FROM found)) ${IN_ORDER}
  ), gone AS (
    DELETE FROM hookgraph.open_deliveries o USING w
    WHERE o.delivery_id = w.delivery_id AND o.due_at = w.due_at AND ${UNLEASED} RETURNING 1
  ), moved AS (
    UPDATE hookgraph.deliveries d SET state = 'CANCELLED', reason = $2, updated_at = now()
    FROM w WHERE (SELECT count(*) FROM gone) >= 0 AND d.id = w.delivery_id AND ${OPEN} RETURNING d.subscription_id
  )`;

/** Cancels the open ones of these deliveries, as cancelDeliveries does; returns their number. */
export async function cancelFound(client: PoolClient, ids: readonly string[], reason: string): Promise<number> {
  if (ids.length === 0) return 0;
  const { rows } = await client.query<{ count: number }>(
    `WITH found AS MATERIALIZED (SELECT i.id AS delivery_id FROM unnest($1::bigint[]) AS i (id)), ${CANCEL} SELECT count(*)::int AS count FROM moved`,
    [ids, reason],
  );
  return rows[0]?.count ?? 0;
}

/**
 * CTEs that make the deliveries of the CTE `found` due now, in any state; they keep their number of attempts. A delivery whose attempt is
 * running, or that waits for an earlier one of its node, stays as it is. The last CTE, `changed`, has a row for each delivery made due.
 */
export const REOPEN = `
  w AS MATERIALIZED (
    SELECT o.delivery_id FROM hookgraph.open_deliveries o WHERE o.delivery_id = ANY (ARRAY(SELECT id FROM found)) AND ${UNLEASED} AND ${OUT_OF_ORDER}
    ${IN_ORDER}
  ), queued AS (
    UPDATE hookgraph.open_deliveries o SET due_at = now(), held_for = NULL, lease_until = NULL, lease_token = NULL
    FROM w WHERE o.delivery_id = w.delivery_id AND ${UNLEASED} RETURNING o.delivery_id
  ), ended AS (
    INSERT INTO hookgraph.open_deliveries (delivery_id, subscription_id, due_at)
    SELECT f.id, f.subscription_id, now() FROM found f
    WHERE NOT EXISTS (SELECT FROM hookgraph.open_deliveries o WHERE o.delivery_id = f.id) ORDER BY f.id
    ON CONFLICT DO NOTHING RETURNING delivery_id
  ), changed AS (
    UPDATE hookgraph.deliveries d SET state = CASE WHEN d.attempt_count = 0 THEN 'PENDING' ELSE 'RETRYING' END, reason = NULL,
      due_at = now(), updated_at = now()
    FROM (SELECT delivery_id FROM queued UNION ALL SELECT delivery_id FROM ended) o WHERE d.id = o.delivery_id RETURNING 1
  )`;

/** CTEs that queue one more delivery for the event of each delivery in the CTE `found`. The last CTE, `changed`, has a row for each. */
export const REPEAT = `
  made AS (
    INSERT INTO hookgraph.deliveries (event_id, subscription_id, topic_id, kind, typename, node_key, due_at)
    SELECT event_id, subscription_id, topic_id, CASE kind WHEN 'SNAPSHOT' THEN kind ELSE 'RESEND' END, ${TYPENAME}, ${NODE_KEY}, now() FROM found d ORDER BY id
    RETURNING id, subscription_id, due_at
  ), changed AS (
    INSERT INTO hookgraph.open_deliveries (delivery_id, subscription_id, due_at) SELECT id, subscription_id, due_at FROM made RETURNING 1
  )`;

/**
 * Corrects the times of open deliveries after the clock of the database has gone back. If a delivery was changed at a time in the future,
 * the pause that followed the change starts again now. Leases end after `leaseMs` at the latest. Goes through the whole queue in steps;
 * idempotent.
 */
export async function correctTimes(pool: Pool, leaseMs: number, size: StepSize): Promise<void> {
  let position: string | null = '0';
  const steps = { withinMs: Number.POSITIVE_INFINITY, size };
  await inSteps(async (rows) => {
    const answer = await pool.query<{ found: number; last: string | null }>(
      `WITH part AS MATERIALIZED (
         SELECT o.delivery_id FROM hookgraph.open_deliveries o WHERE o.delivery_id > $1 ORDER BY o.delivery_id LIMIT ${rows}
       ), w AS MATERIALIZED (
         SELECT o.delivery_id FROM hookgraph.open_deliveries o
         WHERE o.delivery_id = ANY (ARRAY(SELECT delivery_id FROM part)) AND (o.due_at > now() OR o.lease_until > now()) ${IN_ORDER}
       ), d AS (
         UPDATE hookgraph.deliveries d SET due_at = least(d.due_at, now() + greatest(d.due_at - d.updated_at, interval '0')), updated_at = now()
         FROM w WHERE d.id = w.delivery_id AND d.updated_at > now() RETURNING d.id, d.due_at
       ), o AS (
         UPDATE hookgraph.open_deliveries o SET due_at = coalesce((SELECT d.due_at FROM d WHERE d.id = o.delivery_id), o.due_at),
           lease_until = CASE WHEN o.lease_until IS NOT NULL THEN least(o.lease_until, now() + $2 * interval '1 ms') END
         FROM w WHERE o.delivery_id = w.delivery_id
       )
       SELECT count(*)::int AS found, max(delivery_id) AS last FROM part`,
      [position, leaseMs],
    );
    const { found, last } = answer.rows[0] as { found: number; last: string | null };
    position = last;
    return { found, moved: {} };
  }, steps);
}
