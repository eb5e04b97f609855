// Measures the console with a month of history: how long each list takes to answer, and how long the page is busy while it scrolls.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { startBrowser } from '../../test/support/browser.js';
import { unpackBrowser } from '../../test/support/unpack-browser.js';
import { fillHistory } from '../filled-history.js';
import { type Line, type Metrics, quantile, type Variant } from '../frame.js';
import { cpuMs, startHookgraph } from '../processes.js';
import { ADMIN_TOKEN, type Database } from '../server.js';
import { prepared } from '../world.js';

const EVENTS = 60_000;
/** Requests of each operation in a round. */
const REQUESTS = 20;
const PAGES = 6;

/** The paths of the pages whose operations are measured, by filter. `first`: the subscription that has half of all deliveries. */
const LISTS: Record<string, (first: string) => string> = {
  webhooks: () => '/webhooks',
  'webhooks by name': () => '/webhooks?order=-name',
  'webhooks by text': () => '/webhooks?search=webhook+user/created',
  'one webhook': (first) => `/webhooks/${first}?period=30d`,
  deliveries: () => '/deliveries',
  'deliveries of one': (first) => `/webhooks/${first}/deliveries`,
  'deliveries of an hour': () => '/deliveries?since=1h',
  'deliveries failed': () => '/deliveries?state=FAILED',
  'deliveries held': () => '/deliveries?state=HELD',
  'deliveries cancelled: none': () => '/deliveries?state=CANCELLED&since=30d',
  'deliveries 2xx': () => '/deliveries?code=2xx&since=30d',
  'deliveries 204: ten': () => '/deliveries?code=204&since=30d',
  'deliveries 3xx: none': () => '/deliveries?code=3xx&since=30d',
  'deliveries by stage': () => '/deliveries?stage=CONNECT',
  'deliveries by stage: none': () => '/deliveries?stage=AUTH&since=30d',
  'deliveries by text': () => '/deliveries?search=econnrefused&since=30d',
  'deliveries by text: none': () => '/deliveries?search=nothing+says+this&since=30d',
  'deliveries by id': () => '/deliveries?search=1234567890123',
  errors: () => '/errors',
  'errors by stage: none': () => '/errors?stage=AUTH',
  events: () => '/events',
  'events of a month': () => '/events?since=30d&operation=DELETED',
};

export const consoleLine: Line = {
  key: 'console',
  title: 'The console, with 120,000 deliveries',
  method: `One organization has 20 webhooks, 120,000 deliveries and their attempts of 30 days, and a worker runs. A real Chromium opens each list, and the requests that the page sends are sent again, ${REQUESTS} times one after the other. Shown is the slowest operation of the page; CPU is milliseconds of the product and of Postgres per request, whatever else the machine does. \`page\` scrolls through ${PAGES} pages of deliveries while new ones come: the longest task of the page's main thread.`,
  rounds: 3,
  async prepare({ server, say }) {
    let subscriptions: string[] = [];
    say('  filling the history');
    const source = await prepared(server, async (database, app) => {
      subscriptions = await fillHistory(database, app, EVENTS);
    });
    const database = await source.copy();
    const hookgraph = await startHookgraph('serve', { ...server.env, DATABASE_URL: database.url });
    const folder = await mkdtemp(join(tmpdir(), 'hookgraph-browser-'));
    const browser = await startBrowser(await unpackBrowser(folder));
    const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
    const signedIn = await page.request.post(`${hookgraph.url}/console/session`, {
      data: { token: ADMIN_TOKEN },
      headers: { 'sec-fetch-site': 'same-origin' },
    });
    if (signedIn.status() !== 200) throw new Error(`signing in was answered with ${signedIn.status()}`);
    const first = await globalId(hookgraph.url, subscriptions[0] as string);
    const slowest = new Map<string, string>();
    const variants: Variant[] = Object.entries(LISTS).map(([name, pathOf]) => ({
      name,
      measure: async () => {
        const { operation, ...metrics } = await measureList(page, hookgraph.url, pathOf(first), [hookgraph.pid, server.pid]);
        slowest.set(name, operation);
        return metrics;
      },
    }));
    return {
      variants: [...variants, { name: 'page', measure: () => scroll(page, hookgraph.url, database) }],
      bars: [
        ...variants.map(({ name }) => ({ what: `${name}, p95 in ms`, metric: 'p95Ms', of: name, atMost: 200 })),
        { what: 'longest task of the page, ms', metric: 'longestTaskMs', of: 'page', atMost: 100 },
      ],
      notes: () => [`The slowest operations: ${[...slowest].map(([name, operation]) => `${name}: ${operation}`).join('; ')}.`],
      async close() {
        await browser.close();
        await rm(folder, { recursive: true });
        await hookgraph.stop('SIGKILL');
        await database.drop();
        await source.drop();
      },
    };
  },
};

async function globalId(url: string, databaseId: string): Promise<string> {
  const { data } = (await ask(url, {
    query: 'query ($search: String) { webhookSubscriptions(search: $search) { nodes { id } } }',
    variables: { search: databaseId },
  })) as { data: { webhookSubscriptions: { nodes: { id: string }[] } } };
  return data.webhookSubscriptions.nodes[0]?.id as string;
}

async function ask(url: string, body: unknown): Promise<unknown> {
  const response = await fetch(`${url}/api/v3/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_TOKEN}` },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const answer = (await response.json()) as { errors?: unknown };
  if (response.status !== 200 || answer.errors) throw new Error(`${response.status} ${JSON.stringify(answer.errors)}`);
  return answer;
}

/** Opens the page, then repeats each of its operations. Returns the values of the slowest operation. */
async function measureList(page: Page, url: string, path: string, pids: number[]): Promise<Metrics & { operation: never }> {
  const sent = new Map<string, string>();
  const note = (request: { url(): string; postData(): string | null }) => {
    const body = request.url().endsWith('/graphql') ? request.postData() : null;
    const name = /query (\w+)/.exec(body ?? '')?.[1];
    if (body && name) sent.set(name, body);
  };
  page.on('request', note);
  await page.goto(`${url}/console${path}`);
  await page.locator('main h1').first().waitFor();
  await page.locator('main [role="status"]:has-text("Loading")').first().waitFor({ state: 'detached' });
  page.off('request', note);
  // Leaves the page, so that it doesn't compete with the measurement.
  await page.goto('about:blank');
  let worst = { p50Ms: 0, p95Ms: 0, cpuMs: 0, operation: '' };
  for (const [operation, body] of sent) {
    const times: number[] = [];
    const cpuBefore = cpuOf(pids);
    for (let i = 0; i < REQUESTS; i++) {
      const startedAt = performance.now();
      await ask(url, body);
      times.push(performance.now() - startedAt);
    }
    const p95Ms = quantile(times, 0.95);
    if (p95Ms > worst.p95Ms) worst = { p50Ms: quantile(times, 0.5), p95Ms, cpuMs: (cpuOf(pids) - cpuBefore) / REQUESTS, operation };
  }
  return worst as never;
}

const cpuOf = (pids: number[]) => pids.reduce((sum, pid) => sum + cpuMs(pid), 0);

/** Scrolls to the end of several pages of deliveries while new deliveries arrive. */
async function scroll(page: Page, url: string, { pool }: Database): Promise<Metrics> {
  await page.goto(`${url}/console/deliveries`);
  await page.locator('main tbody tr').first().waitFor();
  await page.evaluate(`window.longTasks = [];
    new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.longTasks.push(entry.duration); }).observe({ type: 'longtask' });`);
  const coming = setInterval(() => {
    void pool
      .query(
        `INSERT INTO users (organization_id, first_name, last_name, username, email)
         SELECT id, 'New', 'Comer', gen_random_uuid()::text, gen_random_uuid() || '@acme.example' FROM organizations WHERE permalink = 'acme'`,
      )
      .catch(() => {});
  }, 250);
  try {
    for (let shown = 0; shown < PAGES; shown++) {
      const topmost = () => page.locator('main tbody tr a').first().getAttribute('href');
      const first = await topmost();
      for (let wheel = 0; wheel < 20; wheel++) {
        await page.mouse.wheel(0, 400);
        await page.waitForTimeout(50);
      }
      await page.getByRole('button', { name: 'Next page' }).click();
      while ((await topmost()) === first) await page.waitForTimeout(20);
    }
    const longTasks = (await page.evaluate('window.longTasks')) as number[];
    return { longTasks: longTasks.length, longestTaskMs: Math.max(0, ...longTasks), rows: await page.locator('main tbody tr').count() };
  } finally {
    clearInterval(coming);
  }
}
