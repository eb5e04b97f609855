// Tests the default payload without a query: the node's id or, if the host chooses so, its row without fields that the owner may not read.
import { afterEach, describe, expect, it } from 'vitest';
import { type ShopWorld, startShopWorld } from '../support/shop-world.js';

let world: ShopWorld;
afterEach(() => world.close());

const sql = (text: string, values: unknown[] = []) => world.db.pool.query(text, values);
const bodies = async (count: number) => (await world.receiver.waitFor(count)).map(({ body }) => JSON.parse(body));
const insert = () =>
  sql(`INSERT INTO spaces (space_id, shop_id, name, email, phone, notes, secret, owner_id, total)
       VALUES (7, 1, 'Attic', 'old@example.org', '1', 'n', 'geheim', 5, 750727362669608961.10)`);

describe('the default payload', () => {
  it('is the id alone without a URL of the product', async () => {
    world = await startShopWorld();
    await world.subscribe({ topic: { key: 'space/created' } });
    await insert();
    await world.work();
    expect(await bodies(1)).toEqual([{ data: { id: 'Space:7' } }]);
  });

  it('is the row of a host that says so, by field names, with its digits, without what the owner may not read', async () => {
    world = await startShopWorld({ defaultPayload: 'ROW' });
    world.refused.set('phone', 'ERROR');
    await world.subscribe({ topic: { key: 'space/created' } });
    await world.subscribe({ topic: { key: 'space/deleted' }, contentType: 'XML' });
    await world.subscribe({ topic: { key: 'space/created' }, template: '{"{{ data.name }}": {{ data.total | json }}}' });
    await insert();
    await world.work();
    await world.receiver.waitFor(2);
    await sql('DELETE FROM spaces');
    const sent = (await world.receiver.waitFor(3)).map(({ body }) => body);
    expect(sent.slice(0, 2).sort()).toEqual([
      '{"Attic": 750727362669608961.10}',
      '{"data":{"id":7,"shopId":1,"name":"Attic","email":"old@example.org","notes":"n","owner":5,"total":750727362669608961.10}}',
    ]);
    expect(sent[2]).toContain('<total>750727362669608961.10</total>');
    expect(sent[2]).not.toContain('phone');
  });
});
