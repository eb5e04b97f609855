// Tests that the space of deleted deliveries returns to the disk although newer deliveries are at the end of the table.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { returnSpace } from '../../../../src/webhooks/base/store/deliveries-space.js';
import { type TestDatabase, testDatabase } from '../../../support/database.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.close());

const insert = (from: number, to: number, state: string) =>
  db.pool.query(
    `INSERT INTO hookgraph.deliveries (id, event_id, subscription_id, topic_id, typename, node_key, due_at, state)
     SELECT n, n, gen_random_uuid(), gen_random_uuid(), 'Thing', n::text, now(), $3 FROM generate_series($1::int, $2::int) n`,
    [from, to, state],
  );
const pages = async (): Promise<number> => {
  const { rows } = await db.pool.query(`SELECT (pg_relation_size('hookgraph.deliveries') / 8192)::int AS pages`);
  return rows[0].pages;
};
const all = async () => {
  const { rows } = await db.pool.query('SELECT d::text AS row FROM hookgraph.deliveries d ORDER BY id');
  return rows.map(({ row }) => row);
};
let steps = 0;
const onStep = async () => {
  steps += 1;
  return true;
};

it('moves newer deliveries into the space of the deleted ones, unchanged, and leaves a table alone that has little of it', async () => {
  await insert(1, 20_000, 'DELIVERED');
  await insert(20_001, 20_500, 'SKIPPED');
  const full = await pages();
  expect(full).toBeGreaterThan(500);
  await returnSpace(db.pool, true, { onStep, leastPages: 100 });
  expect([await pages(), steps]).toEqual([full, 0]);

  await db.pool.query('DELETE FROM hookgraph.deliveries WHERE id <= 20000');
  const before = await all();
  await returnSpace(db.pool, true, { onStep, leastPages: full + 1 });
  expect([await pages(), steps]).toEqual([full, 0]);
  await returnSpace(db.pool, false, { onStep, leastPages: 100 });
  expect(await pages()).toBeLessThan(full / 10);
  expect(await all()).toEqual(before);
});

it('moves nothing of a table that has grown since it was last counted', async () => {
  await db.pool.query('TRUNCATE hookgraph.deliveries');
  await insert(1, 100, 'DELIVERED');
  await db.pool.query('ANALYZE hookgraph.deliveries');
  await insert(101, 20_000, 'DELIVERED');
  const [full, begun] = [await pages(), steps];
  await returnSpace(db.pool, false, { onStep, leastPages: 100 });
  expect([await pages(), steps]).toEqual([full, begun]);
});

it('leaves open deliveries where they are, and ends when it is told to', async () => {
  await db.pool.query('TRUNCATE hookgraph.deliveries');
  await insert(1, 20_000, 'DELIVERED');
  await insert(30_000, 30_000, 'PENDING');
  const full = await pages();
  await db.pool.query('DELETE FROM hookgraph.deliveries WHERE id <= 20000');
  await returnSpace(db.pool, true, { onStep, leastPages: 100 });
  expect(await pages()).toBe(full);
  await db.pool.query(`UPDATE hookgraph.deliveries SET state = 'DELIVERED'`);
  const begun = steps;
  await returnSpace(db.pool, false, {
    onStep: async () => {
      await onStep();
      return false;
    },
    leastPages: 100,
  });
  expect([await pages(), steps]).toEqual([full, begun + 1]);
  await returnSpace(db.pool, false, { onStep, leastPages: 100 });
  expect(await pages()).toBeLessThan(full / 10);
});
