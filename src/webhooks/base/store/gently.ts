// Runs the steps of cleaning so that they slow a customer's write little. Each commit waits for the disk, and a checkpoint that writes many
// changed pages at once makes it wait for half a second.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import { insideTransaction } from './transaction.js';

/** Makes the system write the step's pages to the disk soon, so that the next checkpoint has fewer to write. */
const FLUSH_EARLY = "SET LOCAL backend_flush_after = '256kB'";
/** VACUUM sleeps 2 ms after each portion of work, as autovacuum does by default. */
const VACUUM_PAUSES = 'SET vacuum_cost_delay = 2';
/** A pause is at least this many times as long as the commit took: while the disk is slow, it mostly belongs to the writers. */
const PAUSE_PER_COMMIT = 10;
/** Maximum milliseconds of the pause after a step. */
const MOST_PAUSE_MS = 1_000;

/** Runs a step in a transaction, and then pauses for at least as long as the step took. */
export async function gently<T>(pool: Pool, step: (client: PoolClient) => Promise<T>): Promise<T> {
  const startedMs = performance.now();
  let commitsMs = startedMs;
  const result = await insideTransaction(pool, async (client) => {
    await client.query(FLUSH_EARLY);
    const done = await step(client);
    commitsMs = performance.now();
    return done;
  });
  const endedMs = performance.now();
  await sleep(pauseMs(endedMs - startedMs, endedMs - commitsMs));
  return result;
}

/** Returns the milliseconds of the pause after a step. `stepMs` is the time of the whole step, and includes `commitMs`. */
export const pauseMs = (stepMs: number, commitMs: number): number => Math.min(Math.max(stepMs, PAUSE_PER_COMMIT * commitMs), MOST_PAUSE_MS);

/** Runs VACUUM with pauses. */
export async function vacuumGently(pool: Pool, statement: string): Promise<void> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query(VACUUM_PAUSES);
    await client.query(statement);
  } finally {
    await client.query('RESET vacuum_cost_delay').catch((error: Error) => {
      broken = error;
    });
    client.release(broken);
  }
}
