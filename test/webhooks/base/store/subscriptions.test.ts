import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Actor } from '../../../../src/webhooks/base/model.js';
import { attemptsByIds, attemptsOf } from '../../../../src/webhooks/base/store/attempts.js';
import { deliveriesByIds, eventsByIds, listDeliveries, listDeliveriesOf } from '../../../../src/webhooks/base/store/deliveries.js';
import { findDeliveries } from '../../../../src/webhooks/base/store/delivery-search.js';
import { toCursor, toPage } from '../../../../src/webhooks/base/store/page.js';
import { listSubscriptions } from '../../../../src/webhooks/base/store/subscription-lists.js';
import { loadForSending, subscriptionsByIds } from '../../../../src/webhooks/base/store/subscriptions.js';
import { resolveTopic } from '../../../../src/webhooks/base/store/topics.js';
import { createSubscription } from '../../../../src/webhooks/operations/create.js';
import { deleteSubscription, updateSubscription } from '../../../../src/webhooks/operations/save.js';
import { insertAttempt, insertDeliveries } from '../../../support/engine-rows.js';
import { colleague, good, owner, stranger, type ThingEngine, thingEngine } from '../../operations/save/thing-engine.js';

let db: ThingEngine['db'];
let engine: ThingEngine['engine'];
let create: ThingEngine['create'];
beforeAll(async () => {
  ({ db, engine, create } = await thingEngine());
});
afterAll(() => db.close());

const read = async (id: string, actor = owner) => (await subscriptionsByIds(db.pool, actor, [id])).get(id);

describe('a topic', () => {
  it('is found by key (its latest version that is not retired), by key and version, and by id', async () => {
    const latest = await resolveTopic(db.pool, { key: 'thing/created' });
    expect(latest?.version).toBe('1.10');
    expect((await resolveTopic(db.pool, { key: 'thing/created', version: '1.9' }))?.version).toBe('1.9');
    expect((await resolveTopic(db.pool, { id: latest?.id }))?.version).toBe('1.10');
    for (const reference of [
      { key: 'thing/created', version: '1.11' },
      { key: 'no' },
      { key: 'a\0' },
      { id: 'no' },
      { version: '1.9' },
      {},
      { id: latest?.id, key: 'thing/deleted' },
    ])
      expect(await resolveTopic(db.pool, reference)).toBeNull();
  });

  it('is pinned when a subscription is saved', async () => {
    const id = await create();
    const pinned = await read(id);
    await db.pool.query(
      `INSERT INTO hookgraph.topics (key, version, typename, operation) VALUES ('thing/created', '2.0', 'Thing', 'created')`,
    );
    await updateSubscription(engine, owner, id, { name: 'renamed' });
    expect((await read(id))?.topicId).toBe(pinned?.topicId);
    await db.pool.query(`DELETE FROM hookgraph.topics WHERE version = '2.0'`);
  });
});

describe('secrets', () => {
  it('are stored sealed, handed to the worker alone, and never answered', async () => {
    const created = await createSubscription(engine, owner, {
      ...good,
      sharedSecret: 'ge-heim',
      headers: [{ name: 'X-Key', value: 'ab-cd' }],
    });
    const id = created.subscription?.id as string;
    expect(created.subscription?.secretFields).toEqual(['headers', 'sharedSecret']);
    expect((await loadForSending(engine, [id])).get(id)?.secrets).toEqual({ sharedSecret: 'ge-heim', headers: { 'X-Key': 'ab-cd' } });
    const answered = JSON.stringify([created, await read(id), await updateSubscription(engine, owner, id, { name: 'x' })]);
    const { rows } = await db.pool.query(
      `SELECT (SELECT jsonb_agg(v) FROM hookgraph.subscription_versions v) versions, encode(ciphertext, 'escape') FROM hookgraph.secrets`,
    );
    for (const secret of ['ge-heim', 'ab-cd']) {
      expect(answered).not.toContain(secret);
      expect(JSON.stringify(rows)).not.toContain(secret);
    }
    // An error about a header's value doesn't repeat the value.
    expect(
      JSON.stringify((await createSubscription(engine, owner, { ...good, headers: [{ name: 'X-Key', value: 'ab-cd\n' + 'x' }] })).problems),
    ).not.toContain('ab-cd');
  });

  it('keep the value of a header that is named without one', async () => {
    const id = await create({ headers: [{ name: 'X-Key', value: 'old' }] });
    await updateSubscription(engine, owner, id, { headers: [{ name: 'x-key' }, { name: 'X-New', value: 'new' }] });
    expect((await loadForSending(engine, [id])).get(id)?.secrets.headers).toEqual({ 'x-key': 'old', 'X-New': 'new' });
  });

  it('that were moved to another subscription are not sent', async () => {
    const [from, to] = [await create({ sharedSecret: 'one' }), await create({ sharedSecret: 'two' })];
    await db.pool.query(
      `UPDATE hookgraph.secrets t SET ciphertext = f.ciphertext FROM hookgraph.secrets f WHERE f.subscription_id = $1 AND t.subscription_id = $2`,
      [from, to],
    );
    expect([...(await loadForSending(engine, [from, to])).keys()]).toEqual([from]);
  });
});

describe("another user's or organization's subscription", () => {
  it('is not found, whatever is asked', async () => {
    const id = await create({ sharedSecret: 'geheim' });
    const [delivery] = await insertDeliveries(db.pool, id, 1);
    const { rows } = await db.pool.query(
      `INSERT INTO hookgraph.attempts (delivery_id, subscription_id, subscription_version, number, outcome, started_at, duration_ms) VALUES ($1, $2, 1, 1, 'FAILED', now(), 1) RETURNING id`,
      [delivery, id],
    );
    const ids = [delivery as string];
    for (const other of [colleague, stranger]) {
      expect(await read(id, other)).toBeUndefined();
      for (const result of [
        await updateSubscription(engine, other, id, { disabled: true, callbackUrl: 'https://8.8.8.8/mine' }),
        await deleteSubscription(engine, other, id),
      ])
        expect(result).toEqual({ subscription: null, problems: [{ field: 'id', message: 'not found', type: 'NOT_FOUND' }] });
      expect((await listSubscriptions(db.pool, other, {}, toPage({}))).rows).toEqual([]);
      expect((await listDeliveries(db.pool, other, null, {}, toPage({}))).rows).toEqual([]);
      expect((await listDeliveriesOf(db.pool, other, [id], {}, toPage({}))).get(id)?.rows).toEqual([]);
      expect((await deliveriesByIds(db.pool, other, ids)).size).toBe(0);
      expect((await attemptsOf(db.pool, other, ids)).get(ids[0] as string)).toEqual([]);
      expect((await attemptsByIds(db.pool, other, [rows[0].id])).size).toBe(0);
    }
    const eventId = (await deliveriesByIds(db.pool, owner, ids)).get(ids[0] as string)?.eventId as string;
    expect((await eventsByIds(db.pool, owner, [eventId])).size).toBe(1);
    expect((await eventsByIds(db.pool, stranger, [eventId])).size).toBe(0);
    expect((await attemptsOf(db.pool, owner, ids)).get(ids[0] as string)).toHaveLength(1);
    expect(await read(id)).toMatchObject({ status: 'ENABLED', version: 1 });
  });

  it('is managed by those who may manage webhooks only', async () => {
    const id = await create();
    const reader = { ...owner, canManageWebhooks: false };
    for (const result of [
      createSubscription(engine, reader, good),
      updateSubscription(engine, reader, id, { disabled: true }),
      deleteSubscription(engine, reader, id),
    ])
      expect(await result).toMatchObject({ subscription: null, problems: [{ type: 'FORBIDDEN' }] });
    expect((await read(id))?.status).toBe('ENABLED');
  });
});

describe('a list', () => {
  it('is read page by page in both directions, without a gap', async () => {
    const paging: Actor = { ...owner, userId: 'paging' };
    const ids: string[] = [];
    for (let i = 0; i < 7; i++) ids.push(await create({ name: String(i) }, paging));
    const key = (row: { id: string; createdAt: Date }) => Buffer.from(`${row.createdAt.toISOString()}_${row.id}`).toString('base64url');
    const walk = async (direction: 'first' | 'last') => {
      const seen: string[] = [];
      let cursor: string | undefined;
      for (let round = 0; round < 5; round++) {
        const page = await listSubscriptions(
          db.pool,
          paging,
          {},
          toPage(direction === 'first' ? { first: 3, after: cursor } : { last: 3, before: cursor }),
        );
        seen.splice(direction === 'first' ? seen.length : 0, 0, ...page.rows.map((row) => row.id));
        if (!(direction === 'first' ? page.hasNextPage : page.hasPreviousPage)) return seen;
        cursor = key((direction === 'first' ? page.rows.at(-1) : page.rows[0]) as never);
      }
      throw new Error('no end');
    };
    expect((await walk('first')).sort()).toEqual([...ids].sort());
    expect(await walk('last')).toEqual(await walk('first'));
    expect(() => toPage({ first: 101 })).toThrow(/"first" is 101/);
    expect(() => toPage({ last: 0 })).toThrow(/"last" is 0/);
  });

  it('of deliveries is filtered by state, topic and time, newest first', async () => {
    const id = await create();
    const open = await insertDeliveries(db.pool, id, 3);
    const failed = await insertDeliveries(db.pool, id, 2, { state: 'FAILED' });
    const newest = [...open, ...failed].sort((a, b) => Number(BigInt(b) - BigInt(a)));
    const idsOf = async (filter: object, page = {}) =>
      (await listDeliveries(db.pool, owner, [id], filter, toPage(page))).rows.map((row) => row.id);
    expect(await idsOf({})).toEqual(newest);
    expect((await idsOf({ states: ['FAILED'] })).sort()).toEqual([...failed].sort());
    expect(await idsOf({ states: ['PENDING', 'FAILED'], topicKey: 'thing/created' })).toEqual(newest);
    expect(await idsOf({ topicKey: 'thing/deleted' })).toEqual([]);
    expect(await idsOf({ createdAtMin: new Date(Date.now() - 60_000), createdAtMax: new Date(Date.now() + 60_000) })).toEqual(newest);
    expect(await idsOf({ createdAtMin: new Date(Date.now() + 60_000) })).toEqual([]);
    expect(await idsOf({ createdAtMax: new Date(Date.now() - 60_000) })).toEqual([]);
    expect(await idsOf({}, { first: 2, after: Buffer.from(newest[1] as string).toString('base64url') })).toEqual(newest.slice(2, 4));
    expect(await idsOf({}, { last: 2 })).toEqual(newest.slice(3));
    const nested = await listDeliveriesOf(db.pool, owner, [id, await create()], {}, toPage({ first: 4 }));
    expect([...nested.values()].map((page) => [page.rows.length, page.hasNextPage])).toEqual([
      [4, true],
      [0, false],
    ]);
  });

  it('of deliveries reads a bounded number for a page, and goes on where it stopped, in both directions', async () => {
    const searcher = { ...owner, userId: 'owner of many' };
    const [busy, quiet] = [await create({}, searcher), await create({}, searcher)];
    const { pool } = db;
    const many = (await insertDeliveries(pool, busy, 400, { state: 'DELIVERED', attemptCount: 1 })).sort((a, b) =>
      Number(BigInt(a) - BigInt(b)),
    );
    const few = await insertDeliveries(pool, quiet, 3, { state: 'DELIVERED', attemptCount: 1 });
    const rare = [many[3], many[250], few[1]] as string[];
    for (const id of rare) await insertAttempt(pool, id, { outcome: 'DELIVERED', stage: null, status: 204 });
    const filter = { statusMin: 204, statusMax: 204 };
    // `searchMs: -1` leaves no time after the first step.
    const part = (page: object) => findDeliveries(pool, searcher, null, filter, toPage(page), { searchMs: -1, firstStep: 50 });
    const newest = [...many, ...few].sort((a, b) => Number(BigInt(b) - BigInt(a)));
    const first = await part({ first: 10 });
    expect(first).toMatchObject({ rows: [{ id: few[1] }], hasNextPage: true, readUpTo: many.at(-50) });
    for (const [from, edge, cursor] of [
      ['first', 'after', 'hasNextPage'],
      ['last', 'before', 'hasPreviousPage'],
    ] as const) {
      const found: string[] = [];
      let position: string | null = null;
      let parts = 0;
      do {
        const page = await part({ [from]: 10, [edge]: position && toCursor(position) });
        expect(page[cursor]).toBe(page.readUpTo !== null);
        found.push(...page.rows.map(({ id }) => id));
        position = page.readUpTo;
      } while (position !== null && ++parts < 20);
      expect(parts).toBe(8);
      const expected = newest.filter((id) => rare.includes(id));
      expect(found).toEqual(from === 'first' ? expected : expected.reverse());
    }
    // With enough time, one page has all rows. After a full page, the next page begins behind its last row.
    const enough = { searchMs: 60_000 };
    expect((await findDeliveries(pool, searcher, null, filter, toPage({ first: 10 }), enough)).rows).toHaveLength(3);
    expect(await part({ first: 1 })).toMatchObject({ rows: [{ id: few[1] }], hasNextPage: true });
  });
});
