// Retries work that needs locks: each try waits only briefly, so that other sessions don't queue behind it. Names the lock
// holders when all tries fail.
import { setTimeout as wait } from 'node:timers/promises';
import type { ClientBase, DatabaseError } from 'pg';
import type { Logger } from './logger.js';

/**
 * Maximum wait of one try for a lock, in milliseconds. It is short because a table's writers queue behind a session that
 * waits for a lock on the table.
 */
export const LOCK_TIMEOUT_MS = 300;

/**
 * Begins a transaction that blocks others only for a limited time. If its process stops between two statements, Postgres ends
 * the session after 5 s, which releases its locks. A statement waits up to 10 s for a lock: long enough for the session of a
 * stopped process to end.
 */
export const BEGIN = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '5s'; SET LOCAL lock_timeout = '10s'";

/** Maximum time of all tries together, in milliseconds. */
const GIVE_UP_MS = 60_000;

/**
 * Maps each lock mode that the work takes to the modes that conflict with it (Postgres manual, table "Conflicting Lock
 * Modes").
 */
const CONFLICTING = {
  AccessShare: ['AccessExclusive'],
  ShareRowExclusive: ['RowExclusive', 'ShareUpdateExclusive', 'Share', 'ShareRowExclusive', 'Exclusive', 'AccessExclusive'],
  AccessExclusive: [
    'AccessShare',
    'RowShare',
    'RowExclusive',
    'ShareUpdateExclusive',
    'Share',
    'ShareRowExclusive',
    'Exclusive',
    'AccessExclusive',
  ],
};

/** A lock on tables (named as in SQL) and their partitions, or on all relations of a schema. */
export interface LockRequest {
  mode: keyof typeof CONFLICTING;
  on: readonly string[] | { schema: string };
}

export interface LockRetries {
  log?: Logger;
  /** Maximum time of all tries together, in milliseconds. Default: 60,000. */
  giveUpMs?: number;
  /**
   * Creates the error that is thrown when all tries fail. `holders`: a sentence that names the lock holders; empty when
   * no holder was found.
   */
  refuse(seconds: number, held: { tables: string; holders: string }, cause: Error): Error;
}

/**
 * Runs `work`, and runs it again after a lock timeout or deadlock. `work` must set `lock_timeout` for its transaction, and
 * leave no transaction open when it fails.
 */
export async function retryLocked<T>(
  client: ClientBase,
  lock: LockRequest,
  { log, giveUpMs = GIVE_UP_MS, refuse }: LockRetries,
  work: () => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 2, 2000)) {
    try {
      return await work();
    } catch (error) {
      const { code } = error as DatabaseError;
      if (code !== '55P03' && code !== '40P01') throw error;
      const holders = await holdersOf(client, lock);
      const passedMs = performance.now() - startedAt;
      if (passedMs > giveUpMs)
        throw refuse(
          Math.round(passedMs / 1000),
          { tables: 'schema' in lock.on ? lock.on.schema : lock.on.join(', '), holders },
          error as Error,
        );
      log?.info({ on: lock.on, pauseMs, holders }, 'other transactions hold a lock that migrate needs; retrying');
      await wait(pauseMs);
    }
  }
}

interface Holder {
  pid: number;
  user: string | null;
  application: string | null;
  state: string | null;
  seconds: number | null;
  query: string | null;
}

async function holdersOf(client: ClientBase, { mode, on }: LockRequest): Promise<string> {
  const { rows } = await client.query<Holder>(HOLDERS, [
    'schema' in on ? [] : on,
    'schema' in on ? on.schema : null,
    CONFLICTING[mode].map((name) => `${name}Lock`),
  ]);
  const descriptions = rows.map(
    ({ pid, user, application, state, seconds, query }) =>
      `pid ${pid} (${[user, application, state].filter(Boolean).join(', ')}${seconds === null ? '' : `, its transaction is ${seconds} s old`}): ${query ?? ''}`,
  );
  return descriptions.length === 0 ? '' : `The lock is held by ${descriptions.join('; ')}.`;
}

const HOLDERS = `
WITH relations AS (
  SELECT coalesce(t.relid, r.oid)::oid AS oid FROM (SELECT to_regclass(name) AS oid FROM unnest($1::text[]) AS name) r
  LEFT JOIN LATERAL pg_partition_tree(r.oid) t ON true
  UNION SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relnamespace = to_regnamespace($2))
SELECT a.pid, a.usename AS user, a.application_name AS application, a.state, extract(epoch FROM now() - a.xact_start)::int AS seconds,
  left(regexp_replace(a.query, '\\s+', ' ', 'g'), 200) AS query
FROM pg_catalog.pg_stat_activity a
WHERE a.pid <> pg_backend_pid() AND EXISTS (
  SELECT FROM pg_catalog.pg_locks l JOIN relations r ON r.oid = l.relation
  WHERE l.pid = a.pid AND l.granted AND l.mode = ANY ($3) AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
ORDER BY a.xact_start LIMIT 5`;
