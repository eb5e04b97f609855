import { afterEach, describe, expect, it } from 'vitest';
import { testSubscription } from '../../../src/webhooks/index.js';
import { claimDue } from '../../../src/webhooks/lease/claim.js';
import { resultOf } from '../../../src/webhooks/verdict/attempt-result.js';
import { createAttemptWriter } from '../../../src/webhooks/verdict/attempt-writer.js';
import { deliveriesOf, insertDeliveries } from '../../support/engine-rows.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../../support/engine-world.js';
import { collectLines } from '../../support/log-lines.js';

let world: EngineWorld;
afterEach(() => world.close());

const INFO = 30;
const DEBUG = 20;

describe('the line of an attempt', () => {
  it('names every id, the outcome and the durations of a failure, and nothing that may be secret', async () => {
    const { log, named } = collectLines();
    world = await startEngineWorld({ log });
    const id = await world.subscribe({
      callbackUrl: `${world.receiver.url}?page=query-secret`,
      sharedSecret: 'shared-secret',
      headers: [{ name: 'x-api-key', value: 'header-secret' }],
      template: '{"body": "body-secret"}',
    });
    world.receiver.answer = (response) => void response.writeHead(500, { 'x-answer': 'answer-secret' }).end('answer-secret');
    await world.work();
    await world.insertThings('Ada');
    await expect.poll(() => named('attempt')).toHaveLength(1);
    const [delivery] = await deliveriesOf(world.db.pool, id);
    const { rows } = await world.db.pool.query('SELECT event_id FROM hookgraph.deliveries');
    const [line] = named('attempt');
    expect(line).toMatchObject({
      level: INFO,
      deliveryId: delivery.id,
      eventId: rows[0].event_id,
      replayId: null,
      kind: 'LIVE',
      subscriptionId: id,
      version: 1,
      topic: 'thing/created',
      tenant: 'org',
      nodeType: 'Thing',
      nodeKey: '1',
      number: 1,
      outcome: 'FAILED',
      stage: 'STATUS',
      status: 500,
      state: 'RETRYING',
      nextAttemptAt: expect.stringMatching(/^\d{4}-.*Z$/),
      destination: new URL(world.receiver.url).origin,
      worker: expect.stringMatching(/:\d+$/),
    });
    for (const name of ['durationMs', 'queryMs', 'renderMs', 'sendMs', 'firstByteMs']) expect(line?.[name], name).toBeGreaterThanOrEqual(0);
    expect(JSON.stringify(line)).not.toMatch(/secret|Ada/);
  });

  it('is debug for a success, and info for the share that is configured', async () => {
    const { log, named } = collectLines('debug');
    world = await startEngineWorld({ log });
    await world.subscribe({ query: null });
    await world.work();
    await world.insertThings('a');
    await expect
      .poll(() => named('attempt'))
      .toMatchObject([{ level: DEBUG, outcome: 'DELIVERED', state: 'DELIVERED', nextAttemptAt: null }]);
  });

  it('is written of all successes with a share of 1, and of a test', async () => {
    const { log, named } = collectLines();
    world = await startEngineWorld({ log, settings: { attemptLog: { level: 'warn', share: 1 } } });
    const id = await world.subscribe();
    await world.insertThings('a');
    await testSubscription(world.webhooks.engine, OWNER, id);
    expect(named('attempt')).toMatchObject([{ level: 40, kind: 'TEST', outcome: 'DELIVERED', number: 1, eventId: null }]);
    await world.work();
    await expect.poll(() => named('attempt')).toMatchObject([{ kind: 'TEST' }, { kind: 'LIVE', outcome: 'DELIVERED' }]);
  });

  it('is absent when switched off, and for a result that was not recorded because its lease was lost', async () => {
    const { log, named } = collectLines('debug');
    world = await startEngineWorld({ log });
    const { pool } = world.db;
    const subscriptionId = await world.subscribe();
    await insertDeliveries(pool, subscriptionId, 2);
    const [lost, kept] = await claimDue(pool, [{ subscriptionId, count: 2, after: null }]);
    if (!lost || !kept) throw new Error('nothing was claimed');
    const attempt = (delivery: typeof lost) => ({
      delivery,
      definition: { subscriptionId, version: 1, owner: { tenant: 'org' }, topic: { key: 'thing/created' } },
      outcome: 'DELIVERED' as const,
      stage: null,
      message: null,
      startedAt: new Date(),
      durationMs: 1,
      timings: {},
      request: null,
      response: null,
    });
    const next = { state: 'DELIVERED' as const, reason: null, retryMs: null };
    const { settings, meter } = world.webhooks.engine;
    const off = createAttemptWriter({ pool, log, meter, settings: { ...settings, attemptLog: null } }, 15_000);
    off.add(resultOf({ ...kept, token: '1' }, { next, attempt: attempt(kept) }));
    await off.written();
    const on = createAttemptWriter({ pool, log, meter, settings }, 15_000);
    on.add(resultOf({ ...lost, token: '1' }, { next, attempt: attempt(lost) }));
    on.add(resultOf(kept, { next, attempt: attempt(kept) }));
    await on.written();
    expect(named('attempt').map(({ deliveryId }) => deliveryId)).toEqual([kept.id]);
  });
});

describe('the line of a rule', () => {
  it('says which rule disabled whose subscription, and how many deliveries are held', async () => {
    const { log, named } = collectLines();
    world = await startEngineWorld({ log });
    const id = await world.subscribe({ query: null });
    await insertDeliveries(world.db.pool, id, 3, { dueInMs: 3_600_000 });
    // The delivery that got the response is held, too.
    world.receiver.answer = (response) => void response.writeHead(410).end();
    await world.work();
    await world.insertThings('a');
    await expect
      .poll(() => named('subscription disabled by a rule'))
      .toMatchObject([{ level: 40, rule: 'GONE', subscriptionId: id, tenant: 'org', reason: 'The receiver answered 410 Gone.', held: 4 }]);
  });

  it('says that a broken definition is held, and released when it works again', async () => {
    const { log, named } = collectLines();
    world = await startEngineWorld({ log });
    const id = await world.subscribe();
    await insertDeliveries(world.db.pool, id, 2, { dueInMs: 3_600_000 });
    const { sdl } = world.host;
    world.host.sdl = sdl.replace('name: String', 'title: String');
    await (await world.work()).stop();
    const fields = { subscriptionId: id, tenant: 'org' };
    expect(named('subscription held by a rule: its definition no longer works')).toMatchObject([{ ...fields, rule: 'BROKEN', held: 2 }]);
    world.host.sdl = sdl;
    await (await world.work()).stop();
    expect(named('subscription recovered')).toMatchObject([{ ...fields, rule: 'RECHECKED', released: 2 }]);
  });

  it('says that a receiver is slowed down', async () => {
    const { log, named } = collectLines();
    world = await startEngineWorld({ log });
    const id = await world.subscribe({ query: null });
    world.receiver.answer = (response) => void response.writeHead(429).end();
    await world.work();
    await world.insertThings('a');
    await expect
      .poll(() => named('subscription slowed by a rule: its receiver asked to slow down'))
      .toMatchObject([{ level: 40, rule: 'SLOWED', subscriptionId: id, tenant: 'org', perSecond: 1, failures: 0 }]);
  });
});
