// Tests what a replay sends: the body of the last request, today's templates over the stored payload, or a new payload.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { replayEvents, type SubscriptionInput, updateSubscription } from '../../../src/webhooks/index.js';
import { deliveriesOf, outOfStep } from '../../support/engine-rows.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../../support/engine-world.js';
import { until } from '../../support/until.js';

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterEach(async () => {
  expect(await outOfStep(world.db.pool)).toEqual([]);
  await world.clear();
});
afterAll(() => world.close());

const TEMPLATE = '{"name": {{ data.node.name | json }}, "event": {{ notification.eventId | json }}}';

/** Sends a notification about a thing, then changes the thing and the subscription's template. */
async function sentAndChanged(input: Partial<SubscriptionInput> = {}) {
  const id = await world.subscribe({ template: TEMPLATE, sharedSecret: 'first secret', ...input });
  await world.work();
  await world.insertThings('Ada');
  const [first] = await world.receiver.waitFor(1);
  await ended(id, 1);
  await world.db.pool.query(`UPDATE public.things SET name = 'Grace'`);
  const changed = { template: '{"who": {{ data.node.name | json }}}', sharedSecret: 'second secret' };
  const { problems } = await updateSubscription(world.webhooks.engine, OWNER, id, changed);
  expect(problems.filter(({ severity }) => severity !== 'warning')).toEqual([]);
  return { id, first: first as NonNullable<typeof first> };
}

const ended = (id: string, count: number) =>
  until('the deliveries end', async () => {
    const rows = await deliveriesOf(world.db.pool, id);
    return rows.length === count && rows.every(({ state }) => state === 'DELIVERED' || state === 'SKIPPED') ? rows : null;
  });

const replay = async (id: string, mode: 'SENT_BYTES' | 'STORED_PAYLOAD' | 'NEW_PAYLOAD', ids?: string[]) => {
  const deliveries = ids ? { ids, filter: {} } : null;
  const started = await replayEvents(world.webhooks.engine, OWNER, id, { from: null, to: null, includesDelivered: true, mode, deliveries });
  expect(started.problems).toEqual([]);
  expect(started.replay).toMatchObject({ mode });
};

it('repeats the bytes of before, signed with the key and the time of today', async () => {
  const { id, first } = await sentAndChanged();
  await replay(id, 'SENT_BYTES');
  const again = (await world.receiver.waitFor(2))[1];
  expect(again?.body).toBe(first.body);
  const differing = Object.keys({ ...first.headers, ...again?.headers }).filter((name) => first.headers[name] !== again?.headers[name]);
  expect(differing.sort()).toEqual(['x-scope-hmac-sha256', 'x-scope-replay', 'x-scope-time', 'x-scope-webhook-job-id']);
  expect([first.headers['x-scope-replay'], again?.headers['x-scope-replay']]).toEqual([undefined, 'SENT_BYTES']);
  await ended(id, 2);
  await replay(id, 'STORED_PAYLOAD');
  expect((await world.receiver.waitFor(3))[2]?.body, 'a repetition keeps the payload').toBe('{"who": "Ada"}');
});

it('renders the stored payload with the templates of today, and the query of today', async () => {
  const { id } = await sentAndChanged();
  await replay(id, 'STORED_PAYLOAD');
  const stored = (await world.receiver.waitFor(2))[1];
  expect([stored?.body, stored?.headers['x-scope-replay']]).toEqual(['{"who": "Ada"}', 'STORED_PAYLOAD']);
  await ended(id, 2);
  await replay(id, 'NEW_PAYLOAD');
  const anew = (await world.receiver.waitFor(3))[2];
  expect([anew?.body, anew?.headers['x-scope-replay']]).toEqual(['{"who": "Grace"}', 'NEW_PAYLOAD']);
});

it('reads the stored payload in a body that no template made, with all digits', async () => {
  const { id, first } = await sentAndChanged({ template: null });
  expect(first.body).toBe('{"data":{"node":{"name":"Ada"}}}');
  // Stores the attempt in the form of an earlier version.
  await world.db.pool.query(
    `UPDATE hookgraph.attempts SET exchange_id = NULL, request_url = 'https://x.example/', request_headers = '{}',
       request_body = '{"data":{"node":{"name":12345678901234567890.10}}}'`,
  );
  await replay(id, 'STORED_PAYLOAD');
  expect((await world.receiver.waitFor(2))[1]?.body).toBe('{"who": 12345678901234567890.10}');
});

it('sends nothing where not enough is stored, and says why', async () => {
  const forget = (table: string) => world.db.pool.query(`DELETE FROM hookgraph.${table}`);
  const reasonsOf = async (id: string, mode: 'SENT_BYTES' | 'STORED_PAYLOAD') => {
    const { length } = await deliveriesOf(world.db.pool, id);
    await replay(id, mode);
    await ended(id, length + 1);
    const made = `DELETE FROM hookgraph.deliveries WHERE kind = 'REPLAY' AND state = 'SKIPPED' AND attempt_count = 0 RETURNING reason`;
    return (await world.db.pool.query(made)).rows[0]?.reason;
  };
  const paths = (maskedPaths: string[], bodies = true) => ({ recording: { bodies, maskedPaths } });
  const first = await sentAndChanged(paths(['name']));
  expect(await reasonsOf(first.id, 'SENT_BYTES')).toBe('MASKED');
  expect(await reasonsOf(first.id, 'STORED_PAYLOAD')).toBe('MASKED');
  await forget('exchanges');
  expect(await reasonsOf(first.id, 'SENT_BYTES')).toBe('NOT_KEPT');
  await forget('attempts');
  expect(await reasonsOf(first.id, 'STORED_PAYLOAD')).toBe('NOT_KEPT');
  await world.db.pool.query(`UPDATE hookgraph.deliveries SET state = 'SKIPPED', attempt_count = 0`);
  expect(await reasonsOf(first.id, 'SENT_BYTES')).toBe('NEVER_SENT');
  await world.clear();
  expect(await reasonsOf((await sentAndChanged(paths([], false))).id, 'SENT_BYTES')).toBe('NOT_RECORDED');
  await world.clear();
  expect(await reasonsOf((await sentAndChanged(paths(['other']))).id, 'STORED_PAYLOAD')).toBe('NO_PAYLOAD');
  expect(world.receiver.requests).toHaveLength(1);
});

it('sends only the events of selected deliveries, each once, and reads no period', async () => {
  const id = await world.subscribe({ template: TEMPLATE });
  await world.work();
  await world.insertThings('Ada', 'Bob', 'Cy');
  await world.receiver.waitFor(3);
  const sent = await ended(id, 3);
  const chosen = sent.slice(1).map((row) => row.id as string);
  await replay(id, 'SENT_BYTES', [...chosen, '1']);
  await ended(id, 5);
  const eventOf = ({ headers }: (typeof world.receiver.requests)[number]) => headers['x-scope-event-id'];
  const before = world.receiver.requests.slice(0, 3).filter(({ headers }) => chosen.includes(headers['x-scope-webhook-job-id'] as string));
  expect(world.receiver.requests.slice(3).map(eventOf).sort()).toEqual(before.map(eventOf).sort());
  const { rows } = await world.db.pool.query('SELECT state, delivery_count AS count FROM hookgraph.replays');
  expect(rows).toEqual([{ state: 'DONE', count: 2 }]);
  const scope = { from: null, to: null, includesDelivered: false, deliveries: { ids: ['1'], filter: {} } };
  expect((await replayEvents(world.webhooks.engine, OWNER, id, scope)).problems).toMatchObject([
    { field: 'deliveries', type: 'NOT_FOUND' },
  ]);
});
