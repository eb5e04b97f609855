// Tests that a batch with too many deliveries is created in parts, that tenants take turns, and that no delivery is lost or duplicated.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { fanOutOnce } from '../../../src/webhooks/fan-out/fan-out.js';
import { relayOnce } from '../../../src/webhooks/fan-out/relay.js';
import { startRelay } from '../../../src/webhooks/fan-out/relay-loop.js';
import { until } from '../../support/until.js';
import { type CapturedTables, prepareTables, silent } from '../capture/captured-tables.js';
import { deliveries, subscribe } from './subscribers.js';

let db: CapturedTables;
beforeAll(async () => {
  db = await prepareTables();
});
beforeEach(async () => {
  await db.pool.query(`SET LOCAL session_replication_role = replica;
    TRUNCATE things, hookgraph.captures, hookgraph.events, hookgraph.deliveries, hookgraph.open_deliveries, hookgraph.fan_outs, hookgraph.subscriptions CASCADE`);
});
afterAll(() => db.close());

const TOPIC = { topic: 'thing/created' };
async function subscribeMany(count: number, tenant = 'acme'): Promise<string[]> {
  const ids = await Promise.all(Array.from({ length: count }, () => subscribe(db.pool, { ...TOPIC, tenant })));
  // Relays the changes of subscriptions, which are recorded, too.
  await relayOnce(db.pool);
  return ids;
}
const insert = (from: number, count: number, tenant = 'acme') =>
  db.pool.query(`INSERT INTO things SELECT n, $1, 'x' FROM generate_series($2::int, $2::int + $3::int - 1) n`, [tenant, from, count]);
const left = async () => (await db.pool.query('SELECT count(*)::int AS n FROM hookgraph.fan_outs')).rows[0].n as number;

/** Checks that each subscription has one delivery for each of its events, and each delivery its queue row. */
async function expectAll(expected: number): Promise<void> {
  const made = await deliveries(db.pool);
  expect(made).toHaveLength(expected);
  expect(new Set(made.map(({ subscription, key }) => `${subscription} ${key}`)).size).toBe(expected);
  const { rows } = await db.pool.query('SELECT count(*)::int AS n FROM hookgraph.open_deliveries');
  expect(rows).toEqual([{ n: expected }]);
}

it('makes a batch at the bound at once, and a larger one in parts that no statement exceeds', async () => {
  await subscribeMany(10);
  await insert(1, 10);
  expect(await relayOnce(db.pool, 1000, '0', 100)).toMatchObject({ events: 10, deliveries: 100 });
  expect(await left()).toBe(0);
  await insert(11, 11);
  expect(await relayOnce(db.pool, 1000, '0', 100)).toMatchObject({ events: 11, deliveries: 0, deferred: 11, subscriptionIds: [] });
  const parts: number[] = [];
  while ((await left()) > 0) parts.push((await fanOutOnce(db.pool, '', 35)).deliveries);
  expect(parts).toEqual([30, 30, 30, 20]);
  await expectAll(210);
});

it('goes on within one event at its position, also after a statement that was rolled back', async () => {
  const ids = await subscribeMany(25);
  await insert(1, 1);
  await relayOnce(db.pool, 1000, '0', 10);
  expect(await fanOutOnce(db.pool, '', 10)).toMatchObject({ tenant: 'acme', events: 1, deliveries: 10 });
  const client = await db.pool.connect();
  await client.query('BEGIN');
  expect(await fanOutOnce(client, '', 10)).toMatchObject({ deliveries: 10 });
  expect(await fanOutOnce(db.pool, '', 10)).toMatchObject({ events: 0, deliveries: 0 });
  await client.query('ROLLBACK');
  client.release();
  // Subscriptions created after the event get no delivery, whatever their ids.
  await subscribeMany(5);
  const second = await fanOutOnce(db.pool, '', 10);
  const third = await fanOutOnce(db.pool, '', 10);
  expect([second.deliveries, third.deliveries, await left()]).toEqual([10, 5, 0]);
  expect((await deliveries(db.pool)).map(({ subscription }) => subscription).sort()).toEqual([...ids].sort());
  await expectAll(25);
});

it('lets tenants share each statement: who has one event gets its deliveries in the first turn', async () => {
  await subscribeMany(40, 'large');
  await subscribeMany(2, 'small');
  await insert(1, 20, 'large');
  await insert(21, 1, 'small');
  await relayOnce(db.pool, 1000, '0', 100);
  expect(await fanOutOnce(db.pool, '', 100)).toMatchObject({ tenant: 'small', deliveries: 42 });
  expect((await deliveries(db.pool)).filter(({ tenant }) => tenant === 'small')).toHaveLength(2);
  // No tenant after `large` has events left, and the last tenant has no successor.
  expect(await fanOutOnce(db.pool, 'large', 100)).toEqual({ tenant: null, events: 0, deliveries: 0, subscriptionIds: [] });
});

it('makes them by the loop, while other tenants’ events go through, and goes on where another process died', async () => {
  await subscribeMany(60, 'large');
  const [neighbour] = await subscribeMany(1, 'neighbour');
  await insert(1, 200, 'large');
  // Leaves the state of a relay that died after its batch.
  await relayOnce(db.pool, 1000, '0', 5_000);
  expect(await left()).toBe(200);
  const woken = new Set<string>();
  const relay = startRelay({
    pool: db.pool,
    log: silent,
    onDeliveries: (ids) => {
      for (const id of ids) woken.add(id);
    },
  });
  try {
    await until('the first part is made', async () => (await deliveries(db.pool)).length > 0);
    await insert(201, 1, 'neighbour');
    await until('the neighbour has its delivery', () => woken.has(neighbour as string));
    await until('all is made', async () => (await left()) === 0);
    await expectAll(60 * 200 + 1);
    expect(woken.size).toBe(61);
  } finally {
    await relay.stop();
  }
});

it('makes smaller parts after a statement that failed, e.g. by a time limit', async () => {
  await subscribeMany(40);
  await insert(1, 50);
  await db.pool.query(`
    CREATE FUNCTION refuse_many() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF (SELECT count(*) FROM made) > 500 THEN RAISE EXCEPTION 'canceling statement due to statement timeout' USING ERRCODE = '57014'; END IF;
      RETURN NULL;
    END $$;
    CREATE TRIGGER refuse_many AFTER INSERT ON hookgraph.deliveries REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION refuse_many()`);
  let failures = 0;
  const relay = startRelay({ pool: db.pool, log: silent, onDeliveries: () => {}, onFailure: () => void failures++ });
  try {
    await until('all is made', async () => (await deliveries(db.pool)).length === 2000);
    expect(failures).toBeGreaterThan(0);
    await expectAll(2000);
  } finally {
    await relay.stop();
    await db.pool.query('DROP FUNCTION refuse_many CASCADE');
  }
});
