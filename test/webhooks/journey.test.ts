import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { QUERY_TOO_SLOW } from '../../src/runtime/time-limit.js';
import { testSubscription, updateSubscription } from '../../src/webhooks/index.js';
import { recorded } from '../support/attempts.js';
import { deliveriesOf, makeDue } from '../support/engine-rows.js';
import { type EngineWorld, OWNER, SDL, startEngineWorld } from '../support/engine-world.js';

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterEach(() => world.clear());
afterAll(() => world.close());

const states = async (id: string) => (await deliveriesOf(world.db.pool, id)).map((row) => [row.state, row.reason, row.attemptCount]);
const subscription = async (id: string) =>
  (await world.db.pool.query('SELECT status, disabled_reason, broken_reason FROM hookgraph.subscriptions WHERE id = $1', [id])).rows[0];
const attempts = () => recorded(world.db.pool);

describe('the journey', () => {
  it('takes a row that raw SQL inserted to the receiver, in the body that the template shapes', async () => {
    const id = await world.subscribe({ template: '{"name": "{{ data.node.name }}"}' });
    await world.work();
    await world.insertThings('Ada "the first"');
    const [request] = await world.receiver.waitFor(1);
    expect(JSON.parse(request?.body ?? '')).toEqual({ name: 'Ada "the first"' });
    await expect.poll(() => states(id)).toEqual([['DELIVERED', null, 1]]);
  });

  it('sends the default payload where nothing was asked for', async () => {
    await world.subscribe({ query: null });
    await world.work();
    await world.insertThings('Ada');
    const [request] = await world.receiver.waitFor(1);
    const id = Buffer.from('Thing:1').toString('base64url');
    expect(JSON.parse(request?.body ?? '')).toEqual({ data: { id, url: `https://api.example/api/v3/graphql/object/${id}` } });
  });

  it('tells templates what the notification is: the same id on every try, live unless it is a test', async () => {
    const id = await world.subscribe({ validationTemplate: '{{ notification.live }}', template: '{{ notification | json }}' });
    world.receiver.answer = (response) => void response.writeHead(500).end();
    await world.work();
    await world.insertThings('Ada');
    const [first] = await world.receiver.waitFor(1);
    const delivery = (await deliveriesOf(world.db.pool, id))[0];
    expect(JSON.parse(first?.body ?? '')).toEqual({
      id: delivery.id,
      eventId: expect.stringMatching(/^\d+$/),
      topic: 'thing/created',
      topicVersion: '1.1',
      phase: 'after',
      live: true,
      snapshot: false,
      nodeId: Buffer.from('Thing:1').toString('base64url'),
      nodeType: 'Thing',
      webhookId: id,
      time: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    await expect.poll(() => states(id)).toEqual([['RETRYING', null, 1]]);
    await makeDue(world.db.pool);
    const [, again] = await world.receiver.waitFor(2);
    const { eventId } = JSON.parse(first?.body ?? '');
    expect(JSON.parse(again?.body ?? '')).toMatchObject({ id: delivery.id, eventId });
    const { report } = await testSubscription(world.webhooks.engine, OWNER, id);
    expect(JSON.parse(report?.request?.body ?? '').live).toBe(false);
  });

  it('answers the query from the event where the row is gone', async () => {
    await world.subscribe({ topic: { key: 'thing/deleted' } });
    await world.work();
    await world.insertThings('Ada');
    await world.db.pool.query('DELETE FROM public.things');
    const [request] = await world.receiver.waitFor(1);
    expect(JSON.parse(request?.body ?? '')).toEqual({ data: { node: { name: 'Ada' } } });
  });

  it('skips where the validation template says false, and holds where it says neither', async () => {
    const id = await world.subscribe({
      validationTemplate: '{% if data.node.name == "no" %}false{% else %}{{ data.node.name }}{% endif %}',
    });
    await world.work();
    await world.insertThings('true', 'no', 'perhaps');
    await expect
      .poll(async () => (await states(id)).sort())
      .toEqual([
        ['DELIVERED', null, 1],
        ['HELD', 'NODE', 1],
        ['SKIPPED', 'VALIDATION', 1],
      ]);
    expect((await attempts()).map((one) => one.message)).toContainEqual(expect.stringContaining('"perhaps"'));
    expect(world.receiver.requests).toHaveLength(1);
  });

  it('holds the delivery whose template makes no JSON of its node, and says what it made', async () => {
    const id = await world.subscribe({ template: '{"n": {{ data.node.name }}}' });
    await world.work();
    await world.insertThings('1', 'not a number');
    await expect.poll(async () => (await states(id)).map(([state]) => state).sort()).toEqual(['DELIVERED', 'HELD']);
    expect(await attempts()).toContainEqual(
      expect.objectContaining({ outcome: 'HELD', stage: 'TEMPLATE', message: expect.stringContaining('invalid JSON') }),
    );
  });

  it('holds a delivery at a resolver’s error, keeps a null for lack of rights as data, and runs our own failure again', async () => {
    const id = await world.subscribe();
    await world.work();
    world.host.fail = 'boom';
    await world.insertThings('a');
    await expect.poll(() => states(id)).toEqual([['HELD', 'NODE', 1]]);
    expect(await attempts()).toMatchObject([{ stage: 'QUERY', message: 'boom (at node)' }]);

    world.host.fault = 'data';
    await world.insertThings('b');
    const [request] = await world.receiver.waitFor(1);
    expect(JSON.parse(request?.body ?? '')).toEqual({ data: { node: null } });

    world.host.fault = 'ours';
    await world.insertThings('c');
    await expect.poll(async () => (await deliveriesOf(world.db.pool, id))[2]?.dueInSeconds).toBeGreaterThan(1);
    expect((await states(id))[2]).toEqual(['PENDING', 'OPERATOR', 0]);
    world.host.fail = null;
    await makeDue(world.db.pool);
    await expect.poll(async () => (await states(id))[2]).toEqual(['DELIVERED', null, 1]);
  });

  it('runs a query that was too slow again, and holds the delivery when it is too slow after a long pause', async () => {
    const id = await world.subscribe();
    Object.assign(world.host, { fail: 'too slow', failCode: QUERY_TOO_SLOW, fault: 'data' });
    await world.work();
    await world.insertThings('a', 'b');
    const bothWait = async () => (await states(id)).map(([, reason]) => reason).join() === 'SLOW,SLOW';
    await expect.poll(bothWait).toBe(true);
    expect(await states(id)).toEqual([
      ['PENDING', 'SLOW', 0],
      ['PENDING', 'SLOW', 0],
    ]);
    const pauses = async () => (await deliveriesOf(world.db.pool, id)).map(({ dueInSeconds }) => dueInSeconds);
    expect(Math.max(...(await pauses()))).toBeLessThan(5);
    const waitedFor = (interval: string, which: 'min' | 'max') =>
      world.db.pool.query(
        `UPDATE hookgraph.deliveries SET updated_at = now() - $1::interval WHERE id = (SELECT ${which}(id) FROM hookgraph.deliveries)`,
        [interval],
      );
    await waitedFor('1 minute', 'min');
    await waitedFor('5 minutes', 'max');
    await makeDue(world.db.pool);
    await expect.poll(async () => (await states(id))[1]).toEqual(['HELD', 'NODE', 1]);
    expect(await attempts()).toMatchObject([{ outcome: 'HELD', stage: 'QUERY', message: 'too slow (at node)' }]);
    await expect.poll(async () => (await pauses())[0]).toBeGreaterThan(60);

    world.host.fail = null;
    await makeDue(world.db.pool);
    await expect.poll(async () => (await states(id))[0]).toEqual(['DELIVERED', null, 1]);
  });

  it('marks a subscription broken once when the schema no longer fits its query, holds its deliveries unrun, and goes on when it fits again', async () => {
    const id = await world.subscribe();
    world.host.sdl = SDL.replace('name: String', 'title: String');
    const first = await world.work();
    await world.insertThings('a', 'b');
    await expect
      .poll(() => states(id))
      .toEqual([
        ['HELD', 'BROKEN', 0],
        ['HELD', 'BROKEN', 0],
      ]);
    expect(await subscription(id)).toMatchObject({ status: 'HELD', broken_reason: expect.stringContaining('Cannot query field "name"') });
    await world.insertThings('c');
    await expect.poll(async () => (await states(id))[2]).toEqual(['HELD', 'BROKEN', 0]);
    expect(await attempts()).toEqual([]);
    await first.stop();

    world.host.sdl = SDL;
    await world.work();
    await world.receiver.waitFor(3);
    expect(await subscription(id)).toMatchObject({ status: 'ENABLED', broken_reason: null });
  });

  it('goes on with a broken definition when it is corrected', async () => {
    const id = await world.subscribe();
    world.host.sdl = SDL.replace('name: String', 'title: String');
    await world.work();
    await world.insertThings('a');
    await expect.poll(() => states(id)).toEqual([['HELD', 'BROKEN', 0]]);
    const { problems } = await updateSubscription(world.webhooks.engine, OWNER, id, {
      query: 'query($nodeId: ID!) { node(id: $nodeId) { id } }',
    });
    expect(problems).toEqual([]);
    await world.receiver.waitFor(1);
  });

  it('switches off the subscription of an owner who is gone, and sends nothing', async () => {
    const id = await world.subscribe();
    const bare = await world.subscribe({ query: null });
    await world.work();
    world.host.ownerGone = true;
    await world.insertThings('a');
    for (const one of [id, bare]) {
      await expect.poll(() => subscription(one)).toMatchObject({ status: 'DISABLED', disabled_reason: 'OWNER_GONE' });
      expect(await states(one)).toEqual([['HELD', 'DISABLED', 0]]);
    }
    expect(world.receiver.requests).toEqual([]);
  });

  it('lets several workers share a backlog: each delivery is sent once', async () => {
    const id = await world.subscribe();
    await Promise.all([world.work(), world.work(), world.work()]);
    await world.insertThings(...Array.from({ length: 500 }, (_, i) => `n${i}`));
    await world.receiver.waitFor(500);
    await expect.poll(async () => new Set((await states(id)).map(([state]) => state))).toEqual(new Set(['DELIVERED']));
    expect(new Set(world.receiver.requests.map((request) => request.body)).size).toBe(500);
    expect(world.receiver.requests).toHaveLength(500);
  });

  it('refuses an address that is not allowed at the time of sending, and records the stage', async () => {
    const id = await world.subscribe();
    await world.db.pool.query(
      `UPDATE hookgraph.subscription_versions SET definition = definition || '{"callbackUrl": "https://169.254.169.254/latest"}'`,
    );
    await world.work();
    await world.insertThings('a');
    await expect.poll(() => states(id)).toEqual([['RETRYING', null, 1]]);
    expect(await attempts()).toMatchObject([{ outcome: 'FAILED', stage: 'ADDRESS' }]);
  });
});
