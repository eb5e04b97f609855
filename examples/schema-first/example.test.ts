import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createYoga } from 'graphql-yoga';
import { prepareDatabase } from '../database.mjs';
import { startReceiver } from '../receiver.mjs';

const stopDatabase = await prepareDatabase(new URL('tables.sql', import.meta.url));
const { contextOf, hooks, pool } = await import('./hookgraph.js');
await hooks.migrate();
const worker = await hooks.work();
const receiver = await startReceiver();
const yoga = createYoga({ schema: hooks.schema, context: ({ request }) => contextOf(request), logging: false });
after(async () => {
  await worker.stop();
  await hooks.close();
  await pool.end();
  await receiver.close();
  await stopDatabase();
});

async function ask(query: string, token = 'token-of-ada') {
  const response = await yoga.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query }),
  });
  return response.json();
}

const subscribe = async (fields: string, token?: string) => {
  const { data } = await ask(
    `mutation { createWebhookSubscription(webhookSubscription: { callbackUrl: "${receiver.url}" ${fields} }) { errors { field message } } }`,
    token,
  );
  assert.deepEqual(data.createWebhookSubscription.errors, []);
};

test('tells a workspace of its tickets, by the helpdesk’s own fields', async () => {
  await subscribe('topic: { key: "ticket/closed" } query: "query ($id: Int!) { ticket(id: $id) { subject status comments { body } } }"');
  await subscribe('topic: { key: "ticket/closed" } query: "query ($id: Int!) { ticket(id: $id) { subject } }"', 'token-of-eve');
  const { data } = await ask('mutation { openTicket(subject: "It is dark") { id } }');
  await pool.query('INSERT INTO comments VALUES ($1, 1, $2)', [data.openTicket.id, 'Here too']);
  await ask(`mutation { closeTicket(id: ${data.openTicket.id}) { id } }`);
  assert.deepEqual(await receiver.waitFor(1), [
    { data: { ticket: { subject: 'It is dark', status: 'closed', comments: [{ body: 'Here too' }] } } },
  ]);
});

test('tells of what was deleted as it was', async () => {
  receiver.requests.length = 0;
  await subscribe(
    'topic: { key: "comment/deleted" } query: "query ($ticketId: Int!, $number: Int!) { comment(ticketId: $ticketId, number: $number) { number body } }"',
  );
  await pool.query('DELETE FROM comments');
  assert.deepEqual(await receiver.waitFor(1), [{ data: { comment: { number: 1, body: 'Here too' } } }]);
});
