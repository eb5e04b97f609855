// Promise: if receivers answer notifications about related rows by writing these rows, the loop is noticed and slowed down.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ROUNDS } from '../../src/webhooks/verdict/feedback-loops.js';
import { MANY } from '../../src/webhooks/verdict/overlapping-loops.js';
import { collectLines } from '../support/log-lines.js';
import { DATA, type OrderShop, startOrderShop } from '../support/order-shop.js';
import { until } from '../support/until.js';

const LOOPING = "notifications slowed by a rule: the owner's writes to the node answer them, and cause the next";

let shop: OrderShop;
const { log, lines, named } = collectLines('warn');
beforeEach(async () => {
  shop = await startOrderShop({ log });
  lines.length = 0;
});
afterEach(() => shop.close());

/** Writes as the subscriptions' owner, whose token the receivers have. */
const write = (sql: string) =>
  shop.db.pool.query(
    `WITH who AS MATERIALIZED (SELECT set_config('hookgraph.context', '{"actor": {"userId": "user of a"}}', true)) ${sql}`,
  );
const WRITE = {
  order: 'UPDATE orders SET title = gen_random_uuid() FROM who WHERE id = 1',
  item: 'UPDATE items SET price = price + 1 FROM who WHERE id = 1',
};

/** Makes the receiver answer each notification with the write that the path of the request names. */
function answerByWrites(): void {
  shop.receiver.answer = (response, { path }) => {
    response.end();
    void write(path === '/order' ? WRITE.order : WRITE.item).catch(() => {});
  };
}

const waits = async () => (await shop.db.pool.query(`SELECT FROM hookgraph.deliveries WHERE reason = 'LOOP'`)).rowCount ?? 0;

it('one receiver, that writes an item of the order', async () => {
  await shop.subscribe({ callbackUrl: `${shop.receiver.url}/item` });
  await shop.sentAfter(DATA);
  answerByWrites();
  await write(WRITE.item);
  await until('a delivery waits', async () => (await waits()) > 0);
  expect(shop.receiver.requests.length).toBeGreaterThanOrEqual(ROUNDS);
  expect(named(LOOPING)).toEqual([expect.objectContaining({ rule: 'LOOP', typename: 'Order', nodeKey: '1' })]);
});

it('two receivers, whose writes change what the other one reads: each write is two notifications', async () => {
  await shop.subscribe({ callbackUrl: `${shop.receiver.url}/order` });
  const query = 'query ($id: Int!) { item(id: $id) { price order { title } } }';
  await shop.subscribe({ topic: { key: 'item/updated' }, query, template: null, callbackUrl: `${shop.receiver.url}/item` });
  await shop.sentAfter(DATA);
  answerByWrites();
  await write(WRITE.item);
  await until('deliveries wait', async () => (await waits()) > 0);
  const before = shop.receiver.requests.length;
  const longPauses = `SELECT FROM hookgraph.deliveries WHERE reason = 'LOOP' AND due_at > updated_at + interval '15 seconds'`;
  await until('the pauses have grown', async () => (await shop.db.pool.query(longPauses)).rowCount);
  // Without a brake, the number of requests doubles again and again.
  expect(shop.receiver.requests.length - before).toBeLessThan(MANY);
  expect(named(LOOPING)).toEqual([expect.objectContaining({ rule: 'LOOP', nodeKey: '1' })]);
});
