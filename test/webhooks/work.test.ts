import { afterAll, beforeAll, expect, it } from 'vitest';
import { insertDeliveries } from '../support/engine-rows.js';
import { type EngineWorld, startEngineWorld } from '../support/engine-world.js';

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterAll(() => world.close());

it('has a queue counted that a new installation fills for the first time', async () => {
  const id = await world.subscribe();
  await world.work();
  await insertDeliveries(world.db.pool, id, 5_000, { dueInMs: 3_600_000 });
  const counted = async () =>
    (await world.db.pool.query(`SELECT reltuples FROM pg_class WHERE oid = 'hookgraph.deliveries'::regclass`)).rows[0].reltuples;
  await expect.poll(counted, { timeout: 5_000 }).toBe(5_000);
});
