// Writes random rows of several organizations by raw SQL, one transaction at a time per writer, and remembers what was committed.
import { setTimeout as wait } from 'node:timers/promises';
import type pg from 'pg';
import { pick, type Random } from './random.js';
import type { Organization } from './world.js';

export interface Writers {
  /** The ids of users whose INSERT was surely committed. */
  created: Set<string>;
  /** The ids of users whose INSERT was surely rolled back. */
  rolledBack: Set<string>;
  /** Stops the writers. Resolves when none of their transactions is open. */
  pause(): Promise<void>;
  resume(): void;
  stop(): Promise<void>;
}

const PAUSE_MS = 15;

interface WriterOptions {
  pool: pg.Pool;
  organizations: Organization[];
  random: Random;
  /** The number of concurrent writers. */
  count: number;
}

export function startWriters({ pool, organizations, random, count }: WriterOptions): Writers {
  const writers: Writers = { created: new Set(), rolledBack: new Set(), pause, resume, stop };
  let [isPaused, isStopped] = [true, false];
  let running: Promise<void>[] = [];

  async function write(): Promise<void> {
    const client = await pool.connect();
    let broken = false;
    try {
      await client.query('BEGIN');
      const organization = pick(random, organizations);
      const { rows } = await client.query<{ id: string }>(
        `INSERT INTO users (organization_id, first_name, last_name) SELECT $1, 'A', $3 || ' ' || i FROM generate_series(1, $2::int) i RETURNING id`,
        [organization.id, 1 + random(4), organization.name],
      );
      const ids = rows.map(({ id }) => id);
      if (random(3) === 0) await client.query(`UPDATE users SET last_name = last_name || '!' WHERE id = ANY ($1::uuid[])`, [ids]);
      if (random(4) === 0) await changeOthers(client, organization);
      const isRollback = random(8) === 0;
      await client.query(isRollback ? 'ROLLBACK' : 'COMMIT');
      for (const id of ids) (isRollback ? writers.rolledBack : writers.created).add(id);
    } catch {
      // The connection broke, but its commit may have succeeded, so the rows are in neither set.
      broken = true;
    } finally {
      client.release(broken);
    }
  }

  async function changeOthers(client: pg.PoolClient, { id }: Organization): Promise<void> {
    const some = `SELECT id FROM users WHERE organization_id = $1 AND NOT admin AND first_name = 'A' ORDER BY id LIMIT 2 FOR UPDATE SKIP LOCKED`;
    if (random(2) === 0) await client.query(`UPDATE users SET last_name = last_name || '?' WHERE id IN (${some})`, [id]);
    else await client.query(`DELETE FROM users WHERE id IN (${some})`, [id]);
  }

  async function run(): Promise<void> {
    while (!isPaused) {
      await write().catch(() => wait(100));
      await wait(PAUSE_MS);
    }
  }
  async function pause(): Promise<void> {
    isPaused = true;
    await Promise.all(running);
    running = [];
  }
  function resume(): void {
    if (isStopped || !isPaused) return;
    isPaused = false;
    running = Array.from({ length: count }, run);
  }
  async function stop(): Promise<void> {
    isStopped = true;
    await pause();
  }
  return writers;
}
