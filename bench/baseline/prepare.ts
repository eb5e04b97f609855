// Adds graphile-worker's tables and the baseline's jobs to a bench database.
import { runMigrations } from 'graphile-worker';
import type pg from 'pg';

export async function prepareJobs(pool: pg.Pool): Promise<void> {
  await runMigrations({ pgPool: pool });
  await pool.query(`CREATE TABLE webhook_results (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id uuid NOT NULL, request text,
    status int, response text, duration_ms float8, created_at timestamptz NOT NULL DEFAULT now())`);
}

/** Adds one job for each of these people. */
export async function addJobs(pool: pg.Pool, userIds: string[], path = '/'): Promise<void> {
  await pool.query(
    `SELECT count(*) FROM graphile_worker.add_jobs(ARRAY(
       SELECT json_populate_record(NULL::graphile_worker.job_spec, json_build_object('identifier', 'deliver',
         'payload', json_build_object('userId', id, 'path', $2::text)))
       FROM unnest($1::uuid[]) id))`,
    [userIds, path],
  );
}
