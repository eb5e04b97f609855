// Reads, locks and writes the paces of subscriptions: how fast their deliveries may start. A subscription at full speed has no row in the
// table `paces`, and its column `paced` is false.
import type { Pool, PoolClient } from 'pg';
import type { Bucket, Pace, RateLimit } from '../pace.js';
import { SET_PACED, UNSET_PACED, unsetSlowed } from './subscription-status.js';

export interface LockedPaces {
  /** The database's current time, because the clocks of the workers that share the paces may differ. */
  nowMs: number;
  paces: Map<string, Pace & Bucket>;
  /** Subscription id → its tenant. */
  tenants: Map<string, string>;
}

interface Row extends Omit<Pace, 'limit'>, Bucket {
  id: string;
  limitPerSecond: number | null;
  limitConcurrency: number | null;
}

const ms = (column: string, name: string) => `extract(epoch FROM p.${column})::float8 * 1000 AS "${name}"`;

export const PACE_COLUMNS = `p.subscription_id AS id, p.state, p.per_second AS "perSecond", p.ceiling, p.failures, p.allowance,
  p.limit_per_second AS "limitPerSecond", p.limit_concurrency AS "limitConcurrency", ${ms('resume_at', 'resumeAtMs')}, ${ms('told_at', 'throttledAtMs')},
  ${ms('since', 'sinceMs')}, ${ms('changed_at', 'changedAtMs')}, ${ms('refilled_at', 'refilledAtMs')}`;

export function toPaces(rows: Row[]): Map<string, Pace & Bucket> {
  return new Map(
    rows.map(({ id, limitPerSecond, limitConcurrency, ...pace }) => {
      const limit =
        limitPerSecond === null && limitConcurrency === null ? null : { perSecond: limitPerSecond, concurrency: limitConcurrency };
      return [id, { ...pace, limit }];
    }),
  );
}

export async function databaseNow(db: Pool | PoolClient): Promise<number> {
  const { rows } = await db.query<{ now: number }>('SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now');
  return (rows[0] as { now: number }).now;
}

/**
 * Locks the rows of the subscriptions first and then their paces, in the same order as a save of a subscription, so that the two can't
 * deadlock.
 */
export async function lockPaces(client: PoolClient, ids: readonly string[]): Promise<LockedPaces> {
  const { rows: locked } = await client.query<{ id: string; tenant: string }>(
    'SELECT x.id, x.tenant FROM hookgraph.subscriptions x WHERE x.id = ANY ($1::uuid[]) ORDER BY x.id FOR NO KEY UPDATE',
    [ids],
  );
  const { rows } = await client.query<Row>(
    `SELECT ${PACE_COLUMNS} FROM hookgraph.paces p WHERE p.subscription_id = ANY ($1::uuid[]) ORDER BY p.subscription_id FOR UPDATE`,
    [ids],
  );
  return { nowMs: await databaseNow(client), paces: toPaces(rows), tenants: new Map(locked.map(({ id, tenant }) => [id, tenant])) };
}

/**
 * Writes paces that lockPaces has locked; `null` for full speed. If only its own limit slows a subscription down, it is no longer marked as
 * slowed. Leaves the tokens as they are, which limit how many deliveries may start and which spendAllowances writes.
 */
export async function writePaces(client: PoolClient, paces: ReadonlyMap<string, Pace | null>): Promise<void> {
  const paced = [...paces].flatMap(([id, pace]) => (pace === null ? [] : [{ id, ...pace, ...columnsOf(pace.limit) }]));
  const full = [...paces].flatMap(([id, pace]) => (pace === null ? [id] : []));
  if (paced.length > 0)
    await client.query(
      `WITH r AS (
         SELECT * FROM jsonb_to_recordset($1::jsonb) AS r (id uuid, state text, "perSecond" float8, ceiling float8, "resumeAtMs" float8, "throttledAtMs" float8,
           failures int, "sinceMs" float8, "changedAtMs" float8, "limitPerSecond" float8, "limitConcurrency" int)
       ), x AS (
         ${SET_PACED}
       )
       INSERT INTO hookgraph.paces AS p (subscription_id, state, per_second, ceiling, resume_at, told_at, failures, since, changed_at, limit_per_second, limit_concurrency)
       SELECT id, state, "perSecond", ceiling, to_timestamp("resumeAtMs" / 1000), to_timestamp("throttledAtMs" / 1000), failures, to_timestamp("sinceMs" / 1000),
         to_timestamp("changedAtMs" / 1000), "limitPerSecond", "limitConcurrency" FROM r
       ON CONFLICT (subscription_id) DO UPDATE SET state = excluded.state, per_second = excluded.per_second, ceiling = excluded.ceiling,
         resume_at = excluded.resume_at, told_at = excluded.told_at, failures = excluded.failures, since = excluded.since, changed_at = excluded.changed_at,
         limit_per_second = excluded.limit_per_second, limit_concurrency = excluded.limit_concurrency`,
      [JSON.stringify(paced)],
    );
  if (full.length > 0)
    await client.query(
      `WITH gone AS (DELETE FROM hookgraph.paces WHERE subscription_id = ANY ($1::uuid[]))
       ${UNSET_PACED}`,
      [full],
    );
  await unsetSlowed(client, [...full, ...paced.flatMap(({ id, state }) => (state === 'LIMITED' ? [id] : []))]);
}

/**
 * Writes the tokens that each subscription has left (`allowances`) after a claim at `nowMs`; each delivery that starts costs a token.
 * `probed`: the subscriptions for which the claim included a probe, a single delivery to a failing receiver. Their next probe is due
 * `probeLostMs` milliseconds later, unless the result of this probe is recorded earlier.
 */
export async function spendAllowances(
  client: PoolClient,
  { ids, allowances, probed }: { ids: string[]; allowances: number[]; probed: readonly string[] },
  nowMs: number,
  probeLostMs: number,
): Promise<void> {
  await client.query(
    `UPDATE hookgraph.paces p SET allowance = r.allowance, refilled_at = to_timestamp($4::float8 / 1000),
       resume_at = CASE WHEN p.subscription_id = ANY ($3::uuid[]) THEN to_timestamp(($4 + $5) / 1000) ELSE p.resume_at END
     FROM unnest($1::uuid[], $2::float8[]) AS r (id, allowance) WHERE p.subscription_id = r.id`,
    [ids, allowances, probed, nowMs, probeLostMs],
  );
}

/**
 * Corrects paces after the clock of the database has gone back: a pause that was set at a time in the future begins again now, with the
 * same length.
 */
export async function correctPaces(pool: Pool): Promise<void> {
  await pool.query(CORRECT);
}

const CORRECT = `
  UPDATE hookgraph.paces p SET refilled_at = least(refilled_at, now()), since = least(since, now()), 
    told_at = CASE WHEN told_at IS NOT NULL THEN least(told_at, now()) END,
    changed_at = least(changed_at, now()), resume_at = least(resume_at, now() + (resume_at - s.at))
  FROM (
    SELECT subscription_id AS id, greatest(refilled_at, since, told_at, CASE WHEN changed_at < resume_at THEN changed_at END) AS at FROM hookgraph.paces
  ) s WHERE s.id = p.subscription_id AND s.at > now()`;

const columnsOf = (limit: RateLimit | null) => ({
  limitPerSecond: limit?.perSecond ?? null,
  limitConcurrency: limit?.concurrency ?? null,
});
