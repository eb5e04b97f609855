// Promise: every page of the console is accessible in both themes, fits a narrow screen, and reports no fault.
// `npm run screenshots` runs this file with HOOKGRAPH_SCREENSHOTS, a folder for the pictures.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Console, hasBrowser, openConsole } from './browser.js';
import { PAGES } from './pages.js';

const PICTURES = process.env.HOOKGRAPH_SCREENSHOTS;

/** Reads the widths in pixels of the cells with the link that opens a row. */
const ROW_WIDTHS = "Array.from(document.querySelectorAll('main td [class*=rowLink]'), (link) => link.closest('td').clientWidth)";

/** How much of a dialog is scrolled out of sight. */
const BELOW = `Math.max(0, ...Array.from(document.querySelectorAll('[role=dialog], [role=dialog] div'), (part) =>
  /auto|scroll/.test(getComputedStyle(part).overflowY) ? part.scrollHeight - part.clientHeight : 0))`;

describe.skipIf(!hasBrowser)('every page', () => {
  let world: Console;
  beforeAll(async () => {
    if (PICTURES) mkdirSync(PICTURES, { recursive: true });
    world = await openConsole();
  });
  afterAll(() => world.close());

  const photograph = async (name: string) => {
    if (!PICTURES) return;
    const { page } = world;
    const size = page.viewportSize() as { width: number; height: number };
    // A form scrolls within its dialog.
    const below = (await page.evaluate(BELOW)) as number;
    if (below > 0) await page.setViewportSize({ ...size, height: size.height + below });
    await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: below === 0 });
    await page.setViewportSize(size);
  };

  it.each(PAGES)('$name is accessible in both themes, and fits a screen of 390 px', async ({ name, path, prepare }) => {
    const { page } = world;
    await page.setViewportSize({ width: 1280, height: 860 });
    await world.open(path(world));
    await prepare?.(page);
    await photograph(`${name}-light`);
    await world.isAccessible();
    await photograph(`${name}-dark`);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 390, height: 860 });
    await photograph(`${name}-390`);
    // The first cell of a row must not become so narrow that each line holds a letter.
    for (const width of (await page.evaluate(ROW_WIDTHS)) as number[]) expect(width).toBeGreaterThan(150);
    // Waits, because charts adapt to the new width with a delay.
    await expect.poll(() => page.evaluate('document.documentElement.scrollWidth'), { timeout: 20_000 }).toBe(390);
  });

  it('never takes a failed load for an empty page', async () => {
    const page = await world.newPage();
    await page.route('**/graphql', (route) =>
      route.fulfill({ contentType: 'application/json', body: '{ "errors": [{ "message": "It is broken." }] }' }),
    );
    for (const path of new Set([...PAGES.map(({ path: pathOf }) => pathOf(world)), '/deliveries/1', '/events/1', '/topics/1'])) {
      if (/^\/(explorer|shortcuts|there)/.test(path)) continue;
      await page.goto(`${world.product.url}/console${path}`);
      await page.getByRole('heading', { level: 1 }).first().waitFor();
      await page
        .getByRole('alert')
        .filter({ hasText: /^Loading .+ failed\.It is broken\./ })
        .first()
        .waitFor();
      expect(await page.locator('[class*=empty]').count(), path).toBe(0);
    }
  });
});
