// Promise: while the egress proxy fails, nothing is lost and no subscription is charged an attempt; when it recovers, everything arrives.
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { testSubscription } from '../../src/webhooks/index.js';
import { type EgressProxy, PROXY_PASSWORD, startEgressProxy } from '../support/egress-proxy.js';
import { deliveriesOf, makeDue } from '../support/engine-rows.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../support/engine-world.js';
import { until } from '../support/until.js';

let proxy: EgressProxy;
let world: EngineWorld;
let logged = '';
beforeEach(async () => {
  proxy = await startEgressProxy();
  logged = '';
  const write = (chunk: Buffer, _encoding: string, done: () => void) => {
    logged += chunk;
    done();
  };
  const log = pino({ level: 'warn' }, new Writable({ write }));
  world = await startEngineWorld({ log, settings: { egressProxy: proxy.url } });
});
afterEach(async () => {
  await world.close();
  await proxy.close();
});

const failed = () => logged.split('\n').filter((line) => line.includes('the egress proxy')).length;
const attempts = async () => (await world.db.pool.query('SELECT * FROM hookgraph.attempts')).rows;

it('whether it is gone, refuses us, or answers with an error', async () => {
  const id = await world.subscribe();
  await world.work();
  await proxy.stop();
  await world.insertThings('a', 'b');
  const putBack = () =>
    until('both were put back', async () => {
      const deliveries = await deliveriesOf(world.db.pool, id);
      return (
        deliveries.length === 2 && deliveries.every(({ leaseToken, dueInSeconds }) => leaseToken === null && dueInSeconds > 1) && deliveries
      );
    });
  const again = () => makeDue(world.db.pool);
  expect(await putBack()).toMatchObject(Array(2).fill({ state: 'PENDING', reason: null, attemptCount: 0 }));
  await proxy.start();
  for (const answer of ['407 Proxy Authentication Required', '503 Service Unavailable', '502 Bad Gateway', '504 Gateway Timeout']) {
    proxy.answer = answer;
    const before = proxy.asked.length;
    await again();
    // A proxy's failure pauses deliveries and the subscription. makeDue ends only the deliveries' wait, so this may take longer.
    await until(`both met ${answer}`, () => proxy.asked.length >= before + 2);
    expect(await putBack()).toMatchObject(Array(2).fill({ state: 'PENDING', attemptCount: 0 }));
  }
  // All failures are logged in one line.
  await until('it is logged', () => failed() === 1);
  // A test isn't recorded as the receiver's failure either.
  expect(await testSubscription(world.webhooks.engine, OWNER, id)).toMatchObject({
    report: null,
    deliveryId: null,
    problems: [{ field: 'base', message: expect.stringContaining('outgoing network') }],
  });
  expect(failed()).toBe(2);
  expect(await attempts()).toEqual([]);

  proxy.answer = 'work';
  await again();
  expect((await world.receiver.waitFor(2)).map(({ body }) => JSON.parse(body).data.node.name).sort()).toEqual(['a', 'b']);
  await until('both are delivered', async () => (await attempts()).length === 2);
  expect(await attempts()).toMatchObject(Array(2).fill({ number: 1, outcome: 'DELIVERED' }));
  expect(world.receiver.requests).toHaveLength(2);
  expect(new Set(proxy.asked)).toEqual(new Set([new URL(world.receiver.url).host]));
  // The proxy's credentials appear nowhere, in whatever encoding.
  const secrets = [PROXY_PASSWORD, encodeURIComponent(PROXY_PASSWORD), Buffer.from(`hook:${PROXY_PASSWORD}`).toString('base64')];
  const written = logged + JSON.stringify(await attempts()) + JSON.stringify(world.receiver.requests);
  for (const secret of secrets) expect(written).not.toContain(secret);
});

it('and a receiver that the proxy finds unreachable is charged as ever', async () => {
  await world.subscribe();
  await world.work();
  proxy.answer = '502 Bad Gateway\r\nProxy-Status: proxy; error=connection_refused';
  await world.insertThings('a');
  await until('it was tried', async () => (await attempts()).length === 1);
  expect(await attempts()).toMatchObject([
    { outcome: 'FAILED', stage: 'CONNECT', message: expect.stringContaining('could not reach the receiver') },
  ]);
});
