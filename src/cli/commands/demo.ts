// Nothing in, the guide's example told step by step out: who subscribed, what arrived, what was skipped and why. Ends by itself.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { CREATE_TWO_USERS, GUIDE_SUBSCRIPTION, GUIDE_USERS, SUBSCRIBE, startApi } from '../../api/index.js';
import { readConfig } from '../../runtime/config.js';
import { startWorker } from '../../worker/index.js';
import { openInstallation } from '../installation.js';
import { makeSampleData } from '../sample-data.js';

const PATIENCE_MS = 15_000;

export interface DemoOptions {
  /** Use the Hookgraph that runs already, and leave nothing behind in it but history. */
  running: boolean;
}

export async function runDemo({ running }: DemoOptions): Promise<void> {
  const startedAt = Date.now();
  const closing: Closing = [];
  try {
    const receiver = await startReceiver();
    closing.push(receiver.close);
    say(`\nA receiver listens at ${receiver.url}`);
    const product = running ? await findRunning() : await startThrowAway(closing);
    say(`Hookgraph runs at ${product.url}${running ? '' : ', on a throw-away database'}`);
    await tell(product, receiver, closing);
  } finally {
    for (const close of closing.reverse()) await close();
  }
  say(`\nAll of it is cleared away again. It took ${Math.round((Date.now() - startedAt) / 1000)} s. Now you: npm start`);
}

type Closing = (() => Promise<unknown>)[];

async function tell(product: Product, receiver: Receiver, closing: Closing): Promise<void> {
  const subscription = { ...GUIDE_SUBSCRIPTION, callbackUrl: receiver.url };
  const { createWebhookSubscription: subscribed } = await ask(product, SUBSCRIBE, { webhookSubscription: subscription });
  if (subscribed.errors.length > 0) throw new Error(`The subscription was refused: ${JSON.stringify(subscribed.errors)}`);
  const { id } = subscribed.webhookSubscription;
  say(`
A customer subscribes to ${subscription.topic.key}:
  fetch       ${subscription.query}
  send only   ${subscription.validationTemplate}
  as          ${subscription.template}`);

  const { told, leftOut } = await ask(product, CREATE_TWO_USERS, GUIDE_USERS);
  const users = [told.user, leftOut.user];
  closing.push(() => ask(product, TAKE_BACK, { id, told: told.user.id, leftOut: leftOut.user.id }));
  say(`\nTwo people come: ${users.map(({ name }) => name).join(' and ')}`);

  const deliveries = await settled(product, id, users.length);
  say('\nWhat arrived:');
  for (const { headers, body } of receiver.requests) {
    say(`  POST ${body}`);
    const header = (name: string) => headers[`${product.headerPrefix}${name}`.toLowerCase()];
    for (const name of ['Topic', 'Webhook-Job-Id', 'Time', 'Hmac-Sha256']) say(`       ${product.headerPrefix}${name}: ${header(name)}`);
    const isRight = verify(header('Hmac-Sha256'), subscription.sharedSecret, body);
    say(`       signature: ${isRight ? 'right, as computed with the shared secret over these bytes' : 'WRONG'}`);
    if (!isRight) throw new Error('The signature is wrong.');
  }
  say('\nWhat became of each:');
  for (const { state, node, attempts } of deliveries) {
    const { stage, message, response, durationMs } = attempts.at(-1) as Attempt;
    const why = response ? `the receiver answered ${response.status} in ${Math.round(durationMs)} ms` : `${stage}: ${message}`;
    say(`  ${node.name.padEnd(14)} ${state.padEnd(10)} ${why}`);
  }
  const states = deliveries.map(({ state }) => state).sort();
  if (states.join() !== 'DELIVERED,SKIPPED' || receiver.requests.length !== 1)
    throw new Error(`One delivery and one skipped were expected, not ${states.join(' and ')} with ${receiver.requests.length} requests.`);
}

const TAKE_BACK = `mutation ($id: ID, $told: ID, $leftOut: ID) {
  deleteWebhookSubscription(webhookSubscription: { id: $id }) { errors { message } }
  told: deleteUser(user: { id: $told }) { errors { message } }
  leftOut: deleteUser(user: { id: $leftOut }) { errors { message } }
}`;

interface Attempt {
  stage: string | null;
  message: string | null;
  durationMs: number;
  response: { status: number } | null;
}

const DELIVERIES = `query ($id: ID) { webhookDeliveries(webhookSubscriptionId: $id) { nodes {
  state node { ... on User { name } } attempts { stage message durationMs response { status } } } } }`;

/** The deliveries of a subscription, as soon as so many were tried. By their states: attempts are read a moment after them. */
async function settled(
  product: Product,
  id: string,
  count: number,
): Promise<{ state: string; node: { name: string }; attempts: Attempt[] }[]> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const { nodes } = (await ask(product, DELIVERIES, { id })).webhookDeliveries;
    if (nodes.length === count && nodes.every(({ state }: { state: string }) => state !== 'PENDING')) return nodes;
    if (Date.now() > deadline) throw new Error(`After ${PATIENCE_MS / 1000} s not everything was tried: does a worker run?`);
    await wait(50);
  }
}

interface Product {
  url: string;
  token: string;
  headerPrefix: string;
}

async function startThrowAway(closing: Closing): Promise<Product> {
  const dataDir = await mkdtemp(join(tmpdir(), 'hookgraph-demo-'));
  closing.push(() => rm(dataDir, { recursive: true, force: true }));
  const env = { HOOKGRAPH_DATA_DIR: dataDir, HOOKGRAPH_LOG_LEVEL: 'error', PORT: '0' };
  const installation = await openInstallation({ prepare: true, join: false, env });
  closing.push(installation.close);
  const token = (await makeSampleData(installation)) as string;
  const worker = await startWorker(installation.app);
  closing.push(worker.stop);
  const api = await startApi(installation.app, installation.config);
  closing.push(api.stop);
  return { url: api.url, token, headerPrefix: installation.config.headerPrefix };
}

async function findRunning(): Promise<Product> {
  const config = readConfig();
  const url = config.port === 0 ? config.baseUrl : `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${config.port}`;
  const token = config.adminToken ?? (await readFile(join(config.dataDir, 'admin-token'), 'utf8').catch(() => null));
  if (token === null) throw new Error('Its token is not known here: set HOOKGRAPH_ADMIN_TOKEN, or HOOKGRAPH_DATA_DIR to its folder.');
  await fetch(`${url}/readyz`).catch((cause) => {
    throw new Error(`No Hookgraph answers at ${url}: start one, or run the demo without --running.`, { cause });
  });
  return { url, token: token.trim(), headerPrefix: config.headerPrefix };
}

// biome-ignore lint/suspicious/noExplicitAny: each caller reads what it asked for.
async function ask({ url, token }: Product, query: string, variables: object): Promise<any> {
  const response = await fetch(`${url}/api/v3/graphql`, {
    method: 'POST',
    headers: { authorization: `Token token=${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data?: unknown; errors?: { message: string }[] };
  if (errors) throw new Error(errors.map(({ message }) => message).join('\n'));
  return data;
}

interface Receiver {
  url: string;
  requests: { headers: IncomingHttpHeaders; body: string }[];
  close(): Promise<void>;
}

async function startReceiver(): Promise<Receiver> {
  const requests: Receiver['requests'] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    requests.push({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8') });
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, requests, close };
}

/** As a receiver does it: the HMAC of the exact bytes, compared in constant time. */
function verify(signature: string | string[] | undefined, secret: string, body: string): boolean {
  const expected = createHmac('sha256', secret).update(body).digest();
  const given = Buffer.from(String(signature), 'base64');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

const say = (line: string): void => console.log(line);
