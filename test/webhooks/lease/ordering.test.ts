// Promise: notifications of an ordered subscription arrive one at a time for each node, in the order of the changes, whatever fails.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { advance } from '../../../src/webhooks/base/store/ordered-deliveries.js';
import { FanOuts } from '../../../src/webhooks/fan-out/fan-out.js';
import { relayOnce } from '../../../src/webhooks/fan-out/relay.js';
import {
  deleteSubscription,
  releaseHeldDeliveries,
  resendDelivery,
  type SubscriptionInput,
  updateSubscription,
  whyNot,
} from '../../../src/webhooks/index.js';
import { claimDue } from '../../../src/webhooks/lease/claim.js';
import { resultOf } from '../../../src/webhooks/verdict/attempt-result.js';
import { writeAttempts } from '../../../src/webhooks/verdict/write-attempts.js';
import { deliveriesOf, makeDue, outOfStep } from '../../support/engine-rows.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../../support/engine-world.js';
import type { Received } from '../../support/receiver.js';
import { until } from '../../support/until.js';

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterEach(() => world.clear());
afterAll(() => world.close());

const UPDATED = { topic: { key: 'thing/updated' }, query: 'query($nodeId: ID!) { node(id: $nodeId) { id } }' } as const;
const THINGS = [...'abcde'];

/** Returns a function that generates the same numbers for the same seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const update = (id: number, name: string) => world.db.pool.query('UPDATE public.things SET name = $2 WHERE id = $1', [id, name]);

/** Writes from several connections at once, some in transactions that end late. */
async function writeAtRandom(next: () => number, count: number): Promise<void> {
  const write = async (writer: number) => {
    const client = await world.db.pool.connect();
    try {
      for (let i = 0; i < count; i += 1) {
        if (next() < 0.3) await client.query('BEGIN');
        await client.query('SELECT pg_current_xact_id()');
        await client.query('UPDATE public.things SET name = $2 WHERE id = $1', [1 + Math.floor(next() * THINGS.length), `${writer} ${i}`]);
        await client.query('COMMIT');
      }
    } finally {
      client.release();
    }
  };
  await Promise.all([1, 2, 3, 4].map(write));
}

/** Makes the receiver fail at random, but too rarely to be slowed down. Returns the nodes' bodies that it got twice at the same time. */
function failAtRandom(next: () => number): { clashes: string[] } {
  const open = new Map<string, number>();
  const clashes: string[] = [];
  let failures = 0;
  world.receiver.answer = (response, { body }) => {
    const count = (open.get(body) ?? 0) + 1;
    open.set(body, count);
    if (count > 1) clashes.push(body);
    setTimeout(() => {
      open.set(body, (open.get(body) ?? 0) - 1);
      const fails = failures < 6 && next() < 0.3;
      if (fails) failures += 1;
      response.writeHead(fails ? 500 : 200).end();
    }, next() * 10);
  };
  return { clashes };
}

/** Returns the event and node of each request, in the order of arrival. */
async function arrivals(requests: readonly Received[]): Promise<{ node: string; event: bigint }[]> {
  const ids = requests.map(({ headers }) => String(headers['x-scope-webhook-job-id']));
  const { rows } = await world.db.pool.query<{ id: string; node: string; event: string }>(
    'SELECT id, node_key AS node, event_id AS event FROM hookgraph.whole_deliveries WHERE id = ANY ($1::bigint[])',
    [ids],
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => ({ node: byId.get(id)?.node ?? '', event: BigInt(byId.get(id)?.event ?? 0) }));
}

async function eventsOfNodes(id: string): Promise<Map<string, bigint[]>> {
  const { rows } = await world.db.pool.query<{ node: string; events: string[] }>(
    `SELECT node_key AS node, array_agg(event_id ORDER BY event_id) AS events FROM hookgraph.whole_deliveries WHERE subscription_id = $1 GROUP BY 1`,
    [id],
  );
  return new Map(rows.map(({ node, events }) => [node, events.map(BigInt)]));
}

const untilNothingIsOpen = (id: string) =>
  until('no delivery is open', async () => {
    await makeDue(world.db.pool, id);
    const { rows } = await world.db.pool.query(
      `SELECT (SELECT count(*) FROM hookgraph.captures) + (SELECT count(*) FROM hookgraph.open_deliveries) AS count`,
    );
    return rows[0].count === '0';
  });

const isAscending = (numbers: readonly bigint[]) => numbers.every((number, i) => i === 0 || number >= (numbers[i - 1] as bigint));

/** Writes while two workers deliver to a receiver that fails at random. Returns the events of each node, and those that arrived. */
async function writeAndDeliver(seed: number, ordering: 'PER_NODE' | 'LATEST_ONLY') {
  const next = random(seed);
  await world.insertThings(...THINGS);
  const id = await world.subscribe({ ...UPDATED, ordering });
  const { clashes } = failAtRandom(next);
  await Promise.all([world.work(), world.work()]);
  await writeAtRandom(next, 7);
  await untilNothingIsOpen(id);
  const arrived = await arrivals(world.receiver.requests);
  const gotOf = (node: string) => arrived.filter((one) => one.node === node).map(({ event }) => event);
  return { id, clashes, nodes: [...(await eventsOfNodes(id))].map(([node, events]) => ({ events, got: gotOf(node) })) };
}

it('PER_NODE: each node in order and one at a time, with two workers and random failures', async () => {
  const { id, clashes, nodes } = await writeAndDeliver(1, 'PER_NODE');
  for (const { events, got } of nodes) {
    expect(isAscending(got)).toBe(true);
    expect([...new Set(got)]).toEqual(events);
  }
  expect(clashes).toEqual([]);
  expect(new Set((await deliveriesOf(world.db.pool, id)).map(({ state }) => state))).toEqual(new Set(['DELIVERED']));
  expect(await outOfStep(world.db.pool)).toEqual([]);
});

/** Changes thing 1 once for each name, each time in a separate transaction. */
async function change(...names: string[]): Promise<void> {
  for (const name of names) await update(1, name);
}

/** Runs a sweep, and returns how many deliveries it made due. */
const released = async (id: string) => (await advance(world.db.pool, id, { attempted: [], sweepAfter: '' })).released;

async function firstEventOf(id: string): Promise<string> {
  const { rows } = await world.db.pool.query('SELECT min(event_id) AS first FROM hookgraph.deliveries WHERE subscription_id = $1', [id]);
  return rows[0].first;
}

const statesOf = async (id: string) =>
  (await deliveriesOf(world.db.pool, id)).map(({ state, reason }) => (reason === null ? state : `${state} ${reason}`));

it('waits for an earlier change that another worker relays at the moment', async () => {
  await world.insertThings('a');
  const id = await world.subscribe({ ...UPDATED, ordering: 'PER_NODE' });
  const other = await world.db.pool.connect();
  try {
    await relayOnce(world.db.pool);
    await change('first', 'second');
    await other.query('BEGIN');
    expect(await relayOnce(other, 1)).toMatchObject({ deliveries: 1 });
    expect(await relayOnce(world.db.pool)).toMatchObject({ deliveries: 1 });
    expect(await released(id)).toBe(0);
    await other.query('COMMIT');
    await expect.poll(() => released(id)).toBe(1);
  } finally {
    other.release();
  }
  const due = await claimDue(world.db.pool, [{ subscriptionId: id, count: 10, after: null }]);
  expect(due.map(({ eventId }) => eventId)).toEqual([await firstEventOf(id)]);
});

it('waits for an earlier change whose many deliveries are still being made', async () => {
  await world.insertThings('a');
  const id = await world.subscribe({ ...UPDATED, ordering: 'PER_NODE' });
  await relayOnce(world.db.pool);
  await change('first', 'second');
  expect(await relayOnce(world.db.pool, 1, '0', 0)).toMatchObject({ deferred: 1 });
  expect(await relayOnce(world.db.pool)).toMatchObject({ deliveries: 1 });
  expect(await released(id)).toBe(0);
  await new FanOuts(world.db.pool).next(10);
  await expect.poll(() => released(id)).toBe(1);
  const due = await claimDue(world.db.pool, [{ subscriptionId: id, count: 10, after: null }]);
  expect(due.map(({ eventId }) => eventId)).toEqual([await firstEventOf(id)]);
});

it('continues where a worker died after it had recorded an attempt', async () => {
  await world.insertThings('a');
  const id = await world.subscribe({ ...UPDATED, ordering: 'PER_NODE' });
  await change('first', 'second');
  await relayOnce(world.db.pool);
  await expect.poll(() => released(id)).toBe(1);
  const [first] = await claimDue(world.db.pool, [{ subscriptionId: id, count: 10, after: null }]);
  if (!first) throw new Error('nothing is due');
  await writeAttempts(world.db.pool, [resultOf(first, { next: { state: 'DELIVERED', reason: null, retryMs: null } })]);
  await world.work();
  await world.receiver.waitFor(1);
  await until('both are delivered', async () => (await statesOf(id)).join() === 'DELIVERED,DELIVERED');
  expect(world.receiver.requests).toHaveLength(1);
});

/** Subscribes, makes the first of two notifications fail, and waits until the second waits for the first. */
async function oneWaits(input: Partial<SubscriptionInput>, first = 'RETRYING'): Promise<string> {
  await world.insertThings('a');
  const id = await world.subscribe({ ...UPDATED, ...input });
  await change('first', 'second');
  await world.work();
  await until('the second one waits', async () => (await statesOf(id)).join() === `${first},PENDING ORDER`);
  return id;
}

it('says what a delivery waits for, and sends it by no other way', async () => {
  world.receiver.answer = (response) => void response.writeHead(500).end();
  const id = await oneWaits({ ordering: 'PER_NODE' });
  const [first, second] = await deliveriesOf(world.db.pool, id);
  const found = await until('the second is entered', async () => {
    const answer = await whyNot(world.webhooks.engine, OWNER, { subscriptionId: id, nodeId: null, since: null });
    const [newest] = answer?.findings ?? [];
    return newest?.reason.includes(first.id) && newest;
  });
  expect(found).toMatchObject({
    code: 'WAITS_IN_ORDER',
    reason: expect.stringContaining(`the delivery ${first.id} of the same node, which is RETRYING`),
  });
  const { problems } = await resendDelivery(world.webhooks.engine, OWNER, second.id);
  expect(problems).toMatchObject([{ message: expect.stringContaining('waits for an earlier one of its node') }]);
  expect(await statesOf(id)).toEqual(['RETRYING', 'PENDING ORDER']);
});

it('waits for a held one, and for the subscription to be enabled again', async () => {
  world.host.fail = 'the thing is odd';
  const id = await oneWaits({ ordering: 'PER_NODE' }, 'HELD NODE');
  await updateSubscription(world.webhooks.engine, OWNER, id, { disabled: true });
  world.host.fail = null;
  await updateSubscription(world.webhooks.engine, OWNER, id, { disabled: false });
  expect(await statesOf(id)).toEqual(['HELD NODE', 'PENDING ORDER']);
  expect(await releaseHeldDeliveries(world.webhooks.engine, OWNER, id)).toMatchObject({ problems: [], count: 1 });
  await until('both are delivered', async () => (await statesOf(id)).join() === 'DELIVERED,DELIVERED');
  const arrived = await arrivals(world.receiver.requests);
  expect(isAscending(arrived.map(({ event }) => event))).toBe(true);
});

it('goes on when the earlier one has failed for good', async () => {
  world.receiver.answer = (response) => void response.writeHead(world.receiver.requests.length === 1 ? 500 : 200).end();
  await world.insertThings('a');
  const id = await world.subscribe({ ...UPDATED, ordering: 'PER_NODE', retry: { maxTries: 1 } });
  await change('first', 'second');
  await world.work();
  await until('the second is delivered', async () => (await statesOf(id)).join() === 'FAILED,DELIVERED');
});

it('sends what waits when the order is given up, replaces what failed with LATEST_ONLY, and cancels it with the subscription', async () => {
  world.receiver.answer = (response) => void response.writeHead(500).end();
  const id = await oneWaits({ ordering: 'PER_NODE' });
  const { engine } = world.webhooks;
  await updateSubscription(engine, OWNER, id, { ordering: 'LATEST_ONLY' });
  await until('the second replaces the first', async () => (await statesOf(id)).join() === 'SKIPPED COALESCED,RETRYING');
  const [first, second] = await deliveriesOf(world.db.pool, id);
  const { findings } = (await whyNot(engine, OWNER, { subscriptionId: id, nodeId: null, since: null })) ?? { findings: [] };
  expect(findings.find(({ delivery }) => delivery?.id === first.id)).toMatchObject({
    code: 'REPLACED',
    reason: expect.stringContaining(second.id),
  });
  await updateSubscription(engine, OWNER, id, { ordering: 'PER_NODE' });
  await change('third');
  await until('the third waits', async () => (await statesOf(id)).join() === 'SKIPPED COALESCED,RETRYING,PENDING ORDER');
  await updateSubscription(engine, OWNER, id, { ordering: null });
  await until('the third is sent', async () => (await statesOf(id)).join() === 'SKIPPED COALESCED,RETRYING,RETRYING');
  await updateSubscription(engine, OWNER, id, { ordering: 'PER_NODE' });
  await change('fourth', 'fifth');
  await until('the fifth waits', async () => (await statesOf(id)).join() === 'SKIPPED COALESCED,RETRYING,RETRYING,RETRYING,PENDING ORDER');
  await deleteSubscription(engine, OWNER, id);
  await until('all are cancelled', async () => (await statesOf(id)).every((state) => /CANCELLED|COALESCED/.test(state)));
  await until('nothing is left of the order', async () => {
    const { rows } = await world.db.pool.query('SELECT count(*)::int AS count FROM hookgraph.ordered_deliveries');
    return rows[0].count === 0;
  });
});

it('LATEST_ONLY: a later change replaces those not accepted, each node ends with its last change', async () => {
  const { id, clashes, nodes } = await writeAndDeliver(3, 'LATEST_ONLY');
  for (const { events, got } of nodes) {
    expect(isAscending(got)).toBe(true);
    expect(got.at(-1)).toBe(events.at(-1));
  }
  expect(clashes).toEqual([]);
  const { rows } = await world.db.pool.query(
    `SELECT d.state, d.reason, count(*)::int AS count, bool_and(r.successor_id > d.id) AS replaced FROM hookgraph.deliveries d
     LEFT JOIN hookgraph.replaced_deliveries r ON r.delivery_id = d.id WHERE d.subscription_id = $1 GROUP BY 1, 2 ORDER BY 1`,
    [id],
  );
  expect(rows).toEqual([
    { state: 'DELIVERED', reason: null, count: expect.any(Number), replaced: null },
    { state: 'SKIPPED', reason: 'COALESCED', count: expect.any(Number), replaced: true },
  ]);
  expect(rows[0].count + rows[1].count).toBe(28);
  expect(await outOfStep(world.db.pool)).toEqual([]);
});
