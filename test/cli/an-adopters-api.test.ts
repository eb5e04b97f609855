// Promise: the command line works with any adopter's API, at its own path and with its own way of signing in.
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServerAdapter } from '@whatwg-node/server';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createHookgraph, type Hookgraph } from '../../src/index.js';
import { createPlainLog } from '../../src/runtime/plain-log.js';
import type { Worker } from '../../src/worker/index.js';
import { type CommandLine, commandLine } from '../support/command-line.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

const KEY = randomBytes(32);
let database: TestDatabase;
let hooks: Hookgraph;
let working: Worker;
let server: Server;
let receiver: Receiver;
let cli: CommandLine;
let url: string;
const seen = new Set<string>();
beforeAll(async () => {
  database = await testDatabase({ empty: true });
  await database.pool.query('CREATE TABLE orders (id int PRIMARY KEY, shop int NOT NULL, state text)');
  hooks = createHookgraph<{ shop: number | null }>({
    database: database.url,
    keys: [KEY],
    tables: { Order: { tenant: 'shop' } },
    signIn: async ({ tenant }) => ({ shop: Number(tenant) }),
    context: (request) => ({ shop: request.headers.get('x-api-key') === 'key-of-1' ? 1 : null }),
    actor: ({ shop }) => (shop === null ? null : { tenant: String(shop), userId: 'ada', canManageWebhooks: true }),
    settings: { allowedNetworks: ['127.0.0.0/8'] },
    log: createPlainLog('silent'),
  });
  await hooks.migrate();
  working = await hooks.work();
  const adapter = createServerAdapter(hooks.handler);
  server = createServer((request, response) => {
    seen.add(`${request.url} ${request.headers.authorization}`);
    return adapter(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/shop/graphql`;
  receiver = await startReceiver();
  cli = await commandLine({ PORT: '1' });
});
afterAll(async () => {
  await cli.close();
  await receiver.close();
  server.closeAllConnections();
  server.close();
  await working.stop();
  await hooks.close();
  await database.close();
});

it('logs in with a header of theirs, keeps it, and asks their path alone', async () => {
  const wrong = await cli.run(['login', '--url', url, '--header', 'X-Api-Key: {token}'], { stdin: 'key-of-nobody\n' });
  expect([wrong.code, wrong.stderr]).toEqual([4, expect.stringContaining('NOT_AUTHENTICATED')]);
  const login = await cli.run(['login', '--url', `${url}/`, '--header', 'X-Api-Key: {token}'], { stdin: 'key-of-1\n' });
  expect([login.code, login.stdout]).toEqual([0, expect.stringContaining(`Logged in at ${url}.`)]);
  expect(JSON.parse(await readFile(join(cli.dir, 'hookgraph/login.json'), 'utf8'))).toEqual({
    url,
    token: 'key-of-1',
    header: 'X-Api-Key: {token}',
  });
  expect((await cli.run(['whoami'])).stdout).toContain(`at\t${url}\n`);
  expect([...seen]).toEqual(['/shop/graphql undefined']);
});

it('takes the header from the environment as well, and says what is wrong with one', async () => {
  const env = { HOOKGRAPH_URL: url, HOOKGRAPH_TOKEN: 'key-of-1', HOOKGRAPH_AUTH_HEADER: 'x-api-key: {token}' };
  expect((await cli.run(['whoami', '--json'], { env })).code).toBe(0);
  const bad = await cli.run(['whoami'], { env: { ...env, HOOKGRAPH_AUTH_HEADER: 'Bearer' } });
  expect([bad.code, bad.stderr]).toEqual([1, expect.stringContaining('HOOKGRAPH_AUTH_HEADER is "Bearer"')]);
  const worse = await cli.run(['login', '--url', url, '--header', 'Bearer {token}'], { stdin: 'key-of-1\n' });
  expect([worse.code, worse.stderr]).toEqual([1, expect.stringContaining('Write a header like `Authorization: Bearer {token}`')]);
});

it('subscribes, lists, tries out, explains and takes away there', async () => {
  expect((await cli.json('topics', 'list')).map(({ key }: { key: string }) => key)).toContain('order/created');
  await cli.json('webhooks', 'create', '--topic', 'order/created', '--url', receiver.url, '--name', 'orders');
  await database.pool.query("INSERT INTO orders VALUES (1, 1, 'new'), (2, 2, 'other')");
  await until('the notification', () => receiver.requests.length === 1);
  const deliveries = () => cli.json('deliveries', 'list');
  await until('its record', async () => (await deliveries())[0]?.state === 'DELIVERED');
  expect(await deliveries()).toHaveLength(1);
  expect((await cli.json('webhooks', 'list')).map(({ name }: { name: string }) => name)).toEqual(['orders']);
  const doctor = await cli.run(['doctor']);
  expect(doctor.stdout).toContain(`ok\tlogin\t${url} accepts the token`);
  const tested = await cli.json('webhooks', 'test', 'orders');
  expect(JSON.stringify(tested)).toContain('DELIVERED');
  expect(await cli.json('webhooks', 'show', 'orders')).toMatchObject({ name: 'orders', status: 'ENABLED' });
  expect(await cli.json('why-not', 'orders', '--node', (await deliveries())[0].nodeId)).toMatchObject({
    conclusion: expect.stringContaining('delivered'),
  });
  const folder = join(cli.dir, 'hooks');
  await cli.json('pull', folder);
  expect(await cli.json('plan', folder)).toMatchObject([{ action: 'NONE' }]);
  await cli.json('webhooks', 'delete', 'orders', '--yes');
  expect(await cli.json('webhooks', 'list')).toEqual([]);
});

it('listens there with a subscription of its own', async () => {
  const stop = new AbortController();
  const running = cli.run(['listen', '--subscribe', 'order/updated'], { signal: stop.signal });
  const names = async () => (await cli.json('webhooks', 'list')).length;
  await until('the subscription', async () => (await names()) === 1);
  stop.abort();
  const { code } = await running;
  expect(code).toBe(0);
  expect(await names()).toBe(0);
});

it('listens at an application that --app names, without a server of it', async () => {
  const file = join(cli.dir, 'hookgraph.mjs');
  await writeFile(
    file,
    `import { createHookgraph } from '${new URL('../../dist/index.js', import.meta.url).href}';
    export const hooks = createHookgraph({
      database: '${database.url}', keys: '${KEY.toString('base64')}', tables: { Order: { tenant: 'shop' } }, signIn: async () => ({}),
      context: (request) => ({ shop: request.headers.get('x-api-key') === 'key-of-1' ? '1' : null }),
      actor: ({ shop }) => shop && { tenant: shop, userId: 'ada', canManageWebhooks: true }, settings: { allowedNetworks: ['127.0.0.0/8'] },
    });`,
  );
  const env = { HOOKGRAPH_TOKEN: 'key-of-1', HOOKGRAPH_AUTH_HEADER: 'X-Api-Key: {token}' };
  const stop = new AbortController();
  const running = cli.run(['listen', '--port', '18080', '--subscribe', 'order/updated', '--app', file], { env, signal: stop.signal });
  await until('the subscription', async () => (await cli.json('webhooks', 'list')).length === 1);
  await database.pool.query("UPDATE orders SET state = 'seen' WHERE id = 1");
  const updates = ['deliveries', 'list', '--topic', 'order/updated'];
  await until('the notification', async () => (await cli.json(...updates))[0]?.state === 'DELIVERED');
  stop.abort();
  const { code, stdout, stderr } = await running;
  expect([code, stderr]).toEqual([0, expect.stringContaining('Received 1 notification.')]);
  expect(stdout).toContain('order/updated');
  expect(await cli.json('webhooks', 'list')).toEqual([]);
  const nobody = await cli.run(['listen', '--port', '18081', '--subscribe', 'order/updated', '--app', file], {
    env: { HOOKGRAPH_TOKEN: '' },
  });
  expect([nobody.code, nobody.stderr]).toEqual([
    1,
    expect.stringContaining('Set HOOKGRAPH_TOKEN to a token that your application accepts'),
  ]);
});
