// Tests a schema without node(id:): stored queries use the host's own root fields and the types that these declare.
import { afterEach, describe, expect, it } from 'vitest';
import { previewSubscription, testSubscription, whyNot } from '../../src/webhooks/index.js';
import { deliveriesOf } from '../support/engine-rows.js';
import { KEEPER, type ShopWorld, startShopWorld } from '../support/shop-world.js';
import { until } from '../support/until.js';

let world: ShopWorld;
afterEach(() => world.close());

const sql = (text: string, values: unknown[] = []) => world.db.pool.query(text, values);
const bodies = async (count: number) => (await world.receiver.waitFor(count)).map(({ body }) => body);
const only = async (id: string) => (await deliveriesOf(world.db.pool, id))[0];
const ended = (id: string) =>
  until('the delivery has come to rest', async () => {
    const delivery = await only(id);
    return delivery && delivery.state !== 'PENDING' ? delivery : undefined;
  });
const lastAttempt = async () => (await sql('SELECT outcome, stage, message FROM hookgraph.attempts ORDER BY id DESC LIMIT 1')).rows[0];
const BY_ID = 'query ($id: Int!) { space(id: $id) { id name } }';

describe('a stored query', () => {
  it('is handed the key by its own names and in the declared types: one part, several, a scalar that takes numbers alone', async () => {
    world = await startShopWorld();
    await world.subscribe({ topic: { key: 'space/created' }, query: BY_ID });
    await world.subscribe({
      topic: { key: 'space/created' },
      query: 'query ($nodeId: ID!, $key: Serial!) { spaceBySerial(serial: $key) { id } }',
    });
    await world.subscribe({
      topic: { key: 'booking_slot/created' },
      query: 'query ($bookingId: Int!, $slotId: Int!) { bookingSlot(bookingId: $bookingId, slotId: $slotId) { seat } }',
    });
    await world.work();
    await sql(`INSERT INTO spaces (space_id, shop_id, name) VALUES (7, 1, 'Attic')`);
    await sql(`INSERT INTO booking_slots VALUES (3, 4, 1, 'window')`);
    expect((await bodies(3)).sort()).toEqual([
      '{"data":{"bookingSlot":{"seat":"window"}}}',
      '{"data":{"space":{"id":7,"name":"Attic"}}}',
      '{"data":{"spaceBySerial":{"id":7}}}',
    ]);
  });

  it('is held with GraphQL’s own words where the key is no value of the declared type', async () => {
    world = await startShopWorld();
    const id = await world.subscribe({ topic: { key: 'space/created' }, query: BY_ID });
    await world.work();
    await sql('INSERT INTO spaces (space_id, shop_id) VALUES (750727362669608961, 1)');
    expect(await ended(id)).toMatchObject({ state: 'HELD', reason: 'NODE' });
    // The key is passed as text; a rounded number would have found another row.
    expect(await lastAttempt()).toMatchObject({ stage: 'QUERY', message: expect.stringContaining('"750727362669608961"') });
  });

  it('is refused when it is saved with what is supplied for its topic', async () => {
    world = await startShopWorld();
    const query = 'query ($slug: String!) { shopName }';
    await expect(world.subscribe({ topic: { key: 'booking_slot/created' }, query })).rejects.toThrow(
      'for booking_slot/created it supplies $nodeId: ID!, $nodeType: String and, with the type that the query declares, $bookingId, $slotId',
    );
  });
});

describe('tests and previews', () => {
  it('take the newest node that the owner finds by the finder, and try the query on it', async () => {
    world = await startShopWorld();
    await sql(`INSERT INTO spaces (space_id, shop_id, name) VALUES (1, 1, 'one'), (2, 1, 'two'), (3, 1, 'three'), (9, 2, 'of others')`);
    const id = await world.subscribe({ topic: { key: 'space/created' }, query: BY_ID });
    world.state.hidden = 3;
    const { report } = await testSubscription(world.webhooks.engine, KEEPER, id);
    expect(report).toMatchObject({ nodeKey: '2', outcome: 'DELIVERED', request: { body: '{"data":{"space":{"id":2,"name":"two"}}}' } });
    const preview = (nodeId: string) => previewSubscription(world.webhooks.engine, KEEPER, { id, input: {}, nodeId });
    expect((await preview('Space:1')).report).toMatchObject({ nodeKey: '1', outcome: 'READY' });
    for (const nobodys of ['Space:3', 'Space:99', 'Space:x'])
      expect((await preview(nobodys)).problems, nobodys).toMatchObject([
        { field: 'nodeId', message: 'does not exist, or you may not read it' },
      ]);
  });

  it('of several key parts', async () => {
    world = await startShopWorld();
    await sql(`INSERT INTO booking_slots VALUES (1, 1, 1, 'aisle'), (1, 2, 1, 'window')`);
    const id = await world.subscribe({ topic: { key: 'booking_slot/created' } });
    const { report } = await testSubscription(world.webhooks.engine, KEEPER, id);
    expect(report).toMatchObject({
      nodeKey: '["1","2"]',
      outcome: 'DELIVERED',
      request: { body: '{"data":{"id":"BookingSlot:[\\"1\\",\\"2\\"]"}}' },
    });
    const preview = await previewSubscription(world.webhooks.engine, KEEPER, { id, input: {}, nodeId: 'BookingSlot:["1"]' });
    expect(preview.problems).toMatchObject([{ message: 'does not exist, or you may not read it' }]);
  });

  it('through a finder that answers a list', async () => {
    world = await startShopWorld({ find: { Space: 'spaces(ids: [$id])' } });
    await sql(`INSERT INTO spaces (space_id, shop_id, name) VALUES (1, 1, 'one'), (2, 1, 'two')`);
    world.state.hidden = 2;
    const id = await world.subscribe({ topic: { key: 'space/created' }, query: null });
    expect((await testSubscription(world.webhooks.engine, KEEPER, id)).report).toMatchObject({ nodeKey: '1', outcome: 'DELIVERED' });
  });

  it('without any finder take the newest of the tenant, and no given one of another', async () => {
    world = await startShopWorld({ find: {} });
    await sql(`INSERT INTO spaces (space_id, shop_id, name) VALUES (1, 1, 'one'), (2, 2, 'of others')`);
    const id = await world.subscribe({ topic: { key: 'space/created' }, query: null });
    expect((await testSubscription(world.webhooks.engine, KEEPER, id)).report).toMatchObject({ nodeKey: '1', outcome: 'DELIVERED' });
    const preview = (nodeId: string) => previewSubscription(world.webhooks.engine, KEEPER, { id, input: {}, nodeId });
    expect((await preview('Space:1')).report).toMatchObject({ outcome: 'READY' });
    expect((await preview('Space:2')).problems).toMatchObject([{ message: 'does not exist, or you may not read it' }]);
  });
});

describe('a node that is gone', () => {
  it('is answered from what the event saw, where the root field recalls', async () => {
    world = await startShopWorld();
    await sql(`INSERT INTO spaces (space_id, shop_id, name) VALUES (7, 1, 'Attic'); INSERT INTO booking_slots VALUES (3, 4, 1, 'window')`);
    await world.subscribe({ topic: { key: 'space/deleted' }, query: BY_ID });
    await world.subscribe({
      topic: { key: 'booking_slot/deleted' },
      query: 'query ($bookingId: Int!, $slotId: Int!) { bookingSlot(bookingId: $bookingId, slotId: $slotId) { seat } }',
    });
    await sql('DELETE FROM spaces; DELETE FROM booking_slots');
    await world.work();
    expect((await bodies(2)).sort()).toEqual(['{"data":{"bookingSlot":{"seat":"window"}}}', '{"data":{"space":{"id":7,"name":"Attic"}}}']);
  });

  it.each([
    ['one field', BY_ID],
    ['through a fragment, beside __typename', 'query ($id: Int!) { __typename ...F } fragment F on Query { it: space(id: $id) { name } }'],
    ['a list', 'query ($id: Int!) { spaces(ids: [$id]) { name } }'],
  ])('is never told as null: held with a hint that names recall (%s)', async (_, query) => {
    world = await startShopWorld();
    world.state.recalls = false;
    await sql(`INSERT INTO spaces (space_id, shop_id, name) VALUES (7, 1, 'Attic')`);
    const id = await world.subscribe({ topic: { key: 'space/deleted' }, query });
    await sql('DELETE FROM spaces');
    await world.work();
    expect(await ended(id)).toMatchObject({ state: 'HELD', reason: 'NODE' });
    expect(await lastAttempt()).toMatchObject({
      outcome: 'HELD',
      stage: 'QUERY',
      message: expect.stringContaining('recall(context, typename, key)'),
    });
    expect(world.receiver.requests).toEqual([]);
    const why = await whyNot(world.webhooks.engine, KEEPER, { subscriptionId: id, nodeId: null, since: null });
    expect(why?.findings[0]?.reason).toContain('recall(');
    // A test doesn't find the node either, and says why.
    const { problems } = await testSubscription(world.webhooks.engine, KEEPER, id);
    expect(problems).toMatchObject([{ message: expect.stringContaining('recall(context, typename, key)') }]);
  });

  it('is told where another root field has an answer, and where a field is merely refused', async () => {
    world = await startShopWorld();
    world.state.recalls = false;
    await sql(`INSERT INTO spaces (space_id, shop_id, name) VALUES (7, 1, 'Attic')`);
    await world.subscribe({ topic: { key: 'space/deleted' }, query: 'query ($id: Int!) { shopName space(id: $id) { name } }' });
    await sql('DELETE FROM spaces');
    await world.work();
    expect(await bodies(1)).toEqual(['{"data":{"shopName":"Corner shop","space":null}}']);
  });

  it('meanwhile, of a creation and a change, is what the event saw with recall, and null without', async () => {
    for (const recalls of [true, false]) {
      world = await startShopWorld();
      world.state.recalls = recalls;
      await world.subscribe({ topic: { key: 'space/created' }, query: BY_ID });
      await world.subscribe({ topic: { key: 'space/updated' }, query: BY_ID });
      await sql(`INSERT INTO spaces (space_id, shop_id, name) VALUES (7, 1, 'Attic')`);
      await sql(`UPDATE spaces SET name = 'Loft'`);
      await sql('DELETE FROM spaces');
      await world.work();
      expect((await bodies(2)).sort()).toEqual(
        recalls
          ? ['{"data":{"space":{"id":7,"name":"Attic"}}}', '{"data":{"space":{"id":7,"name":"Loft"}}}']
          : ['{"data":{"space":null}}', '{"data":{"space":null}}'],
      );
      if (recalls) await world.close();
    }
  });
});
