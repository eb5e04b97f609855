// Promise: in an application without organizations, `hookgraph keep` shows and sets how long all history is kept, and retention obeys.
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServerAdapter } from '@whatwg-node/server';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createHookgraph, type Hookgraph } from '../../src/index.js';
import { createPlainLog } from '../../src/runtime/plain-log.js';
import { DEFAULT_RETENTION, runRetention } from '../../src/webhooks/index.js';
import type { Worker } from '../../src/worker/index.js';
import { unbalanced } from '../support/books.js';
import { type CommandLine, commandLine } from '../support/command-line.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { moveClock } from '../support/move-clock.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

let database: TestDatabase;
let hooks: Hookgraph;
let working: Worker;
let server: Server;
let receiver: Receiver;
let cli: CommandLine;
beforeAll(async () => {
  [database, receiver] = await Promise.all([testDatabase({ empty: true }), startReceiver()]);
  await database.pool.query('CREATE TABLE orders (id int PRIMARY KEY, state text)');
  // All rows and all people belong to the only tenant.
  hooks = createHookgraph<{ name: string }>({
    database: database.url,
    keys: [randomBytes(32)],
    tables: { Order: { tenant: { sql: `'shop'` } } },
    signIn: async ({ userId }) => ({ name: userId }),
    context: () => ({ name: 'ada' }),
    actor: ({ name }) => ({ tenant: 'shop', userId: name, canManageWebhooks: true }),
    settings: { allowedNetworks: ['127.0.0.0/8'] },
    log: createPlainLog('silent'),
  });
  await hooks.migrate();
  working = await hooks.work();
  server = createServer(createServerAdapter(hooks.handler));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  cli = await commandLine({ HOOKGRAPH_URL: `http://127.0.0.1:${port}/graphql`, HOOKGRAPH_TOKEN: 'any' });
});
afterAll(async () => {
  await cli?.close();
  server?.closeAllConnections();
  server?.close();
  await working?.stop();
  await hooks?.close();
  await Promise.all([receiver.close(), database.close()]);
});

const keep = async (...args: string[]) => (await cli.run(['keep', ...args])).stdout.trim().split('\n');
const clean = () => runRetention(database.pool, DEFAULT_RETENTION);

it('shows the days of the installation, keeps fewer, and deletes what is older', async () => {
  expect(await keep()).toEqual([
    'Requests and responses are kept 7 days.',
    'Attempts are kept 30 days.',
    'Attempts that failed or were held are kept 90 days.',
    'Events and deliveries are kept 90 days.',
  ]);
  await cli.json('webhooks', 'create', '--topic', 'order/created', '--url', receiver.url, '--name', 'orders');
  await database.pool.query(`INSERT INTO orders VALUES (1, 'new')`);
  await until('it is delivered', async () => (await cli.json('deliveries', 'list'))[0]?.state === 'DELIVERED');
  // Three days pass.
  await moveClock(database.pool, 3 * 86_400);
  expect(await clean()).toMatchObject({ blanked: 0, deliveries: 0, rows: 0 });

  expect(await keep('--bodies', '2', '--events', '30')).toEqual([
    'Requests and responses are kept 2 days; the installation keeps them 7 days.',
    'Attempts are kept 30 days.',
    'Attempts that failed or were held are kept 90 days.',
    'Events and deliveries are kept 30 days; the installation keeps them 90 days.',
  ]);
  expect(await clean()).toMatchObject({ blanked: 1, deliveries: 0, rows: 0 });
  await keep('--attempts', '2', '--events', '2');
  expect(await clean()).toMatchObject({ deliveries: 1 });
  const left = `SELECT id FROM hookgraph.deliveries UNION ALL SELECT id FROM hookgraph.attempts UNION ALL SELECT id FROM hookgraph.events`;
  expect((await database.pool.query(left)).rows).toEqual([]);
  expect(await unbalanced(database.pool)).toEqual([]);
  expect(await keep('--bodies', 'default')).toContain('Requests and responses are kept 7 days.');
});
