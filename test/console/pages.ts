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

const idOf = ({ history }: Console, which: 'works' | 'fails' | 'switchedOff' | 'disabled'): string => history.webhooks?.[which] ?? '';

export const PAGES: ListedPage[] = [
  { name: 'webhooks', path: () => '/webhooks' },
  { name: 'webhooks-none-match', path: () => '/webhooks?search=nothing-has-this-name' },
  { name: 'webhook', path: (world) => `/webhooks/${idOf(world, 'works')}` },
  { name: 'webhook-failing', path: (world) => `/webhooks/${idOf(world, 'fails')}?period=7d` },
  { name: 'webhook-switched-off', path: (world) => `/webhooks/${idOf(world, 'switchedOff')}` },
  { name: 'webhook-versions', path: (world) => `/webhooks/${idOf(world, 'works')}/versions` },
  { name: 'webhook-audit', path: (world) => `/webhooks/${idOf(world, 'switchedOff')}/audit` },
  { name: 'integrations', path: () => '/integrations' },
  { name: 'tokens', path: () => '/tokens' },
  { name: 'audit', path: () => '/audit' },
  { name: 'explorer', path: () => '/explorer' },
  { name: 'shortcuts', path: () => '/shortcuts' },
  { name: 'not-found', path: () => '/there/is/no/such/page' },
];
