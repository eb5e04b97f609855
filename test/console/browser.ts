// Opens the console of a separate product with a lively history in a real browser, and watches for every fault of a page.
import axe from 'axe-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';
import { hasBrowser, startBrowser } from '../support/browser.js';
import { ofTheRun } from '../support/of-the-run.js';
import { ADMIN_TOKEN, type RunningProduct } from '../support/product.js';
import { runProduct } from '../support/run-product.js';
import { type History, makeHistory } from './history.js';

export { hasBrowser };

export type Theme = 'light' | 'dark';

export interface Console {
  product: RunningProduct;
  history: History;
  page: Page;
  /** Number of days by which the clock of the sessions is ahead. */
  clock: { daysAhead: number };
  /** Opens a path of the console such as `/webhooks`, and waits until nothing loads any more. */
  open(path: string): Promise<void>;
  /** Opens a further page with its own cookies, signed in with this token, or signed out. The page is watched, too. */
  newPage(options?: { token?: string | null; theme?: Theme; width?: number }): Promise<Page>;
  /** Fails when axe finds a violation in the page, in either theme. */
  isAccessible(page?: Page): Promise<void>;
  /** Announces a request that fails on purpose: a page's fault that contains this text doesn't fail the test. */
  expectFault(text: string): void;
  /** Ends the product. Fails when a page has broken its policy, written an error to its console, or lost a request. */
  close(): Promise<void>;
}

let shared: Promise<Browser> | undefined;

/** Returns the browser that all files of this worker share. Playwright ends it with the process. */
export const sharedBrowser = (): Promise<Browser> => (shared ??= ofTheRun('browser').then(startBrowser));

/**
 * Starts a product in this process. `history`: whether to make webhooks, deliveries and failures first. Default: yes. `env`: its
 * environment variables.
 */
export async function openConsole({
  history: isLively = true,
  token = ADMIN_TOKEN,
  env = {},
}: {
  history?: boolean;
  token?: string;
  env?: Record<string, string>;
} = {}): Promise<Console> {
  const clock = { daysAhead: 0 };
  const now = () => Date.now() + clock.daysAhead * 86_400_000;
  const [product, browser] = await Promise.all([runProduct({ now, env }), sharedBrowser()]);
  const faults: string[] = [];
  const expected: string[] = [];
  const contexts: BrowserContext[] = [];
  const history = await makeHistory(product, isLively);

  async function newPage({
    token: own = token,
    theme = 'light',
    width = 1280,
  }: {
    token?: string | null;
    theme?: Theme;
    width?: number;
  } = {}) {
    const context = await browser.newContext({
      viewport: { width, height: 860 },
      colorScheme: theme,
      reducedMotion: 'reduce',
      locale: 'en-GB',
    });
    contexts.push(context);
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: product.url });
    const page = await watchedPage(context, faults);
    if (own !== null) await signIn(page, product.url, own);
    return page;
  }

  const page = await newPage();
  return {
    product,
    history,
    page,
    clock,
    newPage,
    open: (path) => openPath(page, product.url, path),
    isAccessible: async (shown = page) => {
      for (const theme of ['light', 'dark'] as const) await checkAccessibility(shown, theme);
    },
    expectFault: (text) => void expected.push(text),
    async close() {
      await Promise.all(contexts.map((context) => context.close()));
      await product.close();
      await history.close();
      expect(faults.filter((fault) => !expected.some((text) => fault.includes(text)))).toEqual([]);
    },
  };
}

/** Opens a page whose faults are added to the list: violations of its policy, errors in its console, lost requests. */
export async function watchedPage(context: BrowserContext, faults: string[]): Promise<Page> {
  // The same limit as that of `until`, because the default of 30 s is too short for a busy machine.
  context.setDefaultTimeout(60_000);
  // Runs in every document before its own scripts.
  await context.addInitScript(
    "document.addEventListener('securitypolicyviolation', (e) => console.error('policy:', e.violatedDirective, e.blockedURI, e.sourceFile, e.lineNumber))",
  );
  const page = await context.newPage();
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('requestfailed', (request) => {
    const text = request.failure()?.errorText ?? '';
    // Ignores requests that were aborted because the page was left.
    if (text !== 'net::ERR_ABORTED') faults.push(`${request.url()}: ${text}`);
  });
  return page;
}

/**
 * Opens a path of the console, and waits until its content is there. A page that already shows the console follows a link, without
 * loading everything again. If an overlay is open, which may ask before it closes, the page is loaded again.
 */
export async function openPath(page: Page, url: string, path: string): Promise<void> {
  const isShown = page.url().startsWith(`${url}/console`) && page.url() !== `${url}/console${path}`;
  if (!isShown || !(await page.evaluate(GO(`/console${path}`)))) await page.goto(`${url}/console${path}`);
  await page.locator('main h1').first().waitFor();
  await settled(page);
}

/** Follows a link to the path within the page. Returns whether that was possible, once the router has rendered the page. */
const GO = (path: string): string => `(async () => {
  const router = window.__TSR_ROUTER__;
  if (!router || document.querySelector('[role=dialog], [role=alertdialog], input[type=password]')) return false;
  const rendered = new Promise((resolve) => { const stop = router.subscribe('onRendered', () => { stop(); resolve(); }); });
  router.history.push(${JSON.stringify(path)});
  await rendered;
  return true;
})()`;

/** Waits until nothing says that it is loading. */
export async function settled(page: Page): Promise<void> {
  await page.locator('main [role="status"]:has-text("Loading")').first().waitFor({ state: 'detached' });
}

/** Signs in as the sign-in page does, by a request of this origin. */
async function signIn(page: Page, url: string, token: string): Promise<void> {
  const response = await page.context().request.post(`${url}/console/session`, {
    data: { token },
    headers: { 'sec-fetch-site': 'same-origin' },
  });
  expect(response.status()).toBe(200);
}

async function checkAccessibility(page: Page, theme: Theme): Promise<void> {
  await page.emulateMedia({ colorScheme: theme });
  if (!(await page.evaluate("'axe' in window"))) await page.evaluate(axe.source);
  // The themes differ only in colours, so the dark theme is checked only for contrast.
  const runOnly =
    theme === 'light'
      ? ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
      : { type: 'rule', values: ['color-contrast'] };
  // Excludes React Aria's announcer: it refers to ids of elements, and the elements may be gone before it removes an announcement.
  const { violations } = (await page.evaluate(
    `axe.run({ exclude: '[data-live-announcer]' }, ${JSON.stringify({ runOnly, iframes: false, resultTypes: ['violations'] })})`,
  )) as {
    violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
  };
  const told = violations.map(
    ({ id, nodes }) => `${theme}, ${id}: ${nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`).join('\n')}`,
  );
  expect(told).toEqual([]);
}
