// Promise: a "slow down" is no error: the subscription waits, adapts its pace and shows it; an owner's limit holds over all workers.
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { subscriptionsByIds } from '../../src/webhooks/base/store/subscriptions.js';
import { type Subscription, updateSubscription, whyNot } from '../../src/webhooks/index.js';
import { attemptsOf, countStates } from '../support/attempts.js';
import { deliveriesOf, makeDue } from '../support/engine-rows.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../support/engine-world.js';
import { until } from '../support/until.js';

let world: EngineWorld;
let logged: string;
beforeEach(async () => {
  logged = '';
  const write = (chunk: Buffer, _encoding: string, done: () => void) => {
    logged += chunk;
    done();
  };
  world = await startEngineWorld({ log: pino({ level: 'info' }, new Writable({ write })) });
});
afterEach(() => world.close());

const read = async (id: string): Promise<Subscription | undefined> => (await subscriptionsByIds(world.db.pool, OWNER, [id])).get(id);
const lines = (text: string) => logged.split('\n').filter((line) => line.includes(text));
const things = (count: number) => Array.from({ length: count }, (_, i) => `thing ${i}`);

/** Makes the receiver accept `perSecond` requests in any second, and refuse all others with Retry-After. */
function takes(perSecond: number, retryAfter: () => string, status = 429): { refused: number; firstRefusedAt: number } {
  const taken: number[] = [];
  const counts = { refused: 0, firstRefusedAt: Number.NaN };
  world.receiver.answer = (response, { at }) => {
    while (taken[0] !== undefined && taken[0] <= at - 1000) taken.shift();
    if (taken.length < perSecond) {
      taken.push(at);
      response.end();
    } else {
      if (counts.refused === 0) counts.firstRefusedAt = at;
      counts.refused += 1;
      response.writeHead(status, { 'retry-after': retryAfter() }).end();
    }
  };
  return counts;
}

/** Ends the pause: makes every delivery that waits for a Retry-After due now. */
async function wait(id: string): Promise<void> {
  await makeDue(world.db.pool, id);
  await world.db.pool.query(
    `UPDATE hookgraph.paces SET told_at = told_at - (resume_at - now()), changed_at = now(), resume_at = now() WHERE subscription_id = $1 AND resume_at > now()`,
    [id],
  );
}

it('a token endpoint that asks to slow down is obeyed as a receiver is', async () => {
  const tokenUrl = `${world.receiver.url}/token`;
  const id = await world.subscribe({ auth: { oauth2: { tokenUrl, clientId: 'client', clientSecret: 'a secret of it' } } });
  world.receiver.answer = (response) => void response.writeHead(429, { 'retry-after': '60' }).end();
  await world.work();
  await world.insertThings(...things(150));
  await until('it is slowed', async () => (await read(id))?.pace);
  expect(await read(id)).toMatchObject({ status: 'ENABLED', pace: { state: 'SLOWED' } });
  await until('nothing is under way', async () => (await deliveriesOf(world.db.pool, id)).every(({ leaseToken }) => leaseToken === null));
  expect(world.receiver.requests.every(({ path }) => path === '/token')).toBe(true);
  expect((await countStates(world.db.pool, id)).HELD).toBeUndefined();
  const { rows } = await world.db.pool.query(`SELECT DISTINCT message, counted FROM hookgraph.attempts WHERE message LIKE '%status 429%'`);
  expect(rows).toEqual([{ message: 'The token endpoint answered with status 429.', counted: false }]);
});

describe('500 changes to a receiver that takes ten a second', () => {
  it.each([
    ['429 and seconds', 429, (): string => '60'],
    ['429 and a date', 429, (): string => new Date(Date.now() + 60_000).toUTCString()],
    ['503 and seconds', 503, (): string => '60'],
  ] as const)('wait as it asks by %s: nothing is switched off, nothing hammered', async (_, status, retryAfter) => {
    const id = await world.subscribe();
    const counts = takes(10, retryAfter, status);
    await world.work();
    await world.insertThings(...things(500));
    await until('it is slowed', async () => (await read(id))?.pace);
    const slowed = (await read(id)) as Subscription;
    expect(slowed).toMatchObject({ status: 'ENABLED', pace: { state: 'SLOWED', perSecond: 1 } });
    // Allows for a second, because a date in Retry-After has no fractions of a second.
    const resumesAt = Date.parse(slowed.pace?.resumesAt ?? '');
    expect(resumesAt).toBeGreaterThanOrEqual(counts.firstRefusedAt + 59_000);
    expect(resumesAt).toBeLessThanOrEqual(Date.now() + 61_000);
    await until('nothing is under way', async () => (await deliveriesOf(world.db.pool, id)).every(({ leaseToken }) => leaseToken === null));
    const { length } = world.receiver.requests;
    expect(length).toBeLessThanOrEqual(300);
    // A refused delivery is due at the time of its Retry-After; deliveries that weren't sent have no attempt.
    const deliveries = await deliveriesOf(world.db.pool, id);
    for (const { state, dueAt } of deliveries)
      if (state === 'RETRYING') expect(dueAt.getTime()).toBeGreaterThanOrEqual(counts.firstRefusedAt + 59_000);
    expect(deliveries.filter(({ state }) => state === 'PENDING').every(({ attemptCount }) => attemptCount === 0)).toBe(true);
    expect((await countStates(world.db.pool, id)).HELD).toBeUndefined();
    const { rows } = await world.db.pool.query(
      `SELECT count(*)::int AS count FROM hookgraph.attempts WHERE outcome = 'FAILED' AND counted`,
    );
    expect(rows[0].count).toBe(0);
    const answer = await whyNot(world.webhooks.engine, OWNER, { subscriptionId: id, nodeId: null, since: null });
    expect(answer?.conclusion).toContain('Nothing is sent before');
    expect(lines('subscription slowed')).toHaveLength(1);
    expect(world.receiver.requests).toHaveLength(length);
  });

  it('go on slowly over two workers and a restart, and all arrive with few refusals', async () => {
    const id = await world.subscribe();
    const counts = takes(10, () => '1');
    const worker = await world.work();
    await world.work();
    await world.insertThings(...things(100));
    await until('it is slowed', async () => (await read(id))?.pace?.state === 'SLOWED');
    await worker.stop();
    await world.work();
    const before = counts.refused;
    const waiting = setInterval(() => void makeDue(world.db.pool, id), 1000);
    await until('all are delivered', async () => (await countStates(world.db.pool, id)).DELIVERED === 100, { timeoutMs: 80_000 }).finally(
      () => clearInterval(waiting),
    );
    // At full speed, all waiting deliveries would be refused again each second: more than four hundred.
    expect(counts.refused - before).toBeLessThan(100);
    expect((await read(id))?.status).toBe('ENABLED');
  });
});

it('enabling keeps the due times of what was told to wait, and starts slowly', async () => {
  const id = await world.subscribe();
  const counts = takes(0, () => '60');
  await world.work();
  await world.insertThings(...things(30));
  await until('it is slowed', async () => (await read(id))?.pace?.state === 'SLOWED');
  await until('nothing is under way', async () => (await deliveriesOf(world.db.pool, id)).every(({ leaseToken }) => leaseToken === null));
  const { length } = world.receiver.requests;
  for (const disabled of [true, false]) await updateSubscription(world.webhooks.engine, OWNER, id, { disabled });
  expect((await read(id))?.pace).toMatchObject({ state: 'SLOWED', perSecond: 1, resumesAt: expect.any(String) });
  const told = (await deliveriesOf(world.db.pool, id)).filter(({ attemptCount }) => attemptCount === 1);
  expect(told.length).toBeGreaterThan(0);
  for (const { dueAt } of told) expect(dueAt.getTime()).toBeGreaterThanOrEqual(counts.firstRefusedAt + 59_000);
  world.receiver.answer = (response) => void response.end();
  expect(world.receiver.requests).toHaveLength(length);
  await wait(id);
  await until('one arrives', () => world.receiver.requests.length > length);
  expect(world.receiver.requests.length - length).toBeLessThan(15);
  await until('all arrive', async () => (await countStates(world.db.pool, id)).DELIVERED === 30);
});

it('a limit of the owner holds over two workers, a second and at once', async () => {
  const id = await world.subscribe({ rateLimit: { perSecond: 20, concurrency: 3 } });
  expect((await read(id))?.pace).toMatchObject({ state: 'LIMITED', perSecond: 20 });
  let open = 0;
  let most = 0;
  world.receiver.answer = (response) => {
    open += 1;
    most = Math.max(most, open);
    setTimeout(() => {
      open -= 1;
      response.end();
    }, 30);
  };
  await Promise.all([world.work(), world.work()]);
  const insertedAt = Date.now();
  await world.insertThings(...things(60));
  await until('all are delivered', async () => (await countStates(world.db.pool, id)).DELIVERED === 60);
  expect(most).toBeLessThanOrEqual(3);
  // The first twenty may come at once; without the limit per second, all would come in 600 ms.
  expect((world.receiver.requests.at(-1)?.at ?? 0) - insertedAt).toBeGreaterThanOrEqual(1900);
  expect((await attemptsOf(world.db.pool, id)).every(({ number }) => number === 1)).toBe(true);
  // Without a limit, the subscription sends at full speed again.
  await updateSubscription(world.webhooks.engine, OWNER, id, { rateLimit: null });
  expect((await read(id))?.pace).toBeNull();
});

it('a limit out of bounds is refused', async () => {
  for (const [rateLimit, field] of [
    [{ perSecond: 0 }, 'rateLimit.perSecond'],
    [{ perSecond: 1001 }, 'rateLimit.perSecond'],
    [{ concurrency: 0 }, 'rateLimit.concurrency'],
    [{ concurrency: 2.5 }, 'rateLimit.concurrency'],
  ] as const)
    await expect(world.subscribe({ rateLimit })).rejects.toThrow(field);
});
