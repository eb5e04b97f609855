import assert from 'node:assert/strict';
import { after, test } from 'node:test';

process.env.PORT = '0';
const { app, stop } = await import('./server.js');
after(stop);

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
