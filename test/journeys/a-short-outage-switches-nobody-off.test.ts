// Promise: a receiver that keeps failing is probed, not flooded; a short outage doesn't disable its subscription, and a long one does.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { subscriptionsByIds } from '../../src/webhooks/base/store/subscriptions.js';
import { updateSubscription } from '../../src/webhooks/index.js';
import { countStates } from '../support/attempts.js';
import { deliveriesOf, insertErrors, makeDue } from '../support/engine-rows.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../support/engine-world.js';
import { until, untilDone } from '../support/until.js';

let world: EngineWorld;
beforeEach(async () => {
  world = await startEngineWorld();
});
afterEach(() => world.close());

const read = async (id: string) => (await subscriptionsByIds(world.db.pool, OWNER, [id])).get(id);
const things = (count: number) => Array.from({ length: count }, (_, i) => `thing ${i}`);
const countErrors = async (id: string, counted: boolean): Promise<number> => {
  const { rows } = await world.db.pool.query(
    `SELECT count(*)::int AS count FROM hookgraph.attempts WHERE subscription_id = $1 AND outcome = 'FAILED' AND counted = $2`,
    [id, counted],
  );
  return rows[0].count;
};
const atRest = (id: string) =>
  until('nothing is under way', async () => (await deliveriesOf(world.db.pool, id)).every(({ leaseToken }) => leaseToken === null));

it('1,000 rows in one INSERT meet a receiver that answers 500, on two workers: few errors count, the rest waits, and all arrive when it is back', async () => {
  const id = await world.subscribe();
  world.receiver.answer = (response) => void response.writeHead(500).end();
  await Promise.all([world.work(), world.work()]);
  await world.insertThings(...things(1000));
  await until('it is probed', async () => (await read(id))?.pace?.state === 'PROBING');
  await until('four probes have failed', async () => {
    const { rows } = await world.db.pool.query('SELECT failures FROM hookgraph.paces WHERE subscription_id = $1', [id]);
    return rows[0]?.failures >= 4;
  });
  expect(await read(id)).toMatchObject({ status: 'ENABLED', pace: { state: 'PROBING', perSecond: null } });
  expect(await countErrors(id, true)).toBeLessThan(30);
  // Deliveries that weren't sent have no attempt and hold no slot.
  const waiting = (await deliveriesOf(world.db.pool, id)).filter(({ attemptCount }) => attemptCount === 0);
  expect(waiting.length).toBeGreaterThan(300);
  expect(waiting.every(({ leaseToken, state }) => leaseToken === null && state === 'PENDING')).toBe(true);

  const { length } = world.receiver.requests;
  const since = Date.now();
  world.receiver.answer = (response) => void response.end();
  await until('it works again', async () => ((await countStates(world.db.pool, id)).DELIVERED ?? 0) > 0);
  await makeDue(world.db.pool, id);
  await untilDone('all arrive', 1000, async () => (await countStates(world.db.pool, id)).DELIVERED ?? 0);
  expect(world.receiver.requests.length - length).toBe(1000);
  // Checks that the backlog doesn't arrive all at once.
  const first = world.receiver.requests[length]?.at ?? since;
  expect(world.receiver.requests.slice(length).filter(({ at }) => at < first + 1000).length).toBeLessThan(200);
  await until('it runs at full speed again', async () => (await read(id))?.pace === null);
});

it('a receiver that fails for an hour is switched off by the hundred-and-first error, and starts slowly when it is enabled', async () => {
  const id = await world.subscribe();
  world.receiver.answer = (response) => void response.writeHead(500).end();
  await world.work();
  await world.insertThings(...things(150));
  await until('it is probed', async () => (await read(id))?.pace?.state === 'PROBING');
  await atRest(id);
  // Inserts the errors that the probes of the last half hour would have made.
  await insertErrors(world.db.pool, id, 100 - (await countErrors(id, true)));
  await until('it is switched off', async () => (await read(id))?.status === 'DISABLED');
  expect(await read(id)).toMatchObject({ disabledReason: 'TOO_MANY_ERRORS', disabledMessage: 'More than 100 errors within an hour.' });
  await until('the rest is held', async () => (await countStates(world.db.pool, id)).HELD === 150);

  const { length } = world.receiver.requests;
  world.receiver.answer = (response) => void response.end();
  await updateSubscription(world.webhooks.engine, OWNER, id, { disabled: false });
  await until('all arrive', async () => (await countStates(world.db.pool, id)).DELIVERED === 150);
  const first = world.receiver.requests[length]?.at ?? 0;
  expect(world.receiver.requests.slice(length).filter(({ at }) => at < first + 1000).length).toBeLessThan(75);
});
