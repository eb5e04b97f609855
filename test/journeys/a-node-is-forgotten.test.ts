// Promise: everything that is stored about a node can be blanked on request: nothing of it is left, and no other node's data is touched.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ADMIN_TOKEN, type ServedApp, servedApp } from '../support/app.js';
import { recorded } from '../support/attempts.js';
import { type CommandLine, commandLine } from '../support/command-line.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

let t: ServedApp;
let cli: CommandLine;
let receiver: Receiver;
beforeAll(async () => {
  t = await servedApp({ HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8' });
  // The receiver repeats the request in its response, and refuses the request.
  receiver = await startReceiver((response, { body }) => void response.writeHead(500).end(body));
  cli = await commandLine({ HOOKGRAPH_URL: t.api.url, HOOKGRAPH_TOKEN: ADMIN_TOKEN });
});
afterAll(async () => {
  await cli?.close();
  await receiver?.close();
  await t?.close();
});

const query = 'query ($nodeId: ID!) { node(id: $nodeId) { ... on User { name } } }';
const template = '{"name": "{{ data.node.name }}"}';
// biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of the answer that it queries
const ask = async (document: string, variables?: object): Promise<any> => {
  const { data, errors } = await t.ask(document, variables as never);
  expect(errors).toBeUndefined();
  return data;
};
const subscribe = (name: string) =>
  ask(
    `mutation ($input: WebhookSubscriptionInput!) { createWebhookSubscription(webhookSubscription: $input) { errors { fullMessage } webhookSubscription { id } } }`,
    { input: { name, topic: { key: 'user/created' }, callbackUrl: receiver.url, query, template } },
  );
const createUser = async (lastName: string): Promise<string> =>
  (await ask(`mutation { createUser(user: { firstName: "Zoë" lastName: "${lastName}" }) { user { id } } }`)).createUser.user.id;

/** Returns the names of the engine's tables that contain the text, also inside packed exchanges. */
async function tablesWith(text: string): Promise<string[]> {
  const { pool } = t.database;
  const { rows } = await pool.query<{ name: string }>(
    `SELECT relname::text AS name FROM pg_class WHERE relnamespace = 'hookgraph'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`,
  );
  const found: string[] = [];
  for (const { name } of rows)
    if ((await pool.query(`SELECT FROM hookgraph.${name} x WHERE x::text LIKE $1 LIMIT 1`, [`%${text}%`])).rowCount) found.push(name);
  if (JSON.stringify(await recorded(pool)).includes(text)) found.push('exchanges');
  return [...new Set(found)].sort();
}

it('blanks events and attempts of the node alone, cancels what is still to be sent, and says who asked for it', async () => {
  const { createWebhookSubscription: saved } = await subscribe('people');
  expect(saved.errors).toEqual([]);
  await subscribe('others');
  const working = await t.app.webhooks.work();
  const ids = [await createUser('Forgetme'), await createUser('Keepme')];
  // Each node has two deliveries, and their only attempts have failed.
  await until('all attempts are recorded', async () => (await recorded(t.database.pool)).length === 4);
  await working.stop();
  // This change stays in `captures` until a worker relays it.
  await t.database.pool.query(`UPDATE users SET job_title = 'Forgetme too' WHERE id = $1`, [keyOf(ids[0])]);
  // Puts the value into the message of the attempt, as an error template that quotes the response may do.
  await t.database.pool.query(
    `UPDATE hookgraph.attempts SET message = 'no Forgetme' WHERE delivery_id IN (SELECT id FROM hookgraph.whole_deliveries WHERE node_key = $1)`,
    [keyOf(ids[0])],
  );
  const before = await tablesWith('Forgetme');
  expect(before).toEqual(['attempts', 'captures', 'events', 'exchanges']);
  const kept = await recorded(
    t.database.pool,
    `a.delivery_id IN (SELECT id FROM hookgraph.whole_deliveries WHERE node_key = $1)`,
    keyOf(ids[1]),
  );
  expect(JSON.stringify(kept)).toContain('Keepme');

  await t.database.pool.query(`UPDATE users SET last_name = 'gone', job_title = NULL, username = NULL, email = NULL WHERE id = $1`, [
    keyOf(ids[0]),
  ]);
  const running = await cli.json('forget', ids[0] as string);
  expect(running).toMatchObject({ nodeId: ids[0], state: 'RUNNING', eventCount: 0 });
  expect((await cli.json('forget', ids[0] as string)).databaseId).toBe(running.databaseId);
  const again = await t.app.webhooks.work();
  try {
    const done = await cli.json('forget', ids[0] as string, '--follow');
    expect(done).toMatchObject({ databaseId: running.databaseId, state: 'DONE', attemptCount: 2, cancelledCount: 2 });
    expect(done.eventCount).toBeGreaterThanOrEqual(2);
  } finally {
    await again.stop();
  }
  expect(await tablesWith('Forgetme')).toEqual([]);
  expect(
    await recorded(t.database.pool, `a.delivery_id IN (SELECT id FROM hookgraph.whole_deliveries WHERE node_key = $1)`, keyOf(ids[1])),
  ).toEqual(kept);

  const read = `{ webhookForgettings { totalCount nodes { nodeId requestedBy state finishedAt } }
    webhookDeliveries(nodeId: "${ids[0]}") { nodes { state reason attempts { message request { url headers body bodyOmitted } response { status body bodyOmitted } } } }
    webhookWhyNot(webhookSubscriptionId: "${saved.webhookSubscription.id}" nodeId: "${ids[0]}") { findings { code reason } } }`;
  const { webhookForgettings, webhookDeliveries, webhookWhyNot } = await ask(read);
  expect(webhookForgettings).toEqual({
    totalCount: 1,
    nodes: [{ nodeId: ids[0], requestedBy: t.admin.userId, state: 'DONE', finishedAt: expect.any(String) }],
  });
  const attempt = {
    message: null,
    request: { url: '', headers: {}, body: null, bodyOmitted: 'FORGOTTEN' },
    response: { status: 500, body: null, bodyOmitted: 'FORGOTTEN' },
  };
  const delivery = { state: 'CANCELLED', reason: 'FORGOTTEN', attempts: [attempt] };
  expect(webhookDeliveries.nodes).toEqual([delivery, delivery]);
  expect(webhookWhyNot.findings).toContainEqual({ code: 'CANCELLED', reason: expect.stringContaining('forgotten') });
});

it('refuses a node of which nothing is stored in the organization, as every node of another one is', async () => {
  const refusal = async (id: string) =>
    (await ask(`mutation { forgetWebhookNode(nodeId: "${id}") { errors { field type } webhookForgetting { state } } }`)).forgetWebhookNode;
  const notFound = { errors: [{ field: 'nodeId', type: 'NOT_FOUND' }], webhookForgetting: null };
  const theirs = t.app.webhooks.engine.host.toGlobalId('Organization', t.stranger.organizationId);
  expect([await refusal('nothing'), await refusal(theirs)]).toEqual([notFound, notFound]);
});

const keyOf = (id: string | undefined): string | undefined => t.app.webhooks.engine.host.fromGlobalId(id ?? '')?.key;
