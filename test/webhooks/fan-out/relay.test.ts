// Tests which subscriptions get a delivery for which events.
import { afterEach, expect, it } from 'vitest';
import { relayOnce } from '../../../src/webhooks/fan-out/relay.js';
import type { AnnouncedNode } from '../../../src/webhooks/index.js';
import { type CapturedTables, prepareTables, THINGS, thing } from '../capture/captured-tables.js';
import { deliveries, subscribe } from './subscribers.js';

let db: CapturedTables;
afterEach(() => db.close());

async function prepare(ddl = THINGS, nodes: AnnouncedNode[] = [thing()]): Promise<void> {
  db = await prepareTables(ddl, nodes);
}

it('makes a delivery for each subscription of the tenant to the topic, and for nobody else', async () => {
  await prepare();
  const one = await subscribe(db.pool, { topic: 'thing/created' });
  const two = await subscribe(db.pool, { topic: 'thing/created' });
  const updates = await subscribe(db.pool, { topic: 'thing/updated' });
  await subscribe(db.pool, { topic: 'thing/created', tenant: 'other' });
  await subscribe(db.pool, { topic: 'thing/deleted' });
  await subscribe(db.pool, { topic: 'thing/created', set: { deleted_at: 'now()' } });
  await relayOnce(db.pool);
  await db.pool.query(`INSERT INTO things VALUES (1, 'acme', 'a')`);
  const relayed = await relayOnce(db.pool);
  expect(relayed).toEqual({
    events: 1,
    deliveries: 2,
    ownerless: 0,
    ownerlessNodes: [],
    subscriptionIds: expect.arrayContaining([one, two]),
  });
  expect(relayed.subscriptionIds).toHaveLength(2);
  await db.pool.query(`UPDATE things SET name = 'b'`);
  expect(await relayOnce(db.pool)).toEqual({ events: 1, deliveries: 1, ownerless: 0, ownerlessNodes: [], subscriptionIds: [updates] });
  expect(await relayOnce(db.pool)).toEqual({ events: 0, deliveries: 0, ownerless: 0, ownerlessNodes: [], subscriptionIds: [] });
  expect((await deliveries(db.pool)).at(-1)).toEqual({
    subscription: updates,
    typename: 'Thing',
    key: '1',
    tenant: 'acme',
    state: 'PENDING',
    reason: null,
  });
});

it('fires a lifecycle topic on its transition only', async () => {
  const lifecycle = [
    { topic: 'thing/paused', column: 'name', to: 'PAUSED' },
    { topic: 'thing/resumed', column: 'name', from: 'PAUSED', to: 'STARTED' },
  ];
  await prepare(`${THINGS}; ALTER TABLE things ADD size int`, [thing({ columns: { id: 'id', name: 'name', size: 'size' }, lifecycle })]);
  const names = new Map<string, string>();
  for (const topic of ['thing/paused', 'thing/resumed']) names.set(await subscribe(db.pool, { topic }), topic);
  await relayOnce(db.pool);
  const heard: string[][] = [];
  for (const sql of [
    `INSERT INTO things VALUES (1, 'acme', 'PAUSED')`,
    `UPDATE things SET size = 1`,
    `UPDATE things SET name = 'STARTED'`,
    `UPDATE things SET name = 'PAUSED', size = 2`,
    `UPDATE things SET name = 'DONE'`,
    `UPDATE things SET name = 'STARTED'`,
  ]) {
    await db.pool.query(sql);
    heard.push((await relayOnce(db.pool)).subscriptionIds.map((id) => names.get(id) as string));
  }
  expect(heard).toEqual([[], [], ['thing/resumed'], ['thing/paused'], [], []]);
});

it('keeps to the environments of a subscription; none means all', async () => {
  await prepare(`${THINGS}; ALTER TABLE things ADD env text`, [thing({ environment: { column: 'env' } })]);
  const names: Record<string, string> = {};
  for (const [name, environmentIds] of Object.entries({ all: null, none: [], a: ['a'], ab: ['a', 'b'] })) {
    names[await subscribe(db.pool, { topic: 'thing/created', environmentIds })] = name;
  }
  await relayOnce(db.pool);
  const heard = async (env: string) => {
    await db.pool.query('DELETE FROM things');
    await db.pool.query(`INSERT INTO things VALUES (1, 'acme', 'x', ${env})`);
    return (await relayOnce(db.pool)).subscriptionIds.map((id) => names[id]).sort();
  };
  expect(await heard(`'a'`)).toEqual(['a', 'ab', 'all', 'none']);
  expect(await heard(`'b'`)).toEqual(['ab', 'all', 'none']);
  expect(await heard(`'c'`)).toEqual(['all', 'none']);
  expect(await heard('NULL')).toEqual(['a', 'ab', 'all', 'none']);
});

it('records what a disabled subscription is not sent, and holds what a broken one would be', async () => {
  await prepare();
  const disabled = await subscribe(db.pool, { topic: 'thing/created', set: { disabled_at: 'now()' } });
  const broken = await subscribe(db.pool, { topic: 'thing/created', set: { broken_at: 'now()' } });
  await relayOnce(db.pool);
  await db.pool.query(`INSERT INTO things VALUES (1, 'acme', 'a')`);
  expect(await relayOnce(db.pool)).toEqual({ events: 1, deliveries: 2, ownerless: 0, ownerlessNodes: [], subscriptionIds: [] });
  expect(await deliveries(db.pool)).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ subscription: disabled, state: 'SKIPPED', reason: 'DISABLED' }),
      expect.objectContaining({ subscription: broken, state: 'HELD', reason: 'BROKEN' }),
    ]),
  );
});

it('sends nothing that was recorded before the subscription was created, also if it commits later', async () => {
  await prepare();
  const writer = await db.connect();
  await writer.query(`BEGIN; INSERT INTO things VALUES (1, 'acme', 'a'); SELECT pg_sleep(0.002)`);
  await subscribe(db.pool, { topic: 'thing/created' });
  await writer.query('COMMIT');
  await db.pool.query(`INSERT INTO things VALUES (2, 'acme', 'b')`);
  await relayOnce(db.pool);
  expect((await deliveries(db.pool)).map(({ key }) => key)).toEqual(['2']);
});

it('sends what was written in the transaction that created the subscription', async () => {
  await prepare();
  await db.pool.query(`BEGIN; INSERT INTO hookgraph.subscriptions (tenant, owner, topic_id) SELECT 'acme', 'o', id FROM hookgraph.topics WHERE key = 'thing/created';
    INSERT INTO things VALUES (1, 'acme', 'a'); COMMIT`);
  await relayOnce(db.pool);
  expect(await deliveries(db.pool)).toHaveLength(1);
});

it('doesn’t skip a transaction that commits late with an earlier id', async () => {
  await prepare();
  await subscribe(db.pool, { topic: 'thing/created' });
  await relayOnce(db.pool);
  const late = await db.connect();
  await late.query(`BEGIN; INSERT INTO things VALUES (1, 'acme', 'late')`);
  await db.pool.query(`INSERT INTO things VALUES (2, 'acme', 'early')`);
  expect(await relayOnce(db.pool)).toMatchObject({ events: 1, deliveries: 1 });
  await late.query('COMMIT');
  expect(await relayOnce(db.pool)).toMatchObject({ events: 1, deliveries: 1 });
  expect((await deliveries(db.pool)).map(({ key }) => key)).toEqual(['1', '2']);
});

it('shares a queue among concurrent relays, doubling and losing nothing, in batches', async () => {
  await prepare();
  for (let n = 0; n < 3; n++) await subscribe(db.pool, { topic: 'thing/created' });
  await relayOnce(db.pool);
  await db.pool.query(`INSERT INTO things SELECT n, 'acme', 'x' FROM generate_series(1, 2000) n`);
  let events = 0;
  await Promise.all(
    Array.from({ length: 6 }, async () => {
      for (let took = -1; took !== 0; events += took) {
        const relayed = await relayOnce(db.pool, 100);
        expect(relayed.events).toBeLessThanOrEqual(100);
        took = relayed.events;
      }
    }),
  );
  while ((await relayOnce(db.pool, 100)).events > 0) events += 100;
  expect(events).toBe(2000);
  const { rows } = await db.pool.query(
    'SELECT count(*)::int AS all, count(DISTINCT (event_id, subscription_id))::int AS distinct FROM hookgraph.deliveries',
  );
  expect(rows).toEqual([{ all: 6000, distinct: 6000 }]);
});

it('loses nothing and doubles nothing when a relay rolls back, or an event is queued again', async () => {
  await prepare();
  await subscribe(db.pool, { topic: 'thing/created' });
  await relayOnce(db.pool);
  await db.pool.query(`INSERT INTO things VALUES (1, 'acme', 'a')`);
  const client = await db.pool.connect();
  await client.query('BEGIN');
  expect(await relayOnce(client)).toMatchObject({ events: 1, deliveries: 1 });
  expect(await relayOnce(db.pool)).toMatchObject({ events: 0 });
  await client.query('ROLLBACK');
  client.release();
  expect(await relayOnce(db.pool)).toMatchObject({ events: 1, deliveries: 1 });
  await db.pool.query('INSERT INTO hookgraph.event_queue SELECT id FROM hookgraph.events');
  expect(await relayOnce(db.pool)).toMatchObject({ deliveries: 0, subscriptionIds: [] });
  expect(await deliveries(db.pool)).toHaveLength(1);
});

it('makes an event of what was recorded, with the writer’s transaction, time and words', async () => {
  await prepare(`${THINGS}; ALTER TABLE things ADD env text`, [thing({ environment: { column: 'env' } })]);
  const writer = await db.connect();
  await writer.query(`BEGIN; SET LOCAL hookgraph.context = 'words'`);
  await writer.query(`INSERT INTO things VALUES (1, 'acme', 'a', 'e')`);
  await writer.query(`UPDATE things SET name = 'b'`);
  const { rows } = await writer.query('SELECT pg_current_xact_id()::text AS xid');
  await writer.query('COMMIT');
  const recorded = `SELECT id, xid::text, occurred_at, tenant, environment, typename, node_key, operation, changed, hookgraph.row_of(layout_id, before) AS before,
    hookgraph.row_of(layout_id, after) AS after, context, is_captured
    FROM hookgraph.recorded WHERE typename = 'Thing' AND fold IS DISTINCT FROM 'WHOLE' ORDER BY id`;
  const before = (await db.pool.query(recorded)).rows;
  await relayOnce(db.pool);
  const after = (await db.pool.query(recorded)).rows;
  expect(before.map(({ is_captured }) => is_captured)).toEqual([true, true]);
  expect(after).toEqual(before.map((row) => ({ ...row, is_captured: false })));
  expect(after).toMatchObject([
    { xid: rows[0].xid, environment: 'e', operation: 'created', context: 'words' },
    { xid: rows[0].xid, operation: 'updated', changed: ['name'], before: { name: 'a' }, after: { name: 'b' }, context: 'words' },
  ]);
  expect(Math.abs(after[0].occurred_at - Date.now())).toBeLessThan(60_000);
});

it('is in no writer’s way', async () => {
  await prepare();
  await subscribe(db.pool, { topic: 'thing/created' });
  await db.pool.query(`INSERT INTO things SELECT n, 'acme', 'x' FROM generate_series(1, 100) n`);
  const relaying = await db.pool.connect();
  await relaying.query('BEGIN');
  await relayOnce(relaying);
  const writer = await db.connect({ options: '-c lock_timeout=200' });
  await writer.query(`INSERT INTO things VALUES (1000, 'acme', 'a')`);
  await writer.query(`UPDATE things SET name = 'b'`);
  await writer.query('DELETE FROM things');
  await relaying.query('ROLLBACK');
  relaying.release();
});

it('tells of trouble with a subscription, but never about a subscription to such trouble', async () => {
  await prepare();
  const watch = await subscribe(db.pool, { topic: 'webhook_subscription/disabled' });
  await subscribe(db.pool, { topic: 'webhook_subscription/disabled', tenant: 'other' });
  const recovered = await subscribe(db.pool, { topic: 'webhook_subscription/recovered' });
  const plain = await subscribe(db.pool, { topic: 'thing/created' });
  await relayOnce(db.pool);
  const disable = (id: string, at: string) => db.pool.query(`UPDATE hookgraph.subscriptions SET disabled_at = ${at} WHERE id = $1`, [id]);
  await disable(plain, 'now()');
  expect(await relayOnce(db.pool)).toMatchObject({ events: 1, deliveries: 1, subscriptionIds: [watch] });
  await disable(plain, 'NULL');
  expect(await relayOnce(db.pool)).toMatchObject({ events: 1, deliveries: 1, subscriptionIds: [recovered] });
  await disable(recovered, 'now()');
  await disable(recovered, 'NULL');
  expect(await relayOnce(db.pool)).toMatchObject({ events: 2, deliveries: 0 });
  await db.pool.query('UPDATE hookgraph.subscriptions SET deleted_at = now() WHERE id = $1', [plain]);
  expect(await relayOnce(db.pool)).toMatchObject({ events: 1, deliveries: 0 });
});
