// Promise: with relatedChanges, a change of a related row that the query reads is sent as one update of each node of the organization.
import { randomBytes } from 'node:crypto';
import { buildSchema, parse } from 'graphql';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createHookgraph, type Hookgraph } from '../../src/index.js';
import { createPlainLog } from '../../src/runtime/plain-log.js';
import type { AnnouncedNode } from '../../src/webhooks/base/model.js';
import { relatedFields } from '../../src/webhooks/base/query/related-fields.js';
import type { Worker } from '../../src/worker/index.js';
import { unbalanced } from '../support/books.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
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

const SHOP = `
  CREATE TABLE products (id int PRIMARY KEY, org text, name text);
  CREATE TABLE orders (id int PRIMARY KEY, org text, title text);
  CREATE TABLE items (id int PRIMARY KEY, org text, order_id int REFERENCES orders (id), product_id int REFERENCES products (id),
    price int, note text);`;
const QUERY = 'query ($id: Int!) { order(id: $id) { title items { price product { name } } } }';
const TEMPLATE = '{"node": {{ data.order.title | json }}, "changed": {{ event.changed | json }}, "title": {{ event.after.title | json }}}';

describe('deliveries', () => {
  let db: TestDatabase;
  let receiver: Receiver;
  let hooks: Hookgraph;
  let working: Worker;
  beforeAll(async () => {
    [db, receiver] = await Promise.all([testDatabase({ empty: true }), startReceiver()]);
    await db.pool.query(SHOP);
    hooks = createHookgraph<{ org: string }>({
      database: db.url,
      keys: [randomBytes(32)],
      tables: { defaults: { tenant: 'org' }, Order: {}, Item: {}, Product: {} },
      signIn: async ({ tenant }) => ({ org: tenant }),
      context: (request) => ({ org: request.headers.get('x-org') ?? 'a' }),
      actor: ({ org }) => ({ tenant: org, userId: `user of ${org}`, canManageWebhooks: true }),
      settings: { allowedNetworks: ['127.0.0.0/8'] },
      log: createPlainLog('error'),
    });
    await hooks.migrate();
    working = await hooks.work();
  });
  afterEach(async () => {
    expect(await unbalanced(db.pool)).toEqual([]);
    await ask('{ webhookSubscriptions { nodes { id } } }').then(({ data }) =>
      Promise.all(
        data.webhookSubscriptions.nodes.map(({ id }: { id: string }) =>
          ask(`mutation { deleteWebhookSubscription(webhookSubscription: { id: "${id}" }) { errors { message } } }`),
        ),
      ),
    );
    await db.pool.query('DELETE FROM items; DELETE FROM orders; DELETE FROM products');
    await quiet();
    receiver.requests.length = 0;
  });
  afterAll(async () => {
    await working.stop();
    await hooks.close();
    await Promise.all([receiver.close(), db.close()]);
  });

  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of the answer that it queries
  async function ask(query: string, variables: object = {}): Promise<any> {
    const body = JSON.stringify({ query, variables });
    const request = new Request('http://localhost/', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    return (await hooks.handler(request)).json();
  }

  async function subscribe(input: object = {}): Promise<{ id: string; errors: { field: string; message: string }[] }> {
    const { data, errors: faults } = await ask(
      'mutation ($input: WebhookSubscriptionInput!) { saved: createWebhookSubscription(webhookSubscription: $input) { errors { field message } webhookSubscription { id } } }',
      {
        input: {
          topic: { key: 'order/updated' },
          ...{ callbackUrl: receiver.url, query: QUERY, template: TEMPLATE, relatedChanges: true },
          ...input,
        },
      },
    );
    if (faults) throw new Error(JSON.stringify(faults));
    return { id: data.saved.webhookSubscription?.id, errors: data.saved.errors };
  }

  /** Resolves when each recorded change is relayed, its related nodes are found, and each delivery has ended. */
  async function quiet(): Promise<void> {
    const left = `SELECT 1 FROM hookgraph.captures UNION ALL SELECT 1 FROM hookgraph.related_changes UNION ALL
      SELECT 1 FROM hookgraph.event_queue UNION ALL SELECT 1 FROM hookgraph.open_deliveries LIMIT 1`;
    await until('nothing is under way', async () => (await db.pool.query(left)).rowCount === 0, { timeoutMs: 30_000 });
  }

  /** Runs one transaction, and returns what was sent since the last call. */
  async function sentAfter(sql: string): Promise<{ node: string; changed: string[]; title: string }[]> {
    receiver.requests.length = 0;
    await db.pool.query(sql);
    await quiet();
    const sent = receiver.requests.map(({ body }) => JSON.parse(body));
    return sent.sort((one, other) => (one.node < other.node ? -1 : 1));
  }
  const of = (node: string, ...changed: string[]) => ({ node, changed, title: node });

  const DATA = `INSERT INTO products VALUES (1, 'a', 'pen'), (2, 'a', 'ink'), (9, 'b', 'cup');
    INSERT INTO orders VALUES (1, 'a', 'one'), (2, 'a', 'two'), (9, 'b', 'nine');
    INSERT INTO items VALUES (1, 'a', 1, 1, 10, ''), (2, 'a', 1, 2, 20, ''), (3, 'a', 2, 1, 30, ''), (9, 'a', 9, 1, 90, '')`;

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
    // The product leads to items of both organizations, and only to the own order.
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
    const blocker = await db.pool.connect();
    try {
      // Whatever the relay queued would stay, because the step can't take it.
      await blocker.query(`SELECT pg_advisory_lock(hashtextextended('hookgraph.related', 0))`);
      await db.pool.query(DATA);
      const captured = 'SELECT 1 FROM hookgraph.captures';
      await until('all is relayed', async () => (await db.pool.query(captured)).rowCount === 0);
      expect((await db.pool.query('SELECT 1 FROM hookgraph.related_changes')).rowCount).toBe(0);
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
    const { rows } = await db.pool.query(`SELECT state FROM hookgraph.deliveries ORDER BY id DESC LIMIT 1`);
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
    // A disabled subscription gets deliveries that are skipped.
    await subscribe({ query: 'query ($id: Int!) { order(id: $id) { items { product { name } } } }', template: null, disabled: true });
    await sentAfter(`INSERT INTO products VALUES (3, 'a', 'clip'); INSERT INTO orders SELECT i, 'a', i FROM generate_series(1000, 2009) i;
      INSERT INTO items SELECT i, 'a', i, 3, 1, '' FROM generate_series(1000, 2009) i`);
    await sentAfter(`UPDATE products SET name = 'clips' WHERE id = 3`);
    const { rows } = await db.pool.query(`SELECT count(DISTINCT node_key)::int AS count FROM hookgraph.events
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
