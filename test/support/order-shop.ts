// Starts an application with orders, items and products in plain tables, whose worker and API run in this process.
import { randomBytes } from 'node:crypto';
import { createHookgraph, type Hookgraph } from '../../src/index.js';
import type { Logger } from '../../src/runtime/logger.js';
import { createPlainLog } from '../../src/runtime/plain-log.js';
import { type TestDatabase, testDatabase } from './database.js';
import { type Receiver, startReceiver } from './receiver.js';
import { until } from './until.js';

const SHOP = `
  CREATE TABLE products (id int PRIMARY KEY, org text, name text);
  CREATE TABLE orders (id int PRIMARY KEY, org text, title text);
  CREATE TABLE items (id int PRIMARY KEY, org text, order_id int REFERENCES orders (id), product_id int REFERENCES products (id),
    price int, note text);`;
/** Rows of two organizations; an item of `a` points to an order of `b`, and to a product of `a`. */
export const DATA = `INSERT INTO products VALUES (1, 'a', 'pen'), (2, 'a', 'ink'), (9, 'b', 'cup');
  INSERT INTO orders VALUES (1, 'a', 'one'), (2, 'a', 'two'), (9, 'b', 'nine');
  INSERT INTO items VALUES (1, 'a', 1, 1, 10, ''), (2, 'a', 1, 2, 20, ''), (3, 'a', 2, 1, 30, ''), (9, 'a', 9, 1, 90, '')`;
export const QUERY = 'query ($id: Int!) { order(id: $id) { title items { price product { name } } } }';
const TEMPLATE = '{"node": {{ data.order.title | json }}, "changed": {{ event.changed | json }}, "title": {{ event.after.title | json }}}';

export interface OrderShop {
  db: TestDatabase;
  receiver: Receiver;
  hooks: Hookgraph;
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of the answer that it queries
  ask(query: string, variables?: object): Promise<any>;
  /** Subscribes the organization `a` to updates of orders with the changes of their related rows. */
  subscribe(input?: object): Promise<{ id: string; errors: { field: string; message: string }[] }>;
  /** Resolves when each recorded change is relayed, its related nodes are found, and each delivery has ended. */
  quiet(): Promise<void>;
  /** Runs one transaction, and returns what was sent since the last call. */
  sentAfter(sql: string): Promise<{ node: string; changed: string[]; title: string }[]>;
  /** Deletes all subscriptions and rows. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export async function startOrderShop({ log = createPlainLog('error') }: { log?: Logger } = {}): Promise<OrderShop> {
  const [db, receiver] = await Promise.all([testDatabase({ empty: true }), startReceiver()]);
  await db.pool.query(SHOP);
  const hooks = createHookgraph<{ org: string }>({
    database: db.url,
    keys: [randomBytes(32)],
    tables: { defaults: { tenant: 'org' }, Order: {}, Item: {}, Product: {} },
    signIn: async ({ tenant }) => ({ org: tenant }),
    context: (request) => ({ org: request.headers.get('x-org') ?? 'a' }),
    actor: ({ org }) => ({ tenant: org, userId: `user of ${org}`, canManageWebhooks: true }),
    settings: { allowedNetworks: ['127.0.0.0/8'] },
    log,
  });
  await hooks.migrate();
  const working = await hooks.work();

  const ask: OrderShop['ask'] = async (query, variables = {}) => {
    const body = JSON.stringify({ query, variables });
    const request = new Request('http://localhost/', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    return (await hooks.handler(request)).json();
  };
  const quiet = async () => {
    const left = `SELECT 1 FROM hookgraph.captures UNION ALL SELECT 1 FROM hookgraph.related_changes UNION ALL
      SELECT 1 FROM hookgraph.event_queue UNION ALL SELECT 1 FROM hookgraph.open_deliveries LIMIT 1`;
    await until('nothing is under way', async () => (await db.pool.query(left)).rowCount === 0, { timeoutMs: 30_000 });
  };
  return {
    ...{ db, receiver, hooks, ask, quiet },
    async subscribe(input = {}) {
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
    },
    async sentAfter(sql) {
      receiver.requests.length = 0;
      await db.pool.query(sql);
      await quiet();
      const sent = receiver.requests.map(({ body }) => JSON.parse(body));
      return sent.sort((one, other) => (one.node < other.node ? -1 : 1));
    },
    async clear() {
      const { data } = await ask('{ webhookSubscriptions { nodes { id } } }');
      const remove = ({ id }: { id: string }) =>
        ask(`mutation { deleteWebhookSubscription(webhookSubscription: { id: "${id}" }) { errors { message } } }`);
      await Promise.all(data.webhookSubscriptions.nodes.map(remove));
      await db.pool.query('DELETE FROM items; DELETE FROM orders; DELETE FROM products');
      await quiet();
      receiver.requests.length = 0;
    },
    async close() {
      await working.stop();
      await hooks.close();
      await Promise.all([receiver.close(), db.close()]);
    },
  };
}
