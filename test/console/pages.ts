// Lists every page of the console: `every-page.test.ts` visits each one, and `npm run screenshots` takes a picture of it.
import type { Page } from 'playwright-core';
import { type Console, settled } from './browser.js';

export interface ListedPage {
  /** The name of the picture. */
  name: string;
  /** The path below /console. */
  path(world: Console): string;
  /** Prepares the page for the picture, e.g. opens a menu. Default: does nothing. */
  prepare?(page: Page): Promise<void>;
}

const idOf = ({ history }: Console, which: 'works' | 'fails' | 'switchedOff' | 'disabled'): string => history.webhooks?.[which] ?? '';

/** Opens the first row of the list. */
async function openFirst(page: Page): Promise<void> {
  await page.locator('main tbody tr').first().getByRole('link').first().click();
  await page.locator('main dl').first().waitFor();
  await settled(page);
}

/** Waits for the live preview, and opens every group of the form. */
async function openGroups(page: Page): Promise<void> {
  await page.getByRole('region', { name: 'Query result' }).getByText('{').first().waitFor();
  await page.locator('details').evaluateAll((all) => {
    for (const one of all) one.setAttribute('open', '');
  });
}

/** Waits for the form, which is loaded when it is first opened. */
async function seeForm(page: Page): Promise<void> {
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).waitFor();
  await settled(page);
}

/** Waits until all events of the books are counted. */
async function bookAll(page: Page): Promise<void> {
  await page.getByText('Everything adds up').waitFor();
}

export const PAGES: ListedPage[] = [
  { name: 'webhooks', path: () => '/webhooks', prepare: (page) => page.getByText('Administrator').waitFor() },
  { name: 'webhooks-of-the-organization', path: () => '/webhooks?of=organization' },
  { name: 'webhooks-none-match', path: () => '/webhooks?search=nothing-has-this-name' },
  { name: 'webhook-new', path: () => '/webhooks/new', prepare: seeForm },
  { name: 'webhook-edit', path: (world) => `/webhooks/${idOf(world, 'works')}/edit`, prepare: openGroups },
  { name: 'webhook', path: (world) => `/webhooks/${idOf(world, 'works')}` },
  { name: 'webhook-failing', path: (world) => `/webhooks/${idOf(world, 'fails')}?period=7d` },
  { name: 'webhook-switched-off', path: (world) => `/webhooks/${idOf(world, 'switchedOff')}` },
  { name: 'webhook-versions', path: (world) => `/webhooks/${idOf(world, 'works')}/versions` },
  { name: 'webhook-audit', path: (world) => `/webhooks/${idOf(world, 'switchedOff')}/audit` },
  { name: 'webhook-deliveries', path: (world) => `/webhooks/${idOf(world, 'works')}/deliveries` },
  { name: 'webhook-errors', path: (world) => `/webhooks/${idOf(world, 'fails')}/errors` },
  { name: 'deliveries', path: () => '/deliveries' },
  { name: 'deliveries-none-match', path: () => '/deliveries?search=nothing+says+this' },
  { name: 'delivery', path: () => '/deliveries?state=DELIVERED', prepare: openFirst },
  { name: 'delivery-failing', path: () => '/deliveries?state=RETRYING', prepare: openFirst },
  { name: 'errors', path: () => '/errors' },
  { name: 'events', path: () => '/events' },
  { name: 'event', path: () => '/events?type=User', prepare: openFirst },
  { name: 'books', path: () => '/books', prepare: bookAll },
  { name: 'books-by-topic', path: () => '/books?by=topic&span=all', prepare: bookAll },
  { name: 'topics', path: () => '/topics' },
  { name: 'topic', path: () => '/topics?search=user+created', prepare: openFirst },
  { name: 'integrations', path: () => '/integrations' },
  { name: 'tokens', path: () => '/tokens' },
  { name: 'audit', path: () => '/audit' },
  { name: 'retention', path: () => '/retention' },
  { name: 'explorer', path: () => '/explorer' },
  { name: 'shortcuts', path: () => '/shortcuts' },
  { name: 'not-found', path: () => '/there/is/no/such/page' },
];
