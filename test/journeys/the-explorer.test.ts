// Promise: opening the explorer on a local start and pressing play runs the README's tour, and no request leaves the machine.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page, Response } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TABS } from '../../src/sample/explorer-tabs.js';
import { hasBrowser, startBrowser } from '../support/browser.js';
import { type RunningCli, runCli } from '../support/cli.js';
import { ofTheRun } from '../support/of-the-run.js';

describe.skipIf(!hasBrowser)('the explorer in a browser', () => {
  let cli: RunningCli;
  let dataDir: string;
  let browser: Browser;
  let page: Page;
  let explorer: string;
  const requested: string[] = [];
  const complaints: string[] = [];

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'hookgraph-explorer-'));
    cli = runCli(['serve'], { HOOKGRAPH_DATA_DIR: dataDir, PORT: '0' });
    await cli.says('curl -s');
    explorer = /Explorer +(\S+)/.exec(cli.output())?.[1] as string;
    browser = await startBrowser(await ofTheRun('browser'));
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    page.on('request', (request) => requested.push(request.url()));
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(explorer);
    await page.getByRole('tab').first().waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    cli.child.kill('SIGTERM');
    await cli.ended();
    await rm(dataDir, { recursive: true, force: true });
  });

  /** Opens a tab, presses play, and returns the response that is shown. */
  async function play(title: string): Promise<string> {
    await page.getByTitle(title, { exact: true }).click();
    await expect.poll(() => page.locator('.graphiql-query-editor .view-lines').textContent()).toContain(title);
    // GraphiQL learns an operation's name shortly after its tab opens, and sends nothing before that.
    let response: Response | null = null;
    for (let press = 0; press < 10 && response === null; press++) {
      // Handles the rejection at once, because on a busy machine the click may take longer than this wait.
      const answered = page
        .waitForResponse((one) => (one.request().postData() ?? '').includes(title), { timeout: 1_500 })
        .catch(() => null);
      await page.getByRole('button', { name: /execute query/i }).click();
      response = await answered;
    }
    if (response === null) throw new Error(`Nothing was sent by the tab ${title}`);
    expect(response.status()).toBe(200);
    const result = page.locator('.graphiql-response .view-lines');
    await expect.poll(async () => (await result.textContent()) ?? '').toContain('data');
    return JSON.stringify(await response.json());
  }

  it('opens with the tour as its tabs', async () => {
    const titles = await page.locator('.graphiql-tab-button').allTextContents();
    expect(titles).toEqual(['WhoAmI', 'Topics', 'Subscribe', 'CreateTwoUsers', 'Deliveries', 'Subscriptions', 'EnableAgain']);
    expect(titles).toHaveLength(TABS.length);
    await page.getByRole('button', { name: 'Headers', exact: true }).click();
    const token = /Token +(\S+)/.exec(cli.output())?.[1] as string;
    await expect
      .poll(() => page.locator('.graphiql-editor-tool .view-lines').allTextContents())
      .toContainEqual(expect.stringContaining(token));
  });

  it('goes through the tour by pressing play', async () => {
    expect(await play('WhoAmI')).toContain('"viewer":{"name":"Ada Lovelace"');
    expect(await play('Topics')).toContain('"user/created"');
    expect(await play('Subscribe')).toMatch(/"errors":\[\],"webhookSubscription":\{"id":"[^"]+".*"status":"ENABLED"/);
    expect(await play('CreateTwoUsers')).toMatch(/"notified":\{"errors":\[\].*"skipped":\{"errors":\[\]/);
    // The example's address has no listener, so its delivery is retried.
    await expect.poll(() => play('Deliveries')).toMatch(/(?=.*"state":"SKIPPED")(?=.*"state":"RETRYING")/);
    expect(await play('Subscriptions')).toContain('"status":"ENABLED"');
    expect(await play('EnableAgain')).toContain('"field":"id"');
    if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, 'explorer.png') });
  });

  it('shows numbers with all their digits', async () => {
    const body = '{"data":{"viewer":{"number":750727362669608961,"text":"750727362669608961"}}}';
    await page.route('**/graphql', (route) => route.fulfill({ body, contentType: 'application/json' }));
    await play('WhoAmI');
    await expect.poll(() => page.locator('.graphiql-response .view-lines').textContent()).toMatch(/"number":\s*750727362669608961,/);
    await page.unroute('**/graphql');
  });

  it('still knows the token after a reload', async () => {
    await page.reload();
    await page.getByRole('tab').first().waitFor();
    expect(await play('WhoAmI')).toContain('Ada Lovelace');
    expect(await page.evaluate('JSON.stringify(localStorage)')).not.toContain('Token token');
  });

  it('shows query and answer below each other on a phone, both as wide as the screen', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    const boxOf = async (part: string) => (await page.locator(part).boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    await expect.poll(async () => (await boxOf('.graphiql-response')).width).toBeGreaterThan(350);
    const [editors, response] = [await boxOf('.graphiql-editors'), await boxOf('.graphiql-response')];
    expect(editors.width).toBeGreaterThan(350);
    expect(response.y).toBeGreaterThanOrEqual(editors.y + editors.height);
    for (const { height, x, width } of [editors, response]) expect([height > 250, x >= 0, x + width <= 390]).toEqual([true, true, true]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    expect(await page.locator('.graphiql-logo').isVisible()).toBe(false);
  });

  it('asks no other host, and has nothing to complain about', () => {
    const { origin } = new URL(explorer);
    expect(requested.filter((url) => !url.startsWith(`${origin}/`) && !/^(data|blob):/.test(url))).toEqual([]);
    expect(requested.length).toBeGreaterThan(5);
    expect(complaints).toEqual([]);
  });
});
