// Reads the attempts and delivery states of a subscription by its record id.
import type pg from 'pg';
import type { Attempt } from '../../src/webhooks/base/model.js';
import { wholeAttempts } from '../../src/webhooks/base/store/attempts.js';
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
  const attempts = await recorded(pool, 'a.subscription_id = $1', subscriptionId);
  return attempts.map(({ subscriptionVersion, request, response, ...attempt }) => ({
    ...attempt,
    version: subscriptionVersion,
    status: response?.status ?? null,
    requestBody: request?.body ?? null,
  }));
}

/** Returns the whole attempts for which the condition on `a` is true, in the order in which they were recorded. */
export const recorded = async (db: pg.Pool | pg.PoolClient, condition = 'true', ...values: unknown[]): Promise<Attempt[]> => [
  ...(await wholeAttempts(db, `WHERE ${condition}`, values)).values(),
];

/** Returns everything that is stored about the attempts of a subscription as one text, in which no secret may be. */
export async function recordedText(pool: pg.Pool, subscriptionId: string): Promise<string> {
  const { rows } = await pool.query('SELECT a::text AS text FROM hookgraph.attempts a WHERE a.subscription_id = $1', [subscriptionId]);
  const attempts = await recorded(pool, 'a.subscription_id = $1', subscriptionId);
  return [...rows.map(({ text }) => text), ...attempts.flatMap(textsIn)].join('\n');
}

/** Returns all texts within a value unescaped, because JSON would escape their quotation marks. */
const textsIn = (value: unknown): string[] =>
  typeof value === 'string'
    ? [value]
    : value && typeof value === 'object'
      ? Object.entries(value).flatMap(([name, of]) => [name, ...textsIn(of)])
      : [];

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
