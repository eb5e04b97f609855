import assert from 'node:assert/strict';
import { after, test } from 'node:test';

process.env.PORT = '0';
const { app, hooks, pool, stopDatabase } = await import('./server.js');
after(async () => {
  await app.close();
  await hooks.close();
  await pool.end();
  await stopDatabase();
});

test('answers the webhook API under Fastify’s own path', async () => {
  const response = await app.inject({
    url: '/graphql',
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer key-of-ada' },
    payload: { query: '{ webhookTopics(first: 100) { nodes { key } } product(id: 1) { name } }' },
  });
  const { data } = response.json();
  assert.ok(data.webhookTopics.nodes.some(({ key }: { key: string }) => key === 'order/paid'));
  assert.deepEqual(data.product, { name: 'Lamp' });
});
