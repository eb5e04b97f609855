// Promise: a receiver that answers each notification with a write to the same node slows that node's notifications down, and no others.
import { afterEach, expect, it, vi } from 'vitest';
import { whyNot } from '../../src/webhooks/index.js';
import { ROUNDS } from '../../src/webhooks/verdict/feedback-loops.js';
import { deliveriesOf } from '../support/engine-rows.js';
import { KEEPER, type ShopWorld, startShopWorld } from '../support/shop-world.js';
import { until } from '../support/until.js';

let world: ShopWorld;
afterEach(() => world.close());

/** Starts a receiver that answers each notification about space 1 by changing the space as this user. */
async function startWritingBack(userId: string): Promise<string> {
  world = await startShopWorld();
  const id = await world.subscribe({ topic: { key: 'space/updated' }, template: '{"key": "{{ event.after.id }}"}' });
  await world.db.pool.query(`INSERT INTO spaces (space_id, shop_id) VALUES (1, 1), (2, 1)`);
  world.receiver.answer = (response, { body }) => {
    response.end();
    if (JSON.parse(body).key === '1') void change(1, userId).catch(() => {});
  };
  await world.work();
  await change(1, userId);
  return id;
}

const change = (space: number, userId: string) =>
  world.db.pool.query(
    `WITH who AS MATERIALIZED (SELECT set_config('hookgraph.context', $2, true))
     UPDATE spaces SET name = gen_random_uuid() FROM who WHERE space_id = $1`,
    [space, JSON.stringify({ actor: { userId } })],
  );

const about = (key: string) => world.receiver.requests.filter(({ body }) => JSON.parse(body).key === key).length;

it('by the owner: the node waits, and says why; other nodes do not', async () => {
  const id = await startWritingBack(KEEPER.userId);
  const warn = vi.spyOn(world.webhooks.engine.log, 'warn');
  const slowed = await until('a delivery waits', async () =>
    (await deliveriesOf(world.db.pool, id)).find(({ reason }) => reason === 'LOOP'),
  );
  expect(slowed).toMatchObject({ state: 'PENDING', attemptCount: 0 });
  expect(about('1')).toBeGreaterThanOrEqual(ROUNDS);
  const asked = { subscriptionId: id, nodeId: world.host.toGlobalId('Space', '1'), since: null };
  const codeNow = async () => (await whyNot(world.webhooks.engine, KEEPER, asked))?.findings[0]?.code;
  await until('it says why', async () => (await codeNow()) === 'IN_A_LOOP');
  await change(2, KEEPER.userId);
  await until('the other node is told', () => about('2') === 1);
  // The loop continues, but slowly, and one warning is logged for the operator.
  await until('it goes on', () => about('1') > ROUNDS + 1);
  const lines = (warn.mock.calls as unknown[][]).filter(([, message]) => /cause the next$/.test(String(message)));
  expect(lines).toEqual([[expect.objectContaining({ rule: 'LOOP', subscriptionId: id, nodeKey: '1' }), expect.any(String)]]);
});

it('through another organization, whose receiver writes back: both wait', async () => {
  world = await startShopWorld();
  const neighbour = { ...KEEPER, tenant: '2', userId: 'neighbour' };
  const input = { topic: { key: 'space/updated' }, template: '{"key": "{{ event.after.id }}"}' };
  const ids = [await world.subscribe(input), await world.subscribe(input, neighbour)];
  await world.db.pool.query(`INSERT INTO spaces (space_id, shop_id) VALUES (1, 1), (2, 2)`);
  // Each receiver changes the other organization's node, as the user of that organization whose token it has.
  world.receiver.answer = (response, { body }) => {
    response.end();
    void (JSON.parse(body).key === '1' ? change(2, neighbour.userId) : change(1, KEEPER.userId)).catch(() => {});
  };
  await world.work();
  await change(1, KEEPER.userId);
  await until('a delivery of either waits', async () => {
    const waiting = await Promise.all(ids.map((id) => deliveriesOf(world.db.pool, id)));
    return waiting.flat().some(({ reason }) => reason === 'LOOP');
  });
  await until('it goes on', () => about('1') + about('2') > 2 * ROUNDS + 2);
});

it('by somebody else: it is not taken for one', async () => {
  const id = await startWritingBack('a stranger');
  await until('many rounds are told', () => about('1') > 2 * ROUNDS + 2);
  expect((await deliveriesOf(world.db.pool, id)).filter(({ reason }) => reason === 'LOOP')).toEqual([]);
});
