// Promise: with relatedChanges, a change of a related row that the query reads sends one update for each affected node of the organization.
import { buildSchema, parse } from 'graphql';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AnnouncedNode } from '../../src/webhooks/base/model.js';
import { relatedFields } from '../../src/webhooks/base/query/related-fields.js';
import { unbalanced } from '../support/books.js';
import { DATA, type OrderShop, QUERY, startOrderShop } from '../support/order-shop.js';
import { until } from '../support/until.js';

describe('the related fields of a query', () => {
  const schema = buildSchema(`
    type Order { id: ID! title: String items(first: Int): ItemConnection total: Int }
    type ItemConnection { nodes: [Item] }
    type Item { id: ID! price: Int product: Product }
    type Product { id: ID! name: String maker: Maker }
    type Maker { id: ID! name: String }
    type Query { order(id: ID!): Order }`);
  const announced = (typename: string, columns: string[], relations: [field: string, to: string, own: string, other: string][] = []) =>
    ({
      ...{ typename, key: ['id'], columns: Object.fromEntries(columns.map((column) => [column, column])) },
      relations: relations.map(([field, to, own, other]) => ({ field, typename: to, columns: [own], otherColumns: [other] })),
    }) as unknown as AnnouncedNode;
  const order = announced('Order', ['id', 'title'], [['items', 'Item', 'id', 'order_id']]);
  const nodes = [
    order,
    announced('Item', ['id', 'price', 'order_id'], [['product', 'Product', 'product_id', 'id']]),
    announced('Product', ['id', 'name'], [['maker', 'Maker', 'maker_id', 'id']]),
    announced('Maker', ['id', 'name']),
  ];
  const read = (fields: string) => [
    ...relatedFields(schema, { node: order, nodes, document: parse(`query ($id: ID!) { order(id: $id) ${fields}`) }),
  ];

  it('are those of up to two relations, through connections and fragments', () => {
    expect(read('{ title total } }')).toEqual([]);
    expect(read('{ items { nodes { price } } } }')).toEqual(['items', 'items.price']);
    expect(read('{ ...F } } fragment F on Order { items { nodes { product { name maker { name } } } } }')).toEqual([
      'items',
      'items.product',
      'items.product.name',
    ]);
  });
});

describe('deliveries', () => {
  let shop: OrderShop;
  beforeAll(async () => {
    shop = await startOrderShop();
  });
  afterEach(async () => {
    expect(await unbalanced(shop.db.pool)).toEqual([]);
    await shop.clear();
  });
  afterAll(() => shop.close());
  const subscribe = (input?: object) => shop.subscribe(input);
  const sentAfter = (sql: string) => shop.sentAfter(sql);
  const ask: OrderShop['ask'] = (query, variables) => shop.ask(query, variables);
  const of = (node: string, ...changed: string[]) => ({ node, changed, title: node });

  it('are one for each node and transaction, of what the query reads', async () => {
    await subscribe();
    // A new order is created, not updated.
    expect(await sentAfter(DATA)).toEqual([]);
    expect(await sentAfter('UPDATE items SET price = price + 1 WHERE id IN (1, 2)')).toEqual([of('one', 'items.price')]);
    expect(await sentAfter(`UPDATE items SET note = 'x'`)).toEqual([]);
    expect(await sentAfter('UPDATE items SET order_id = 2 WHERE id = 1')).toEqual([of('one', 'items'), of('two', 'items')]);
    expect(await sentAfter('DELETE FROM items WHERE id = 2')).toEqual([of('one', 'items')]);
    expect(await sentAfter(`INSERT INTO items VALUES (4, 'a', 1, 1, 1, '')`)).toEqual([of('one', 'items')]);
    expect(await sentAfter('UPDATE items SET product_id = 2 WHERE id = 4')).toEqual([of('one', 'items.product')]);
    // The product leads to items of both organizations, but only to the order of the own organization.
    expect(await sentAfter(`UPDATE products SET name = 'pencil' WHERE id = 1; UPDATE items SET price = 0 WHERE id = 3`)).toEqual([
      of('two', 'items.price', 'items.product.name'),
    ]);
    expect(await sentAfter(`UPDATE orders SET title = '1' WHERE id = 1`)).toEqual([of('1', 'title')]);
    const { data } = await ask(
      `{ webhookEvents(first: 50) { nodes { nodeType changedFields } } webhookChanges(first: 50) { nodes { nodeType } } }`,
    );
    expect(data.webhookEvents.nodes).toContainEqual({ nodeType: 'Order', changedFields: ['items.price', 'items.product.name'] });
  });

  it('are one for many rows of a transaction, larger than a batch of the relay', async () => {
    await subscribe();
    await sentAfter(DATA);
    const many = `INSERT INTO items SELECT 100 + i, 'a', 1, 1, i, '' FROM generate_series(1, 3000) i`;
    expect(await sentAfter(many)).toEqual([of('one', 'items')]);
  });

  it('are for subscriptions with the option alone, also of those that skip what is unread; why-not says so', async () => {
    const plain = await subscribe({ relatedChanges: false });
    await subscribe({ skipUnread: true, template: null, query: 'query ($id: Int!) { order(id: $id) { items { price } } }' });
    await subscribe({ query: 'query ($id: Int!) { order(id: $id) { items { product { name } } } }', template: null });
    await sentAfter(DATA);
    const sent = (await sentAfter('UPDATE items SET price = 5 WHERE id = 3')) as unknown[];
    expect(sent).toEqual([{ data: { order: { items: [{ price: 5 }] } } }]);
    const { data } = await ask('query ($id: ID!) { whyNot: webhookWhyNot(webhookSubscriptionId: $id) { findings { code } } }', {
      id: plain.id,
    });
    expect(data.whyNot.findings[0]).toEqual({ code: 'OTHER_RELATED_CHANGE' });
  });

  it('queue nothing while no subscription has the option', async () => {
    await subscribe({ relatedChanges: false });
    const blocker = await shop.db.pool.connect();
    try {
      // Blocks the step that takes queued changes, so that a queued change would stay.
      await blocker.query(`SELECT pg_advisory_lock(hashtextextended('hookgraph.related', 0))`);
      await shop.db.pool.query(DATA);
      const captured = 'SELECT 1 FROM hookgraph.captures';
      await until('all is relayed', async () => (await shop.db.pool.query(captured)).rowCount === 0);
      expect((await shop.db.pool.query('SELECT 1 FROM hookgraph.related_changes')).rowCount).toBe(0);
    } finally {
      blocker.release(true);
    }
  });

  it('skip a node that the query can’t find as the owner', async () => {
    await subscribe({
      query: QUERY.replace('$id) {', '$id) @include(if: false) {').replace('{ order', '{ nothing: order(id: 0) { title } order'),
      template: null,
    });
    await sentAfter(DATA);
    expect(await sentAfter('UPDATE items SET price = 7 WHERE id = 1')).toEqual([]);
    const { rows } = await shop.db.pool.query(`SELECT state FROM hookgraph.deliveries ORDER BY id DESC LIMIT 1`);
    expect(rows).toEqual([{ state: 'SKIPPED' }]);
  });

  it('carry the context of the writer, by which loops are noticed', async () => {
    await subscribe({ template: '{"node": {{ data.order.title | json }}, "actor": {{ event.actor | json }}}' });
    await sentAfter(DATA);
    const actor = { userId: 'user of a' };
    const write = `BEGIN; SET LOCAL hookgraph.context = '${JSON.stringify({ actor })}'; UPDATE items SET price = 8 WHERE id = 1; COMMIT`;
    expect(await sentAfter(write)).toEqual([{ node: 'one', actor }]);
  });

  it('reach at most 1,000 nodes of a change', async () => {
    // Disables the subscription, so that its deliveries are only created as skipped.
    await subscribe({ query: 'query ($id: Int!) { order(id: $id) { items { product { name } } } }', template: null, disabled: true });
    await sentAfter(`INSERT INTO products VALUES (3, 'a', 'clip'); INSERT INTO orders SELECT i, 'a', i FROM generate_series(1000, 2009) i;
      INSERT INTO items SELECT i, 'a', i, 3, 1, '' FROM generate_series(1000, 2009) i`);
    await sentAfter(`UPDATE products SET name = 'clips' WHERE id = 3`);
    const { rows } = await shop.db.pool.query(`SELECT count(DISTINCT node_key)::int AS count FROM hookgraph.events
      WHERE fold = 'RELATED' AND changed = '{items.product.name}' AND node_key::int >= 1000`);
    expect(rows).toEqual([{ count: 1_000 }]);
  });

  it('are refused where no related row is known', async () => {
    const refused = async (input: object) => (await subscribe(input)).errors.map(({ field, message }) => `${field} ${message}`);
    expect(await refused({ query: 'query ($id: Int!) { order(id: $id) { title } }', template: null })).toEqual([
      expect.stringMatching(/^relatedChanges finds no related row: .*; its relations are items$/),
    ]);
    expect(await refused({ topic: { key: 'order/created' } })).toEqual([
      expect.stringContaining("relatedChanges can't be used with order/created"),
    ]);
    expect(await refused({ query: null, template: null })).toEqual([expect.stringContaining('relatedChanges needs a query')]);
  });
});
