// Promise: metrics of an adopter's worker show what waits, what is sent, and whether the database answers; labels hold no tenant's data.
import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createHookgraph, type Hookgraph } from '../../src/index.js';
import { relayOnce } from '../../src/webhooks/fan-out/relay.js';
import { createSubscription } from '../../src/webhooks/index.js';
import { readQueueState } from '../../src/webhooks/operations/read-queue-state.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { type FreezingProxy, startFreezingProxy } from '../support/freezing-proxy.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

const ADA = { tenant: 'acme', userId: 'ada', canManageWebhooks: true };

let database: TestDatabase;
let proxy: FreezingProxy;
let receiver: Receiver;
let hooks: Hookgraph;
beforeEach(async () => {
  [database, receiver] = await Promise.all([testDatabase({ empty: true }), startReceiver()]);
  proxy = await startFreezingProxy(database.url);
  await database.pool.query('CREATE TABLE notes (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, owner text NOT NULL, title text)');
  hooks = createHookgraph({
    database: proxy.url,
    keys: [randomBytes(32)],
    tables: { defaults: { tenant: 'owner' }, Note: {} },
    signIn: async () => ({}),
    actor: () => null,
    settings: { allowedNetworks: ['127.0.0.0/8'] },
    log: pino({ level: 'silent' }),
  });
  await hooks.migrate();
});
afterEach(async () => {
  proxy.thaw();
  await hooks.close();
  await Promise.all([proxy.close(), receiver.close()]);
  await database.close();
});

/** Returns the value of each sample of the metrics that the host's endpoint would serve. */
async function samples(): Promise<Map<string, number>> {
  const { body, contentType } = await hooks.metrics();
  expect(contentType).toMatch(/^text\/plain/);
  const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}
const sampled = (sample: string, value: number) =>
  until(`${sample} is ${value}`, async () => (await samples()).get(sample) === value, { everyMs: 200 });

async function subscribe(path: string): Promise<string> {
  const { subscription, problems } = await createSubscription(hooks.webhooks.engine, ADA, {
    topic: { key: 'note/created' },
    callbackUrl: receiver.url + path,
  });
  if (!subscription) throw new Error(JSON.stringify(problems));
  return subscription.id;
}
const insertNotes = (count: number) =>
  database.pool.query(`INSERT INTO notes (owner, title) SELECT 'acme', 'x' FROM generate_series(1, $1)`, [count]);

it('counts what a worker sends, and nothing that names a tenant, a subscription or a URL', async () => {
  const id = await subscribe('/a-path');
  const working = await hooks.work();
  await insertNotes(3);
  await sampled('hookgraph_attempts_total{kind="LIVE",outcome="DELIVERED",stage=""}', 3);
  const seen = await samples();
  expect(seen.get('hookgraph_delivery_lag_seconds_count')).toBe(3);
  expect(seen.get('hookgraph_relayed_changes_total')).toBeGreaterThanOrEqual(3);
  expect(seen.get('hookgraph_attempts_total{kind="LIVE",outcome="FAILED",stage="STATUS"}')).toBe(0);
  expect(seen.get('hookgraph_pool_waiting_requests{pool="main"}')).toBe(0);
  expect([...seen.keys()].filter((name) => name.startsWith('hookgraph_loop_age_seconds'))).toHaveLength(19);
  const text = (await hooks.metrics()).body;
  for (const word of ['acme', 'ada', id, 'a-path', '127.0.0.1', 'Note']) expect(text).not.toContain(word);
  expect(text).not.toContain('nodejs_');
  await working.stop();
  expect([...(await samples()).keys()].filter((name) => name.startsWith('hookgraph_loop_age_seconds'))).toEqual([]);
});

it('reads what waits: changes, due and held deliveries, and slowed subscriptions', async () => {
  const state = () => readQueueState(database.pool);
  await subscribe('/');
  await insertNotes(5);
  // No worker runs, so the five changes wait, as does the change that created the subscription.
  expect((await state()).changes).toEqual({ count: 6, oldestSeconds: expect.any(Number) });
  receiver.answer = (response) => void response.writeHead(429, { 'retry-after': '60' }).end();
  const working = await hooks.work();
  await until('the receiver is slowed', async () => (await state()).paced.some(({ state }) => state === 'SLOWED'));
  await working.stop();
  // Slowing the subscription down is also a recorded change, which the worker may not have relayed.
  await relayOnce(database.pool);
  await database.pool.query(`UPDATE hookgraph.open_deliveries SET due_at = now() - interval '90 seconds', lease_until = NULL`);
  const { due, changes } = await state();
  expect(due).toEqual([{ paced: true, count: 5, oldestSeconds: expect.any(Number) }]);
  expect(due[0]?.oldestSeconds).toBeGreaterThanOrEqual(90);
  expect(changes).toEqual({ count: 0, oldestSeconds: 0 });
  await database.pool.query(`UPDATE hookgraph.open_deliveries SET held_for = 'BROKEN'`);
  expect(await state()).toMatchObject({ due: [], held: [{ reason: 'BROKEN', count: 5 }] });
  const seen = await samples();
  expect(seen.get('hookgraph_held_deliveries{reason="BROKEN"}')).toBe(5);
  expect(seen.get('hookgraph_due_deliveries{paced="false"}')).toBe(0);
});

it('counts deliveries as due that a worker which died had in hand', async () => {
  const id = await subscribe('/');
  await database.pool.query(
    `INSERT INTO hookgraph.open_deliveries (delivery_id, subscription_id, due_at, lease_until, lease_token)
     VALUES (1, $1, now() - interval '1 minute', now() + interval '1 hour', 1), (2, $1, now() - interval '1 minute', now() - interval '1 second', 2),
       (3, $1, now() + interval '1 hour', NULL, NULL)`,
    [id],
  );
  const { due } = await readQueueState(database.pool);
  expect(due).toEqual([{ paced: false, count: 1, oldestSeconds: expect.any(Number) }]);
  expect(due[0]?.oldestSeconds).toBeGreaterThanOrEqual(60);
});

it('answers although the database hangs, says so, and is not ready', async () => {
  await subscribe('/');
  const monitoring = await hooks.monitor({ port: 0 });
  const get = async (path: string) => fetch(monitoring.url + path);
  try {
    expect((await get('/readyz')).status).toBe(200);
    proxy.freeze();
    // The database hangs until the thaw below, so an answer that waits for it never comes.
    const [ready, alive, metrics] = await Promise.all(['/readyz', '/healthz', '/metrics'].map(get));
    expect([ready?.status, alive?.status, metrics?.status]).toEqual([503, 200, 200]);
    expect(await ready?.json()).toEqual({ status: 'the database does not answer' });
    const text = (await metrics?.text()) ?? '';
    expect(text).toContain('hookgraph_database_up 0');
    expect(text).toContain('nodejs_eventloop_lag_p99_seconds');
    expect(text).not.toContain('hookgraph_due_deliveries{');
    proxy.thaw();
    await sampled('hookgraph_database_up', 1);
  } finally {
    await monitoring.stop();
  }
});

it('does not call a database down whose queues alone can not be read in time', async () => {
  const client = await database.pool.connect();
  await client.query('BEGIN');
  await client.query('LOCK TABLE hookgraph.open_deliveries IN ACCESS EXCLUSIVE MODE');
  try {
    const seen = await samples();
    expect(seen.get('hookgraph_database_up')).toBe(1);
    expect(seen.has('hookgraph_waiting_changes')).toBe(false);
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
  await sampled('hookgraph_waiting_changes', 0);
});

it('is an address that deliveries never reach', async () => {
  const monitoring = await hooks.monitor({ port: 0 });
  const { problems } = await createSubscription(hooks.webhooks.engine, ADA, {
    topic: { key: 'note/created' },
    callbackUrl: `${monitoring.url}/metrics`,
  });
  expect(problems).toMatchObject([{ field: 'callbackUrl' }]);
  await monitoring.stop();
});
