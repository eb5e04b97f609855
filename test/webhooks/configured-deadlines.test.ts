// Tests that a worker keeps to configured deadlines and limits, with a real receiver and database.
import type { ServerResponse } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { createHookgraph } from '../../src/index.js';
import { deadlinesOf } from '../../src/webhooks/base/deadlines.js';
import { createSubscription, deleteSubscription, type Subscription, updateSubscription } from '../../src/webhooks/index.js';
import { type EngineWorld, OWNER, QUERY, startEngineWorld } from '../support/engine-world.js';
import { until } from '../support/until.js';

let world: EngineWorld;
afterEach(() => world.close());

const firstAttempt = (id: string) =>
  until('an attempt is recorded', async () => {
    const { rows } = await world.db.pool.query(
      'SELECT stage, message, duration_ms AS "durationMs" FROM hookgraph.attempts WHERE subscription_id = $1',
      [id],
    );
    return rows[0];
  });

it('ends a request at the configured deadline', async () => {
  world = await startEngineWorld({ settings: { limits: { requestMs: 400 } } });
  world.receiver.answer = () => {};
  const id = await world.subscribe();
  await world.work();
  await world.insertThings('a');
  const { stage, message, durationMs } = await firstAttempt(id);
  expect({ stage, message }).toEqual({ stage: 'TIMEOUT', message: 'No complete answer within 0.4 seconds.' });
  expect(durationMs).toBeGreaterThanOrEqual(399);
});

it('leases for longer than a request may take, so that a slow receiver gets it once', async () => {
  const limits = { requestMs: 40_000 };
  world = await startEngineWorld({ settings: { limits } });
  let open: ServerResponse | undefined;
  world.receiver.answer = (response) => {
    open = response;
  };
  const id = await world.subscribe();
  await world.work();
  await world.insertThings('a');
  await world.receiver.waitFor(1);
  const { rows } = await world.db.pool.query(
    'SELECT extract(epoch FROM lease_until)::float8 * 1000 AS "endsMs" FROM hookgraph.open_deliveries WHERE subscription_id = $1',
    [id],
  );
  const leftMs = rows[0].endsMs - (world.receiver.requests[0]?.at ?? 0);
  expect(leftMs).toBeGreaterThan(limits.requestMs);
  expect(leftMs).toBeLessThanOrEqual(deadlinesOf(limits).leaseMs + 1);
  open?.end();
  expect(await firstAttempt(id)).toMatchObject({ stage: null });
  expect(world.receiver.requests).toHaveLength(1);
});

it('sends no more requests to one origin at once than configured', async () => {
  world = await startEngineWorld({ settings: { limits: { perOrigin: 3 } } });
  const open: ServerResponse[] = [];
  world.receiver.answer = (response) => void open.push(response);
  await world.subscribe();
  await world.work();
  await world.insertThings(...Array.from({ length: 12 }, (_, i) => `n${i}`));
  await world.receiver.waitFor(3);
  const inProgress = async () =>
    (await world.db.pool.query('SELECT count(*)::int AS n FROM hookgraph.open_deliveries WHERE lease_until > now()')).rows[0].n;
  // Five deliveries are claimed: one and a half times the three that may be sent. All three have arrived.
  await until('more are claimed than are sent', async () => (await inProgress()) > 3);
  expect(await inProgress()).toBeLessThanOrEqual(5);
  expect(open).toHaveLength(3);
  world.receiver.answer = (response) => void response.end();
  for (const response of open) response.end();
  await world.receiver.waitFor(12);
});

it('keeps slots of an origin for a tenant that comes while the requests of another one hang', async () => {
  world = await startEngineWorld({ settings: { limits: { perOrigin: 5, requestMs: 60_000 } } });
  const hanging: ServerResponse[] = [];
  world.receiver.answer = (response, { path }) => void (path === '/hang' ? hanging.push(response) : response.end());
  const hostile = { ...OWNER, tenant: 'hostile' };
  const subscribe = (actor: typeof OWNER, path: string) =>
    createSubscription(world.webhooks.engine, actor, { topic: { key: 'thing/created' }, callbackUrl: `${world.receiver.url}${path}` });
  for (const saved of [await subscribe(hostile, '/hang'), await subscribe(OWNER, '/answer')]) expect(saved.problems).toEqual([]);
  await world.work();
  await world.db.pool.query(`INSERT INTO public.things (org, name) SELECT 'hostile', 'n' || i FROM generate_series(1, 30) i`);
  await until('it has all slots of a tenant', () => hanging.length === 5);
  await world.insertThings(...Array.from({ length: 12 }, (_, i) => `n${i}`));
  await until('the others arrived', () => world.receiver.requests.filter(({ path }) => path === '/answer').length === 12);
  expect(hanging).toHaveLength(5);
  for (const response of hanging) response.end();
});

it('lets a tenant have no more subscriptions to a topic than configured, also by requests at once', async () => {
  world = await startEngineWorld({ settings: { limits: { subscriptionsPerTopic: 3 } } });
  const { engine } = world.webhooks;
  const save = (key: string, actor = OWNER) => createSubscription(engine, actor, { topic: { key }, callbackUrl: world.receiver.url });
  const saved = await Promise.all(Array.from({ length: 6 }, () => save('thing/created')));
  expect(saved.filter(({ subscription }) => subscription !== null)).toHaveLength(3);
  const refused = {
    field: 'topic',
    message: 'your organization has 3 subscriptions to thing/created, and the limit is 3; delete one that you do not need',
  };
  expect(saved.find(({ subscription }) => subscription === null)?.problems).toEqual([refused]);

  const other = (await save('thing/deleted')).subscription as Subscription;
  expect(await updateSubscription(engine, OWNER, other.id, { topic: { key: 'thing/created' } })).toMatchObject({ problems: [refused] });
  expect((await save('thing/created', { ...OWNER, tenant: 'other' })).problems).toEqual([]);

  const { id } = saved.flatMap(({ subscription }) => subscription ?? [])[0] as Subscription;
  // Existing subscriptions can be changed even when the limit is reached.
  expect((await updateSubscription(engine, OWNER, id, { name: 'kept', query: QUERY })).subscription).not.toBeNull();
  await deleteSubscription(engine, OWNER, id);
  expect((await save('thing/created')).problems).toEqual([]);
});

it('refuses limits that contradict each other when Hookgraph is created', async () => {
  world = await startEngineWorld();
  const create = () =>
    createHookgraph({
      database: world.db.url,
      keys: [Buffer.alloc(32)],
      tables: {},
      signIn: async () => null,
      actor: () => null,
      settings: { limits: { requestMs: 1_000, connectMs: 1_000 } },
    });
  expect(create).toThrow('connectMs (HOOKGRAPH_CONNECT_TIMEOUT_MS) is 1000, but must be less than requestMs');
});
