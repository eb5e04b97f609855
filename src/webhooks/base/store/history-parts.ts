// Lists, drops and thins the partitions of history. These operations delay a writer by at most LOCK_MS.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import { gently } from './gently.js';
import { inSteps } from './steps.js';
import { insideTransaction } from './transaction.js';

/** Milliseconds that a drop waits for the lock of a table. Writers queue behind it for as long. */
const LOCK_MS = 30;
const PAUSE_MS = 200;
const LOCK_NOT_AVAILABLE = '55P03';
/** Suffix of the name of a partition of attempts that keeps only those that failed or were held. */
const THIN = '_errors';

/** SQL for the ids of events that are still needed. A running replay needs all events from its position on. */
export const NEEDED = `SELECT d.event_id AS id FROM hookgraph.open_deliveries o JOIN hookgraph.deliveries d ON d.id = o.delivery_id
  UNION ALL SELECT event_id FROM hookgraph.event_queue UNION ALL SELECT event_id FROM hookgraph.fan_outs
  UNION ALL SELECT position FROM hookgraph.replays WHERE state = 'RUNNING'`;

export interface Part {
  kind: 'events' | 'attempts' | 'exchanges_of_others' | 'exchanges_of_errors';
  /** The name of the partition. */
  name: string;
  bytes: number;
  /** The bounds of the ids in the partition: `low` is inclusive, `high` exclusive. */
  low: string;
  high: string;
  endsAt: Date;
  /** Whether it has events that are still needed. */
  isNeeded: boolean;
  /** Whether it has only attempts that failed or were held. */
  isThin: boolean;
}

/** Lists the partitions that have bounds, the oldest first. */
export async function listParts(pool: Pool): Promise<Part[]> {
  const { rows } = await pool.query<Part>(
    `WITH needed AS MATERIALIZED (${NEEDED}), replayed AS (
       SELECT position AS low, hookgraph.id_at(to_at) AS high FROM hookgraph.replays WHERE state = 'RUNNING'
     )
     SELECT w.kind, w.name, pg_total_relation_size(w.oid)::float8 AS bytes, w.low, w.high, hookgraph.time_of(w.high) AS "endsAt",
       w.kind = 'events' AND (EXISTS (SELECT FROM needed n WHERE n.id >= w.low AND n.id < w.high)
         OR EXISTS (SELECT FROM replayed r WHERE r.low < w.high AND r.high >= w.low)) AS "isNeeded",
       w.kind = 'attempts' AND w.name LIKE '%\\${THIN}' AS "isThin"
     FROM (
       SELECT c.oid, c.relname::text AS name, k.kind, b.bounds[1]::bigint AS low, b.bounds[2]::bigint AS high
       FROM (VALUES ('events', 'hookgraph.events'::regclass), ('attempts', 'hookgraph.attempts'::regclass),
         ('exchanges_of_others', 'hookgraph.exchanges_of_others'::regclass),
         ('exchanges_of_errors', 'hookgraph.exchanges_of_errors'::regclass)) AS k (kind, root)
       JOIN pg_inherits i ON i.inhparent = k.root
       JOIN pg_class c ON c.oid = i.inhrelid
       CROSS JOIN LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \\(''?(\\d+)''?\\) TO \\(''?(\\d+)''?\\)') AS b (bounds)
       WHERE b.bounds IS NOT NULL
     ) w
     ORDER BY w.low, w.name DESC`,
  );
  return rows;
}

/** Returns whether the partition was dropped. */
export const dropPart = (pool: Pool, { name }: Pick<Part, 'name'>, patienceMs: number): Promise<boolean> =>
  lockedForAMoment(pool, patienceMs, async (client) => {
    await client.query(`DROP TABLE IF EXISTS hookgraph.${client.escapeIdentifier(name)}`);
  });

/**
 * Replaces a week of attempts by a table with only those that failed or were held; returns whether it did. Copies them before it asks for
 * the lock, because an old week gets no new attempts. Replaces a copy that a process left when it ended too early.
 */
export async function thinPart(pool: Pool, { name, low, high }: Part, patienceMs: number): Promise<boolean> {
  const copy = `${name}${THIN}`;
  await pool.query(`DROP TABLE IF EXISTS hookgraph.${copy}`);
  await pool.query(`CREATE TABLE hookgraph.${copy} (LIKE hookgraph.attempts INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES,
    CHECK (id >= ${low} AND id < ${high}))`);
  let position = String(BigInt(low) - 1n);
  await inSteps(
    async (rows) => {
      const copied = await gently(pool, (client) =>
        client.query<{ count: number; last: string }>(
          `WITH next AS (
           SELECT * FROM hookgraph.attempts WHERE id > $1 AND id < $2 AND outcome IN ('FAILED', 'HELD') ORDER BY id LIMIT $3
         ), copied AS (INSERT INTO hookgraph.${copy} SELECT * FROM next RETURNING id)
         SELECT count(*)::int AS count, coalesce(max(id), $1) AS last FROM copied`,
          [position, high, rows],
        ),
      );
      const { count, last } = copied.rows[0] as { count: number; last: string };
      position = last;
      return { found: count, moved: {} };
    },
    { withinMs: Number.POSITIVE_INFINITY },
  );
  return lockedForAMoment(pool, patienceMs, async (client) => {
    await client.query(`ALTER TABLE hookgraph.attempts DETACH PARTITION hookgraph.${name}`);
    await client.query(`ALTER TABLE hookgraph.attempts ATTACH PARTITION hookgraph.${copy} FOR VALUES FROM (${low}) TO (${high})`);
    await client.query(`DROP TABLE hookgraph.${name}`);
  });
}

/** Returns whether the work was done. Tries to get its locks again and again, each time for LOCK_MS, so that no writer waits longer. */
async function lockedForAMoment(pool: Pool, patienceMs: number, work: (client: PoolClient) => Promise<void>): Promise<boolean> {
  for (const started = performance.now(); ; await sleep(PAUSE_MS)) {
    try {
      await insideTransaction(pool, async (client) => {
        await client.query(`SET LOCAL lock_timeout = ${LOCK_MS}`);
        await work(client);
      });
      return true;
    } catch (error) {
      if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE) throw error;
      if (performance.now() - started > patienceMs) return false;
    }
  }
}
