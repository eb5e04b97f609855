import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { prepareDatabase } from '../database.mjs';
import { startReceiver } from '../receiver.mjs';

const stopDatabase = await prepareDatabase(new URL('tables.sql', import.meta.url));
const { hooks, pool } = await import('./hookgraph.js');
await hooks.migrate();
const worker = await hooks.work();
const receiver = await startReceiver();
after(async () => {
  await worker.stop();
  await hooks.close();
  await pool.end();
  await receiver.close();
  await stopDatabase();
});

async function ask(query: string, key = 'key-of-ada') {
  const request = new Request('http://localhost/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query }),
  });
  return (await hooks.handler(request)).json();
}

test('tells a shop of its paid orders, in its own words', async () => {
  const { data } = await ask(`mutation { createWebhookSubscription(webhookSubscription: {
    topic: { key: "order/paid" }, callbackUrl: "${receiver.url}",
    query: "query ($id: String!) { order(id: $id) { id status orderLines { quantity product { name price } } } }"
    template: "{\\"paid\\": {{ data.order.id | json }}, \\"was\\": {{ event.before.status | json }}, \\"items\\": [{% for line in data.order.orderLines %}{{ line.product.name | json }}{% endfor %}] }"
  }) { errors { field message } } }`);
  assert.deepEqual(data.createWebhookSubscription.errors, []);
  await pool.query(`INSERT INTO orders (shop_id) VALUES (1), (2); INSERT INTO order_lines VALUES (1, 1, 3), (2, 2, 1)`);
  await pool.query(`UPDATE orders SET status = 'paid'`);
  const bodies = await receiver.waitFor(1);
  assert.deepEqual(bodies, [{ paid: '1', was: 'open', items: ['Lamp'] }]);
});

test('shows a shop its own rows alone, and nobody the purchase price', async () => {
  assert.deepEqual((await ask('{ product(id: 1) { name } }')).data, { product: { name: 'Lamp' } });
  assert.deepEqual((await ask('{ product(id: 1) { name } }', 'key-of-eve')).data, { product: null });
  assert.match((await ask('{ product(id: 1) { purchasePrice } }')).errors[0].message, /Cannot query field "purchasePrice"/);
});
