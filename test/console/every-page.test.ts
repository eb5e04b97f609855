// Promise: every page of the console is accessible in both themes, fits a narrow screen, and has nothing to complain about.
// `npm run screenshots` runs this file with HOOKGRAPH_SCREENSHOTS, a folder for the pictures.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Console, hasBrowser, openConsole, openPath } from './browser.js';
import { PAGES } from './pages.js';

const PICTURES = process.env.HOOKGRAPH_SCREENSHOTS;

describe.skipIf(!hasBrowser)('every page', () => {
  let world: Console;
  let narrow: Page;
  beforeAll(async () => {
    if (PICTURES) mkdirSync(PICTURES, { recursive: true });
    world = await openConsole();
    narrow = await world.newPage({ width: 390 });
  });
  afterAll(() => world.close());

  const photograph = async (page: Page, name: string) => {
    if (PICTURES) await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
  };

  it.each(PAGES)('$name is accessible in both themes', async ({ name, path, prepare }) => {
    await world.open(path(world));
    await prepare?.(world.page);
    await world.isAccessible();
    await photograph(world.page, `${name}-dark`);
    await world.page.emulateMedia({ colorScheme: 'light' });
    await photograph(world.page, `${name}-light`);
  });

  it.each(PAGES)('$name fits a screen of 390 px', async ({ name, path, prepare }) => {
    await openPath(narrow, world.product.url, path(world));
    await prepare?.(narrow);
    const width = await narrow.evaluate('document.documentElement.scrollWidth');
    await photograph(narrow, `${name}-390`);
    expect(width).toBe(390);
  });
});
