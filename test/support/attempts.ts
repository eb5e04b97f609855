// Reads the attempts and delivery states of a subscription by its record id.
import type pg from 'pg';
import { until } from './until.js';

export interface AttemptRow {
  deliveryId: string;
  number: number;
  outcome: string;
  stage: string | null;
  message: string | null;
  version: number;
  startedAt: Date;
  status: number | null;
  requestBody: string | null;
}

/** The attempts in the order in which they were recorded. */
export async function attemptsOf(pool: pg.Pool, subscriptionId: string): Promise<AttemptRow[]> {
  const { rows } = await pool.query<AttemptRow>(
    `SELECT delivery_id AS "deliveryId", number, outcome, stage, message, subscription_version AS version, started_at AS "startedAt",
       response_status AS status, request_body AS "requestBody"
     FROM hookgraph.attempts WHERE subscription_id = $1 ORDER BY id`,
    [subscriptionId],
  );
  return rows;
}

/** Waits until at least `count` attempts are recorded, and returns all. */
export const untilAttempts = (pool: pg.Pool, subscriptionId: string, count: number): Promise<AttemptRow[]> =>
  until(`${count} attempts are recorded`, async () => {
    const rows = await attemptsOf(pool, subscriptionId);
    return rows.length >= count ? rows : null;
  });

/** The number of the subscription's deliveries in each state, e.g. `{ DELIVERED: 20, PENDING: 1 }`. */
export async function countStates(pool: pg.Pool, subscriptionId: string): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ state: string; count: number }>(
    'SELECT state, count(*)::int AS count FROM hookgraph.deliveries WHERE subscription_id = $1 GROUP BY state',
    [subscriptionId],
  );
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
}
