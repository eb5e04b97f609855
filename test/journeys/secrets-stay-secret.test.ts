// Promise: a secret goes to its receiver and nowhere else: into no answer, no log, no error, no table.
import { createHmac, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../support/cli.js';
import { addToken, createUser, triedDeliveries, untilSettled } from '../support/journey.js';
import { CLIENT_SECRET, type OAuth2Server, startOAuth2Server } from '../support/oauth2-server.js';
import { type Product, run, startProduct } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { selectEverything } from '../support/select-everything.js';
import { until } from '../support/until.js';

const planted = (name: string) => `planted-${name}-${randomBytes(6).toString('hex')}`;
const KEY = randomBytes(32);
const SECRETS: Record<string, string> = {
  shared: planted('shared'),
  replaced: planted('replaced'),
  header: planted('header'),
  refused: planted('refused'),
  username: planted('username'),
  password: planted('password'),
  authToken: planted('auth-token'),
  wrongClientSecret: planted('wrong-client-secret'),
  clientSecret: CLIENT_SECRET,
  wrongToken: planted('wrong-token'),
  token: '',
};

let product: Product;
let receiver: Receiver;
let oauth2: OAuth2Server;
beforeAll(async () => {
  product = await startProduct({ env: { HOOKGRAPH_LOG_LEVEL: 'trace', HOOKGRAPH_ENCRYPTION_KEYS: KEY.toString('base64') } });
  oauth2 = await startOAuth2Server();
  receiver = await startReceiver((response, { path }) => void response.writeHead(path === '/500' ? 500 : 200).end('{"ok": false}'));
  SECRETS.token = await addToken(product, 'ada@acme.example');
});
afterAll(async () => {
  await receiver?.close();
  await oauth2?.close();
  await product?.close();
});

/** Every secret in this text, in whatever writing: plain, hex (as Postgres shows bytes), base64. */
function leaksIn(text: string): string[] {
  const writings = (bytes: Buffer) => [bytes.toString('utf8'), bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, '')];
  const secrets = Object.entries(SECRETS).map(([name, secret]) => [name, writings(Buffer.from(secret))] as const);
  return [...secrets, ['key', [KEY.toString('hex'), KEY.toString('base64').replace(/=+$/, ''), KEY.toString('base64url')]] as const]
    .filter(([, written]) => written.some((one) => one !== '' && text.includes(one)))
    .map(([name]) => name);
}

const SAVE = (verb: string) => `mutation ($in: WebhookSubscriptionInput) {
  ${verb}WebhookSubscription(webhookSubscription: $in) { errors { field message fullMessage } warnings { message } webhookSubscription { id databaseId } } }`;

const DELETE = 'mutation ($id: ID) { deleteWebhookSubscription(webhookSubscription: { id: $id }) { errors { message } } }';

it('passes through every stage, good and bad, and is found nowhere but at the receiver', async () => {
  const save = async (verb: 'create' | 'update', input: object) => {
    const answer = await product.graphql(SAVE(verb), { in: input }, SECRETS.token);
    expect(leaksIn(JSON.stringify(answer))).toEqual([]);
    return answer[`${verb}WebhookSubscription`];
  };
  const secrets = { sharedSecret: SECRETS.shared, headers: [{ name: 'X-Planted', value: SECRETS.header }] };
  const good = { topic: { key: 'user/created' }, callbackUrl: `${receiver.url}/200`, ...secrets };

  const { webhookSubscription } = await save('create', good);
  const client = { tokenUrl: oauth2.tokenUrl, clientId: 'by-header', clientSecret: SECRETS.clientSecret };
  const inputs = [
    { auth: { basic: { username: SECRETS.username, password: SECRETS.password } } },
    { auth: { token: { token: SECRETS.authToken } } },
    { auth: { oauth2: client } },
    { auth: { oauth2: { ...client, clientSecret: SECRETS.wrongClientSecret } } },
    { callbackUrl: `${receiver.url}/500` },
    { callbackUrl: `http://127.0.0.1:${await freePort()}/` },
    { errorTemplate: '{% unless body.ok %}{{ headers | json }}{{ body | json }}{% endunless %}' },
    { template: '{% if true %}no JSON{% endif %}' },
    { validationTemplate: '{{ data | json }}' },
  ];
  const others = await Promise.all(inputs.map(async (input) => (await save('create', { ...good, ...input })).webhookSubscription));
  const corrupt = (await save('create', good)).webhookSubscription;
  // Refused, with the secret in what was wrong.
  for (const wrong of [
    { query: '{ nope }' },
    { headers: [{ name: 'X-Planted', value: `${SECRETS.refused}\r\nX-Other: 1` }] },
    { headers: [{ name: 'X-Scope-Topic', value: SECRETS.refused }] },
    { auth: { token: { token: `${SECRETS.refused}\r\nX-Other: 1` } } },
    { auth: { basic: { username: `${SECRETS.refused}:`, password: SECRETS.refused } } },
    { auth: { oauth2: { tokenUrl: 'https://10.0.0.1/', clientId: 'c', clientSecret: SECRETS.refused } } },
    { sharedSecret: SECRETS.refused?.repeat(100) },
    { callbackUrl: 'https://10.0.0.1/' },
  ])
    expect((await save('create', { ...good, ...wrong })).errors).not.toEqual([]);
  // Top-level mistakes, and nobody's token: what is answered to their author is not to be logged.
  await product.graphql('mutation ($in: WebhookSubscriptionInput) { nope(in: $in) }', { in: secrets }, SECRETS.token).catch(() => {});
  await product
    .graphql(SAVE('create'), { in: { ...good, sharedSecret: [SECRETS.shared, SECRETS.refused] } }, SECRETS.token)
    .catch(() => {});
  await product.graphql('{ viewer { id } }', {}, SECRETS.wrongToken).catch(() => {});
  // A failure of ours: a secret that can't be opened.
  await product.pool.query(
    `UPDATE hookgraph.secrets SET ciphertext = set_byte(ciphertext, 20, (get_byte(ciphertext, 20) + 1) % 256) WHERE subscription_id = $1`,
    [corrupt.databaseId],
  );

  await createUser(product);
  await triedDeliveries(product, webhookSubscription.id, 1);
  await until('our failure is logged', () => product.main.output().includes("secrets can't be opened"));
  await product.graphql(DELETE, { id: corrupt.id });
  await untilSettled(product);
  // The secret is in force until it is replaced.
  const [told] = receiver.requests.filter(({ headers }) => headers['x-scope-webhook-id'] === webhookSubscription.databaseId);
  const sign = (secret: string | undefined, body = '') =>
    createHmac('sha256', secret as string)
      .update(body)
      .digest('base64');
  expect(told?.headers).toMatchObject({ 'x-planted': SECRETS.header, 'x-scope-hmac-sha256': sign(SECRETS.shared, told?.body) });
  await save('update', { id: webhookSubscription.id, sharedSecret: SECRETS.replaced, headers: [{ name: 'X-Planted' }] });
  await createUser(product);
  await untilSettled(product);
  const again = receiver.requests.findLast(({ headers }) => headers['x-scope-webhook-id'] === webhookSubscription.databaseId);
  expect(again?.headers).toMatchObject({ 'x-planted': SECRETS.header, 'x-scope-hmac-sha256': sign(SECRETS.replaced, again?.body) });

  for (const { headers } of receiver.requests) {
    const [scheme, credential] = headers.authorization?.split(' ') ?? [];
    if (scheme) SECRETS[`sent as ${scheme}`] = credential as string;
  }
  expect(Object.keys(SECRETS)).toEqual(expect.arrayContaining(['sent as basic', 'sent as token', 'sent as Bearer']));

  const everything = JSON.stringify([
    await product.graphql(`{ webhookSubscriptions(first: 100) { ${await selectEverything(product, 'WebhookSubscriptionConnection')} } }`),
    await product.graphql(`{ webhookDeliveries(first: 100) { ${await selectEverything(product, 'WebhookDeliveryConnection')} } }`),
  ]);
  for (const { databaseId } of [webhookSubscription, ...others]) expect(everything).toContain(databaseId);
  for (const word of [
    '"hasSharedSecret":true',
    '"X-Planted":"[redacted]"',
    '"Authorization":"[redacted]"',
    '"AUTH"',
    '"CONNECT"',
    '"ERROR_TEMPLATE"',
    '"STATUS"',
    '"TEMPLATE"',
    '"VALIDATION"',
  ])
    expect(everything).toContain(word);
  expect(leaksIn(everything)).toEqual([]);
  expect(product.main.output().length).toBeGreaterThan(1000);
  expect(leaksIn(product.main.output())).toEqual([]);
  expect(leaksIn(await dumpTables())).toEqual([]);
});

it('is wiped with its subscription', async () => {
  const { id, recordId } = await product.subscribe({
    topic: { key: 'user/deleted' },
    callbackUrl: receiver.url,
    sharedSecret: SECRETS.shared,
  });
  const count = async () =>
    (await product.pool.query('SELECT count(*)::int AS n FROM hookgraph.secrets WHERE subscription_id = $1', [recordId])).rows[0].n;
  expect(await count()).toBe(1);
  await product.graphql('mutation ($id: ID) { deleteWebhookSubscription(webhookSubscription: { id: $id }) { errors { message } } }', {
    id,
  });
  expect(await count()).toBe(0);
});

it('is no part of what `hookgraph config` prints', async () => {
  const printed = await run(['config'], {
    DATABASE_URL: 'postgres://somebody:planted-password@127.0.0.1/none',
    HOOKGRAPH_ENCRYPTION_KEYS: KEY.toString('base64'),
    HOOKGRAPH_ADMIN_TOKEN: SECRETS.token as string,
  });
  expect(printed).toContain('HOOKGRAPH_ENCRYPTION_KEYS');
  expect(printed).not.toContain('planted-password');
  expect(leaksIn(printed)).toEqual([]);
});

/** Every row of every table, ours and others', as text. */
async function dumpTables(): Promise<string> {
  const { rows: tables } = await product.pool.query(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')`,
  );
  const dumps = await Promise.all(
    tables.map(async ({ name }) => (await product.pool.query(`SELECT t::text AS row FROM ${name} t`)).rows.map(({ row }) => row)),
  );
  const dump = dumps.flat().join('\n');
  for (const known of ['X-Planted', 'ada@acme.example', 'webhook_subscription/disabled']) expect(dump).toContain(known);
  return dump;
}
