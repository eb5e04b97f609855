// Tests that the event in a template never holds a field that the host's resolvers refuse to the owner.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ShopWorld, startShopWorld } from '../support/shop-world.js';

let world: ShopWorld;
beforeAll(async () => {
  world = await startShopWorld();
});
afterEach(() => world.clear());
afterAll(() => world.close());

const sql = (text: string, values: unknown[] = []) => world.db.pool.query(text, values);
const bodies = async (count: number) => (await world.receiver.waitFor(count)).map(({ body }) => JSON.parse(body));
const EVENT = '{{ event | json }}';
const ROW = `(7, 1, 'Attic', 'old@example.org', '1', 'n', 'geheim', 5, 750727362669608961.10)`;
const insert = () => sql(`INSERT INTO spaces (space_id, shop_id, name, email, phone, notes, secret, owner_id, total) VALUES ${ROW}`);

const start = (template = EVENT) => world.subscribe({ topic: { key: 'space/updated' }, template });

describe('a field that refuses the owner', () => {
  it.each(['ERROR', 'NULL'] as const)('comes out of no event (%s)', async (how) => {
    await start();
    world.refused.set('phone', how);
    world.refused.set('owner', how);
    await insert();
    await sql(`UPDATE spaces SET phone = '2', name = 'Loft'`);
    await world.work();
    const [event] = await bodies(1);
    expect(Object.keys(event.before).sort()).toEqual(['email', 'id', 'name', 'notes', 'shopId', 'total']);
    expect(Object.keys(event.after).sort()).toEqual(['email', 'id', 'name', 'notes', 'shopId', 'total']);
  });

  it('that can not be null takes no other along', async () => {
    await start('{"e": {{ event.before.email | json }}, "n": {{ event.before.name | json }}}');
    world.refused.set('name', 'ERROR');
    await insert();
    await sql(`UPDATE spaces SET name = 'Loft'`);
    await world.work();
    expect(await bodies(1)).toEqual([{ e: 'old@example.org', n: null }]);
  });

  it('that was emptied: its old value is told only where a source can show the row as it was', async () => {
    for (const overlays of [true, false]) {
      await start('{"e": {{ event.before.email | json }}}');
      world.state.overlays = overlays;
      await insert();
      await sql('UPDATE spaces SET email = NULL');
      await world.work();
      expect(await bodies(1)).toEqual([{ e: overlays ? 'old@example.org' : null }]);
      await world.clear();
    }
  });

  it('by null is refused also where the source shows the row as it was', async () => {
    await start('{"e": {{ event.before.email | json }}}');
    world.state.overlays = true;
    world.refused.set('email', 'NULL');
    await insert();
    await sql('UPDATE spaces SET email = NULL');
    await world.work();
    expect(await bodies(1)).toEqual([{ e: null }]);
  });

  it('is a matter of whether the owner finds the node at all', async () => {
    await start('{"e": {{ event.before.email | json }}, "o": {{ event.operation | json }}}');
    world.state.hidden = 7;
    await insert();
    await sql(`UPDATE spaces SET email = 'new@example.org'`);
    await world.work();
    expect(await bodies(1)).toEqual([{ e: null, o: 'updated' }]);
  });

  it('does not exist for a host that says so: then nobody is asked', async () => {
    await world.close();
    world = await startShopWorld({ fieldRights: false });
    await start();
    world.refused.set('email', 'ERROR');
    await insert();
    await sql(`UPDATE spaces SET name = 'Loft'`);
    await world.work();
    expect((await bodies(1))[0].before.email).toBe('old@example.org');
    expect(world.asked).toEqual([]);
  });
});
