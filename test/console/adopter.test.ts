// Promise: an application without its own GraphQL schema, and without Hookgraph's integrations and tokens, serves the console at its own
// path, even if its types have the same names as Hookgraph's types.
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServerAdapter } from '@whatwg-node/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHookgraph, type Hookgraph } from '../../src/index.js';
import { createPlainLog } from '../../src/runtime/plain-log.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { hasBrowser, sharedBrowser, watchedPage } from './browser.js';

interface Context {
  user: string | null;
}

let database: TestDatabase;
let hooks: Hookgraph;
let server: Server;
let url: string;
beforeAll(async () => {
  database = await testDatabase({ empty: true });
  for (const table of ['orders', 'subscriptions', 'states'])
    await database.pool.query(`CREATE TABLE ${table} (id int PRIMARY KEY, shop_id int NOT NULL, total numeric)`);
  hooks = createHookgraph<Context>({
    database: database.url,
    keys: [randomBytes(32)],
    tables: {
      Order: { table: 'orders', tenant: 'shop_id' },
      WebhookSubscription: { table: 'subscriptions', tenant: 'shop_id' },
      WebhookDeliveryState: { table: 'states', tenant: 'shop_id' },
    },
    prefix: 'shop',
    signIn: async ({ userId }) => ({ user: userId }),
    // Reads the cookie of the application's own sign-in.
    context: ({ headers }) => ({ user: /user=(\w+)/.exec(headers.get('cookie') ?? '')?.[1] ?? null }),
    actor: ({ user }) => (user === null ? null : { tenant: '1', userId: user, canManageWebhooks: true }),
    log: createPlainLog('error'),
  });
  await hooks.migrate();
  const serveConsole = hooks.console({ path: '/admin/webhooks', endpoint: '/admin/graphql' });
  const adapter = createServerAdapter((request: Request) =>
    new URL(request.url).pathname === '/admin/graphql' ? hooks.handler(request) : serveConsole(request),
  );
  server = createServer(adapter);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await hooks.close();
  await database.close();
});

it('serves pages and files below its path, and nothing else', async () => {
  const page = await fetch(`${url}/admin/webhooks/audit`);
  expect(page.status).toBe(200);
  const text = await page.text();
  expect(text).toContain('"endpoint":"/admin/graphql"');
  expect(text).toContain('"Query.apiTokens"');
  expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self' 'nonce-/);
  const entry = /src="(\/admin\/webhooks\/assets\/[^"]+)"/.exec(text)?.[1] as string;
  expect((await fetch(`${url}${entry}`)).headers.get('cache-control')).toContain('immutable');
  expect((await fetch(`${url}/admin/webhooksx`)).status).toBe(404);
  expect((await fetch(`${url}/admin/webhooks`, { method: 'POST' })).status).toBe(405);
  expect(await (await fetch(`${url}/admin/webhooks`, { method: 'HEAD' })).text()).toBe('');
});

describe.skipIf(!hasBrowser)('in a browser', () => {
  it('shows webhooks of the application’s user, without what the application lacks', async () => {
    const browser = await sharedBrowser();
    const context = await browser.newContext();
    const faults: string[] = [];
    try {
      await context.addCookies([{ name: 'user', value: 'ada', url }]);
      const page = await watchedPage(context, faults);
      await page.goto(`${url}/admin/webhooks`);
      await page.getByRole('heading', { name: 'No webhooks yet' }).waitFor();
      const links = await page.getByRole('navigation', { name: 'Console' }).getByRole('link').allTextContents();
      expect(links).toContain('Audit log');
      for (const absent of ['API tokens', 'Integrations', 'Explorer']) expect(links).not.toContain(absent);
      expect(await page.getByRole('button', { name: 'Sign out' }).count()).toBe(0);
      await page.evaluate(CREATE);
      await page.getByRole('link', { name: 'New orders' }).click();
      await page.getByRole('heading', { level: 1, name: /New orders/ }).waitFor();
      expect(new URL(page.url()).pathname).toMatch(/^\/admin\/webhooks\/webhooks\/[\w=-]+$/);
      await page.getByText('25 retries in about 21 days').waitFor();
      await page.goto(`${url}/admin/webhooks/deliveries?state=FAILED`);
      await page.getByRole('heading', { name: 'No delivery matches' }).waitFor();
      await page.getByRole('link', { name: 'Audit log' }).first().click();
      await page.locator('main ol').getByText('Created', { exact: true }).waitFor();
      expect(faults).toEqual([]);
    } finally {
      await context.close();
    }
  });
});

/** Creates a webhook with the user's cookie. The list then shows the webhook without a reload. */
const CREATE = `fetch('/admin/graphql', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query:
  'mutation { createWebhookSubscription(webhookSubscription: { name: "New orders", topic: { key: "order/created" }, callbackUrl: "https://example.org/hook" }) { errors { fullMessage } } }' }) })
  .then((response) => response.json()).then(({ data }) => { if (data.createWebhookSubscription.errors.length > 0) throw new Error(JSON.stringify(data)); })`;
