// Promise: changes whose related nodes can't be found are never lost and delay no other changes. They are retried with growing pauses, and
// logged once for the operator.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { unbalanced } from '../support/books.js';
import { collectLines } from '../support/log-lines.js';
import { DATA, type OrderShop, startOrderShop } from '../support/order-shop.js';
import { until } from '../support/until.js';

const FAILS = 'the nodes to which changed rows are related can’t be found; these changes wait, and are tried again with growing pauses';
const WORKS = 'the nodes to which changed rows are related are found again';

let shop: OrderShop;
const { log, lines, named } = collectLines('info');
beforeAll(async () => {
  shop = await startOrderShop({ log });
});
afterEach(async () => {
  await shop.quiet();
  expect(await unbalanced(shop.db.pool)).toEqual([]);
  await shop.clear();
  lines.length = 0;
});
afterAll(() => shop.close());

const sql = async (text: string) => (await shop.db.pool.query(text)).rows;
/** Returns the changes that wait for a later try. */
const waiting = () =>
  sql(`SELECT path, tries, extract(epoch FROM due_at - now())::float8 AS seconds FROM hookgraph.related_changes WHERE tries > 0`);
const tryAgain = () => sql('UPDATE hookgraph.related_changes SET due_at = now() WHERE due_at IS NOT NULL');
const sent = () => shop.receiver.requests.map(({ body }) => JSON.parse(body).node).sort();

/** Subscribes to orders and to items. Products are related to items directly, and to orders through items. */
async function subscribeToBoth(): Promise<void> {
  await shop.subscribe();
  const query = 'query ($id: Int!) { item(id: $id) { price product { name } } }';
  await shop.subscribe({ topic: { key: 'item/updated' }, query, template: '{"node": "item of {{ data.item.price }}"}' });
  await shop.sentAfter(DATA);
  shop.receiver.requests.length = 0;
}
const ITEMS = ['item of 10', 'item of 30', 'item of 90'];

it('wait while a table can’t be read, however often it is tried; others go on', async () => {
  await subscribeToBoth();
  await sql('ALTER TABLE orders RENAME COLUMN org TO organization');
  await sql(`UPDATE products SET name = 'pencil' WHERE id = 1`);
  await until('the items are sent', () => sent().length === ITEMS.length);
  for (let tries = 1; tries <= 8; tries++) {
    await until('the change was tried', async () => (await waiting())[0]?.tries >= tries);
    if (tries < 8) await tryAgain();
  }
  const [change, ...others] = await waiting();
  expect(others).toEqual([]);
  expect(change).toMatchObject({ path: 'Order.items.product', tries: 8 });
  expect(change?.seconds).toBeGreaterThan(100);
  expect(sent()).toEqual(ITEMS);
  expect(named(FAILS)).toEqual([expect.objectContaining({ path: 'Order.items.product', changes: 1 })]);
  await sql('ALTER TABLE orders RENAME COLUMN organization TO org');
  await tryAgain();
  await shop.quiet();
  expect(sent()).toEqual([...ITEMS, 'one', 'two']);
  expect(named(FAILS)).toHaveLength(1);
  expect(named(WORKS)).toHaveLength(1);
});

it('wait while a table is locked; others go on', async () => {
  await subscribeToBoth();
  const blocker = await shop.db.pool.connect();
  try {
    await blocker.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE');
    await sql(`UPDATE products SET name = 'pencil' WHERE id = 1`);
    await until('the items are sent', () => sent().length === ITEMS.length);
    await blocker.query('COMMIT');
  } finally {
    blocker.release(true);
  }
  await tryAgain();
  await shop.quiet();
  expect(sent()).toEqual([...ITEMS, 'one', 'two']);
});

it('wait alone, when one of many changes can’t be read', async () => {
  await shop.subscribe();
  await shop.sentAfter(`INSERT INTO orders SELECT i, 'a', 'order ' || i FROM generate_series(1, 40) i;
    INSERT INTO items SELECT i, 'a', i, NULL, 1, '' FROM generate_series(1, 40) i`);
  shop.receiver.requests.length = 0;
  const blocker = await shop.db.pool.connect();
  const OF = `typename = 'Item' AND node_key = '17' AND operation = 'updated'`;
  try {
    await blocker.query(`SELECT pg_advisory_lock(hashtextextended('hookgraph.related', 0))`);
    await sql('UPDATE items SET price = 2');
    await until('all is relayed', async () => (await sql('SELECT FROM hookgraph.related_changes')).length === 40);
    // Simulates that the column had another type when the event was recorded.
    await sql(`UPDATE hookgraph.events SET layout_id = NULL, before = '{"order_id": "x"}', after = '{"order_id": "x"}' WHERE ${OF}`);
  } finally {
    blocker.release(true);
  }
  await until('the others are sent', () => sent().length === 39);
  expect(sent()).not.toContain('order 17');
  expect(await waiting()).toEqual([expect.objectContaining({ path: 'Order.items' })]);
  expect(named(FAILS)).toEqual([expect.objectContaining({ changes: 1 })]);
  await sql(`UPDATE hookgraph.events SET before = '{"order_id": 17}', after = '{"order_id": 17}' WHERE ${OF}`);
  await tryAgain();
  await shop.quiet();
  expect(sent()).toContain('order 17');
});
