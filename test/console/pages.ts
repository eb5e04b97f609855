// Lists every page of the console: `every-page.test.ts` visits each one, and `npm run screenshots` takes a picture of it.
import type { Page } from 'playwright-core';
import type { Console } from './browser.js';

export interface ListedPage {
  /** The name of the picture. */
  name: string;
  /** The path below /console. */
  path(world: Console): string;
  /** Does what the picture should show, such as opening a menu. Default: nothing. */
  prepare?(page: Page): Promise<void>;
}


export const PAGES: ListedPage[] = [
  { name: 'webhooks', path: () => '/webhooks' },
  { name: 'webhooks-none-match', path: () => '/webhooks?search=nothing-has-this-name' },
];
