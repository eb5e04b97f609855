// Tests that a tenant can keep less history than the installation: its own rows are deleted earlier, and other tenants' rows are not.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Actor, Attempt } from '../../../../src/webhooks/base/model.js';
import { ExchangeRows } from '../../../../src/webhooks/base/store/exchanges.js';
import { type Kind, saveTenantRetention } from '../../../../src/webhooks/base/store/tenant-retention.js';
import { type Retention, runRetention } from '../../../../src/webhooks/index.js';
import { recorded } from '../../../support/attempts.js';
import { type TestDatabase, testDatabase } from '../../../support/database.js';
import { insertSubscription } from '../../../support/engine-rows.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.close());

const ORGS = ['strict', 'other'];
let subscriptions: string[];
beforeEach(async () => {
  await db.pool.query(
    `TRUNCATE hookgraph.deliveries, hookgraph.attempts, hookgraph.events, hookgraph.open_deliveries, hookgraph.exchanges,
       hookgraph.tenant_retention, hookgraph.forgotten`,
  );
  subscriptions = [];
  for (const tenant of ORGS) subscriptions.push(await insertSubscription(db.pool, { tenant }));
});

const KEEP_ALL: Retention = { bodies: null, attempts: null, errors: null, events: null, bytes: null };
const actor: Actor = { tenant: 'strict', userId: 'ada', canManageWebhooks: true };
const keep = (days: Partial<Record<Kind, number | null>>) => saveTenantRetention(db.pool, actor, days);

const exchange = (body: string): Pick<Attempt, 'request' | 'response'> => ({
  request: { url: 'https://receiver.example/', headers: { a: body }, body },
  response: { status: 200, headers: { b: body }, body },
});

/**
 * Inserts for each organization a delivery with its event and attempt, as if they had been created `days` days ago. Both attempts share a
 * row of `exchanges`. Returns the ids of the events.
 */
async function happened(days: number, outcome = 'DELIVERED', state = outcome): Promise<string[]> {
  const isError = outcome === 'FAILED' || outcome === 'HELD';
  const exchanges = new ExchangeRows();
  for (const tenant of ORGS) exchanges.add(exchange(`${tenant} ${days}`), isError);
  const { rows } = await db.pool.query<{ id: string }>(
    `WITH s AS (
       SELECT s.tenant, s.topic_id, s.id AS subscription_id,
         hookgraph.id_at(now() - $2 * interval '1 day') + row_number() OVER (ORDER BY s.tenant DESC) * 10 AS id
       FROM hookgraph.subscriptions s WHERE s.id = ANY ($1::uuid[])
     ), x AS (
       INSERT INTO hookgraph.exchanges (is_error, entries)
       SELECT $4, e FROM unnest($5::bytea[]) AS e RETURNING id
     ), e AS (
       INSERT INTO hookgraph.events (id, tenant, typename, node_key, operation) SELECT id, tenant, 'Thing', '1', 'created' FROM s RETURNING id
     ), d AS (
       INSERT INTO hookgraph.deliveries (id, event_id, subscription_id, topic_id, typename, node_key, due_at, state, attempt_count)
       SELECT id + 1, id, subscription_id, topic_id, 'Thing', '1', now(), $6, 1 FROM s RETURNING id, subscription_id, state
     ), o AS (
       INSERT INTO hookgraph.open_deliveries (delivery_id, subscription_id, due_at) SELECT id, subscription_id, now() FROM d WHERE state = 'RETRYING'
     ), a AS (
       INSERT INTO hookgraph.attempts (id, delivery_id, subscription_id, subscription_version, number, outcome, started_at, duration_ms,
         response_status, exchange_id, place)
       SELECT d.id + 1, d.id, d.subscription_id, 1, 1, $3, now(), 1, 200, (SELECT id FROM x), row_number() OVER (ORDER BY d.id) - 1 FROM d
     )
     SELECT id FROM e ORDER BY id`,
    [subscriptions, days, outcome, isError, [rowsOf(exchanges)], state],
  );
  return rows.map(({ id }) => id);
}

/** Returns the only row of a batch, taken from the binary array that is the statement's parameter. */
function rowsOf(exchanges: ExchangeRows): Buffer {
  const parameter = exchanges.toParameters().entries;
  return parameter.subarray(24);
}

const bodiesOf = async () => (await recorded(db.pool)).map(({ request }) => request?.body ?? request?.omitted ?? null);
const tenantsOf = async (table: string) => {
  const { rows } = await db.pool.query(
    table === 'events'
      ? 'SELECT tenant FROM hookgraph.events ORDER BY id'
      : `SELECT s.tenant FROM hookgraph.${table} x JOIN hookgraph.subscriptions s ON s.id = x.subscription_id ORDER BY x.id`,
  );
  return rows.map(({ tenant }) => tenant);
};

it('blanks the bodies of its own attempts within rows that tenants share, and of later ones as they age', async () => {
  await happened(10);
  await happened(4);
  await happened(9, 'FAILED');
  expect(await runRetention(db.pool, KEEP_ALL)).toMatchObject({ blanked: 0 });
  await keep({ bodies: 5 });
  expect(await runRetention(db.pool, KEEP_ALL)).toMatchObject({ blanked: 1, rows: 0, deliveries: 0 });
  expect(await bodiesOf()).toEqual(['DELETED', 'other 10', 'strict 9', 'other 9', 'strict 4', 'other 4']);
  const [first] = await recorded(db.pool);
  expect(first).toMatchObject({ request: { url: '', headers: {} }, response: { status: 200, headers: {}, body: null } });
  expect(await runRetention(db.pool, KEEP_ALL)).toMatchObject({ blanked: 0 });
  await keep({ bodies: 3 });
  expect(await runRetention(db.pool, KEEP_ALL)).toMatchObject({ blanked: 1 });
  expect(await bodiesOf()).toEqual(['DELETED', 'other 10', 'strict 9', 'other 9', 'DELETED', 'other 4']);
});

it('deletes its own attempts, errors by a time of their own, with the bodies that they shared', async () => {
  await happened(10);
  await happened(9, 'FAILED');
  await keep({ attempts: 5 });
  expect(await runRetention(db.pool, KEEP_ALL)).toMatchObject({ rows: 1 });
  expect(await bodiesOf()).toEqual(['other 10', 'strict 9', 'other 9']);
  await keep({ errors: 5 });
  expect(await runRetention(db.pool, KEEP_ALL)).toMatchObject({ rows: 1 });
  expect(await bodiesOf()).toEqual(['other 10', 'other 9']);
  const { rows } = await db.pool.query('SELECT entries FROM hookgraph.exchanges');
  const { unpack } = await import('../../../../src/webhooks/base/store/exchanges.js');
  expect(JSON.stringify(rows.map(({ entries }) => unpack(entries)))).not.toContain('strict');
});

it('deletes its own events and deliveries, keeps what is open, and deletes it once it has ended', async () => {
  const [first] = await happened(10);
  const [open] = await happened(9, 'FAILED', 'RETRYING');
  await happened(2);
  // An event without a delivery.
  await db.pool.query(
    `INSERT INTO hookgraph.events (id, tenant, typename, node_key, operation) SELECT $1::bigint - 5, 'strict', 'Thing', '2', 'created'`,
    [first],
  );
  await keep({ events: 5 });
  expect(await runRetention(db.pool, KEEP_ALL)).toMatchObject({ deliveries: 1, rows: 2 });
  expect(await tenantsOf('events')).toEqual(['other', 'strict', 'other', 'strict', 'other']);
  expect(await tenantsOf('deliveries')).toEqual(['other', 'strict', 'other', 'strict', 'other']);
  const { rows } = await db.pool.query('SELECT DISTINCT tenant FROM hookgraph.forgotten');
  expect(rows).toEqual([{ tenant: 'strict' }]);
  await db.pool.query(
    `WITH o AS (DELETE FROM hookgraph.open_deliveries) UPDATE hookgraph.deliveries SET state = 'FAILED' WHERE event_id = $1`,
    [open],
  );
  expect(await runRetention(db.pool, KEEP_ALL)).toMatchObject({ deliveries: 1, rows: 1 });
  expect(await tenantsOf('events')).toEqual(['other', 'other', 'strict', 'other']);
});

it('does nothing by a limit that is not below that of the installation, or that was removed', async () => {
  await happened(10);
  await keep({ events: 30, bodies: 5 });
  await keep({ bodies: null });
  expect(await runRetention(db.pool, { ...KEEP_ALL, events: 30 })).toMatchObject({ deliveries: 0, rows: 0, blanked: 0 });
  expect(await tenantsOf('deliveries')).toEqual(ORGS);
});
