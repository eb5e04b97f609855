// Promise: a secret goes to its receiver and nowhere else: into no answer, no log, no error, no table.
import { createHmac, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../support/cli.js';
import { dumpTables } from '../support/dump-tables.js';
import { addToken, createUser, triedDeliveries, untilSettled } from '../support/journey.js';
import { CLIENT_SECRET, type OAuth2Server, startOAuth2Server } from '../support/oauth2-server.js';
import { type Product, startProduct } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { tracesOf, writtenIn } from '../support/secret-traces.js';
import { selectEverything } from '../support/select-everything.js';
import { until } from '../support/until.js';
import { findWriteOnly } from '../support/write-only.js';

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

/** The destinations that take an access key of AWS. */
const AWS: [string, object][] = [
  ['sns', { topicArn: 'arn:aws:sns:eu-central-1:123456789012:told' }],
  ['sqs', { queueArn: 'arn:aws:sqs:eu-central-1:123456789012:told' }],
  ['eventBridge', { eventBusArn: 'arn:aws:events:eu-central-1:123456789012:event-bus/told' }],
];

/**
 * Every place where a subscription takes a secret: its path in the input, and an input that sets it. A new secret field needs a line here.
 */
const PLACES: Record<string, (secret: string) => object> = {
  sharedSecret: (secret) => ({ sharedSecret: secret }),
  'headers.value': (secret) => ({ headers: [{ name: 'X-Planted', value: secret }] }),
  'auth.basic.username': (secret) => ({ auth: { basic: { username: secret, password: 'some password' } } }),
  'auth.basic.password': (secret) => ({ auth: { basic: { username: 'somebody', password: secret } } }),
  'auth.token.token': (secret) => ({ auth: { token: { token: secret } } }),
  'auth.oauth2.clientSecret': (clientSecret) => ({ auth: { oauth2: { tokenUrl: oauth2.tokenUrl, clientId: 'by-header', clientSecret } } }),
  ...Object.fromEntries(
    AWS.flatMap(([field, arn]) => [
      [`${field}.accessKeyId`, (accessKeyId: string) => toAws(field, { ...arn, accessKeyId, secretAccessKey: 'some-key' })],
      [`${field}.secretAccessKey`, (secretAccessKey: string) => toAws(field, { ...arn, accessKeyId: 'SOMEACCESSKEYOF1', secretAccessKey })],
    ]),
  ),
};
/** The id of an access key is sent to the endpoint with each message; the key itself never is. */
const toAws = (field: string, settings: object) => ({
  callbackUrl: null,
  errorTemplate: null,
  [field]: { endpoint: `${receiver.url}/echo`, ...settings },
});
for (const place of Object.keys(PLACES)) SECRETS[place] = planted(place.replaceAll('.', '-').toLowerCase());
// The id of an access key keeps only its letters and digits.
for (const [field] of AWS) SECRETS[`${field}.accessKeyId`] = (SECRETS[`${field}.accessKeyId`] as string).replace(/\W/g, '');

let product: Product;
let receiver: Receiver;
let oauth2: OAuth2Server;
let dataDir: string;
/** Everything that the API answered, errors included. */
const answers: string[] = [];
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'hookgraph-secrets-'));
  const env = {
    HOOKGRAPH_LOG_LEVEL: 'trace',
    HOOKGRAPH_API_MAX_COST: '1000000000',
    HOOKGRAPH_ENCRYPTION_KEYS: KEY.toString('base64'),
    HOOKGRAPH_DATA_DIR: dataDir,
  };
  product = await startProduct({ env });
  const ask = product.graphql;
  product.graphql = async (...asked) => {
    const answer = ask(...asked);
    answers.push(await answer.then(JSON.stringify, String));
    return answer;
  };
  oauth2 = await startOAuth2Server();
  receiver = await startReceiver((response, request) => {
    if (!request.path.startsWith('/echo')) return void response.writeHead(request.path === '/500' ? 500 : 200).end('{"ok": false}');
    const { 'x-planted': planted = '', authorization = '' } = request.headers;
    const given = [String(planted), authorization.replace(/^\S+ /, '')].filter(Boolean);
    response.writeHead(request.path === '/echo/500' ? 500 : 200, { 'x-echo': given.map(encodeURIComponent) });
    response.end(JSON.stringify({ headers: request.headers, body: request.body, again: given.flatMap(writtenIn) }));
  });
  SECRETS.token = await addToken(product, 'ada@acme.example');
});
afterAll(async () => {
  await receiver?.close();
  await oauth2?.close();
  await product?.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** The names of the secrets that this text contains in any encoding. */
function leaksIn(text: string): string[] {
  const found = Object.entries(SECRETS).filter(([, secret]) => secret !== '' && tracesOf(secret).some((trace) => text.includes(trace)));
  const key = [KEY.toString('hex'), KEY.toString('base64').replace(/=+$/, ''), KEY.toString('base64url'), [...KEY].join(',')];
  return [...found.map(([name]) => name), ...(key.some((trace) => text.includes(trace)) ? ['key'] : [])];
}

/** Expects none of the secrets in anything written or answered so far. */
async function expectNowhere(): Promise<void> {
  expect(product.main.output().length).toBeGreaterThan(1000);
  expect(leaksIn(product.main.output())).toEqual([]);
  const dump = await dumpTables(product.pool);
  for (const written of ['X-Planted', 'ada@acme.example', 'webhook_subscription/disabled']) expect(dump).toContain(written);
  expect(leaksIn(dump)).toEqual([]);
  for (const answer of answers) expect(leaksIn(answer), answer.slice(0, 2000)).toEqual([]);
  const files = (await readdir(dataDir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  for (const file of files) expect(leaksIn(await readFile(join(file.parentPath, file.name), 'latin1')), file.name).toEqual([]);
}

const SAVE = (verb: string) => `mutation ($in: WebhookSubscriptionInput) {
  ${verb}WebhookSubscription(webhookSubscription: $in) { errors { field message fullMessage } warnings { message } webhookSubscription { id databaseId } } }`;

const REPORT =
  'errors { message } report { message request { url headers body } response { headers body } stages { input output message } }';
const TRY = `mutation ($id: ID, $preview: WebhookSubscriptionInput, $fresh: WebhookSubscriptionInput) {
  testWebhookSubscription(id: $id) { ${REPORT} }
  saved: previewWebhookSubscription(webhookSubscription: $preview) { ${REPORT} }
  unsaved: previewWebhookSubscription(webhookSubscription: $fresh) { ${REPORT} } }`;

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
  // Saves that are refused, with the secret inside the invalid value.
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
  // Sends invalid documents and an unknown token: the sender sees them in the answer, but they must not be logged.
  await product.graphql('mutation ($in: WebhookSubscriptionInput) { nope(in: $in) }', { in: secrets }, SECRETS.token).catch(() => {});
  await product
    .graphql(SAVE('create'), { in: { ...good, sharedSecret: [SECRETS.shared, SECRETS.refused] } }, SECRETS.token)
    .catch(() => {});
  await product.graphql('{ viewer { id } }', {}, SECRETS.wrongToken).catch(() => {});
  // Causes an internal error: a secret that can't be decrypted.
  await product.pool.query(
    `UPDATE hookgraph.secrets SET ciphertext = set_byte(ciphertext, 20, (get_byte(ciphertext, 20) + 1) % 256) WHERE subscription_id = $1`,
    [corrupt.databaseId],
  );

  await createUser(product);
  await triedDeliveries(product, webhookSubscription.id, 1);
  await until('our failure is logged', () => product.main.output().includes("secrets can't be decrypted"));
  await product.graphql(DELETE, { id: corrupt.id });
  await untilSettled(product);
  // The current secret signs until it is replaced.
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
  await expectNowhere();
});

it('stays secret wherever a subscription takes one, and whatever a receiver repeats of it', async () => {
  // The prefix has characters that each encoding writes differently.
  const leadOf = (place: string) => (place.endsWith('.accessKeyId') ? '' : place.endsWith('.secretAccessKey') ? '"&<%+/' : '"&<%+/ ');
  const secretOf = (place: string) => `${leadOf(place)}${SECRETS[place]}`;
  const errorTemplate = '{{ body | json }}{{ headers | json }}';
  const made = await Promise.all(
    Object.entries(PLACES).flatMap(([place, input]) =>
      ['/echo', '/echo/500'].map(async (path) => {
        const wanted = { topic: { key: 'user/created' }, callbackUrl: `${receiver.url}${path}`, errorTemplate, ...input(secretOf(place)) };
        const { createWebhookSubscription: saved } = await product.graphql(SAVE('create'), { in: wanted });
        expect(saved.errors).toEqual([]);
        const { id } = saved.webhookSubscription;
        await product.graphql(TRY, { id, preview: { id }, fresh: wanted });
        // Mistakes in another field, in a type, in an unknown field, and at the secret itself.
        for (const wrong of [
          { callbackUrl: 'nowhere' },
          { query: ['{'] },
          { nope: 1 },
          input([secretOf(place)] as never),
          input(`${secretOf(place)}\r\n\0`),
        ])
          await product.graphql(SAVE('update'), { in: { id, ...wanted, ...wrong } }).catch(() => {});
        return saved.webhookSubscription;
      }),
    ),
  );
  await createUser(product);
  await untilSettled(product);
  const all = await selectEverything(product, 'WebhookSubscription');
  for (const { id } of made) await product.graphql(`{ node(id: "${id}") { ... on WebhookSubscription { ${all} } } }`);
  const told = receiver.requests.filter(({ path }) => path.startsWith('/echo'));
  // The places whose secret is sent to the receiver itself. Each is used by a test and by real deliveries.
  const sent = Object.keys(PLACES).filter(
    (place) => place !== 'sharedSecret' && !place.endsWith('.secretAccessKey') && !place.startsWith('auth.oauth2'),
  );
  expect(told.length).toBeGreaterThanOrEqual(sent.length * 4);
  for (const place of sent) expect(leaksIn(JSON.stringify(told))).toContain(place);
  expect(answers.join()).toContain('[redacted]');
  await expectNowhere();
  for (const { id } of made) await product.graphql(DELETE, { id });
});

it('is looked for in every place of the input that nothing can read back', async () => {
  expect(await findWriteOnly(product)).toEqual(Object.keys(PLACES).sort());
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
