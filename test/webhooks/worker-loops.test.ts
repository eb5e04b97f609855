import { afterAll, beforeAll, expect, it } from 'vitest';
import { insertDeliveries } from '../support/engine-rows.js';
import { type EngineWorld, startEngineWorld } from '../support/engine-world.js';
import { recordStatements } from '../support/record-statements.js';
import { until } from '../support/until.js';

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterAll(() => world.close());

it('has a queue counted that a new installation fills for the first time, also where it looks before that is committed', async () => {
  const { pool } = world.db;
  const id = await world.subscribe();
  const writer = await pool.connect();
  await writer.query('BEGIN');
  await insertDeliveries(writer as never, id, 5_000, { dueInMs: 3_600_000 });
  await world.work();
  const stat = async (column: string) =>
    Number((await pool.query(`SELECT ${column} AS it FROM pg_stat_user_tables WHERE relid = 'hookgraph.deliveries'::regclass`)).rows[0].it);
  await expect.poll(() => stat('analyze_count')).toBeGreaterThan(0);
  await writer.query('COMMIT');
  writer.release();
  const counted = async () =>
    (await pool.query(`SELECT reltuples FROM pg_class WHERE oid = 'hookgraph.deliveries'::regclass`)).rows[0].reltuples;
  await expect.poll(counted).toBe(5_000);
});

it('looks cheaply for replays, related changes and limited subscriptions while there are none', async () => {
  const { statements, stop } = recordStatements(world.db.pool);
  const count = (words: string) => statements.filter((text) => text.includes(words)).length;
  await world.work();
  await until('it has looked often', () =>
    ['AS "isRunning"', 'hookgraph.related_changes', 'hookgraph.paces'].every((it) => count(it) >= 3),
  );
  stop();
  for (const costly of ['WITH replay AS', 'DELETE FROM hookgraph.related_changes', 'FOR UPDATE OF p SKIP LOCKED'])
    expect(count(costly), costly).toBe(0);
});
