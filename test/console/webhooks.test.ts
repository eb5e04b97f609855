// Promise: a user signs in with a token, sees at a glance what fails and since when, and finds a webhook; an empty list teaches.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addToken } from '../support/journey.js';
import { ADMIN_TOKEN } from '../support/product.js';
import { type Console, hasBrowser, openConsole, openPath } from './browser.js';

/** Selects the names of the rows, from top to bottom. */
const NAMES = '[aria-label="Webhooks"] tbody tr td:first-child a';

describe.skipIf(!hasBrowser)('the list of webhooks', () => {
  let world: Console;
  beforeAll(async () => {
    world = await openConsole();
  });
  afterAll(() => world.close());

  const names = () => world.page.locator(NAMES).allTextContents();
  const parameters = () => new URL(world.page.url()).searchParams;

  it('says what fails and since when, where each goes, and how often it succeeds', async () => {
    const { page } = world;
    await world.open('/webhooks');
    const row = (name: string) => page.getByRole('row').filter({ hasText: name });
    await expect.poll(() => row('CRM import').textContent()).toMatch(/Failing since \d+ hr\. ago|Failing since \d+ hr ago/);
    const working = await row('Welcome new colleagues').textContent();
    expect(working).toMatch(/user\/created.*Enabled.*127\.0\.0\.1:\d+\/welcome.*Delivered.*99\.\d %/);
    expect(await row('Welcome new colleagues').getByRole('img').getAttribute('aria-label')).toMatch(
      /In 24 hours \d+ delivered, \d+ failed/,
    );
    expect(await row('Old intranet').textContent()).toContain('Disabled by a rule');
    expect(await row('Birthday list').textContent()).toMatch(/Disabled(?! by)/);
  });

  it('keeps search, filter and order in its address, so that Back and a shared address work', async () => {
    const { page } = world;
    await world.open('/webhooks');
    await page.keyboard.press('/');
    await page.keyboard.type('berlin user/created');
    await expect.poll(names).toEqual(['Only in Berlin']);
    expect(parameters().get('search')).toBe('berlin user/created');
    await page.reload();
    await expect.poll(names).toEqual(['Only in Berlin']);
    expect(await page.getByRole('searchbox').inputValue()).toBe('berlin user/created');
    await page.getByRole('searchbox').fill('');
    await expect.poll(async () => (await names()).length).toBe(5);
    await page.getByRole('combobox', { name: 'State' }).selectOption('Disabled');
    await expect.poll(async () => (await names()).toSorted()).toEqual(['Birthday list', 'Old intranet']);
    await page.getByRole('button', { name: 'Name' }).click();
    await expect.poll(names).toEqual(['Birthday list', 'Old intranet']);
    await page.getByRole('button', { name: 'Name' }).click();
    await expect.poll(names).toEqual(['Old intranet', 'Birthday list']);
    expect(Object.fromEntries(parameters())).toEqual({ show: 'disabled', order: '-name' });
    await page.getByRole('row').filter({ hasText: 'Birthday list' }).click();
    await page.getByRole('heading', { level: 1, name: /Birthday list/ }).waitFor();
    await page.goBack();
    await expect.poll(names).toEqual(['Old intranet', 'Birthday list']);
    // A narrow screen shows no headings to sort by.
    await page.getByRole('combobox', { name: 'Order' }).selectOption('Name, A to Z');
    await expect.poll(names).toEqual(['Birthday list', 'Old intranet']);
  });

  it('remembers the filters of each list until they are cleared, or the user signs out', async () => {
    const page = await world.newPage();
    const link = (name: string) => page.getByRole('navigation', { name: 'Console' }).getByRole('link', { name, exact: true });
    const search = () => new URL(page.url()).search;
    await openPath(page, world.product.url, '/deliveries');
    await page.getByRole('combobox', { name: 'Time' }).selectOption('Last 7 days');
    await page.getByRole('combobox', { name: 'State' }).selectOption('Delivered');
    await expect.poll(search).toBe('?since=7d&state=DELIVERED');
    await link('Webhooks').click();
    await page.getByRole('heading', { level: 1, name: 'Webhooks' }).waitFor();
    expect(search()).toBe('');
    await link('Deliveries').click();
    await expect.poll(search).toMatch(/since=7d/);
    // The link back from a delivery leads to the list with the same filters, even after a reload.
    await page.getByRole('region', { name: 'Deliveries' }).getByRole('link').first().click();
    await page.getByRole('list', { name: 'Stages of attempt 1' }).waitFor();
    await page.reload();
    await page.getByRole('main').getByRole('link', { name: 'Deliveries', exact: true }).click();
    await expect.poll(search).toMatch(/state=DELIVERED/);
    await page.getByRole('button', { name: 'Clear all filters' }).click();
    await expect.poll(search).toBe('');
    await page.keyboard.press('g');
    await page.keyboard.press('e');
    await page.getByRole('combobox', { name: 'Type of node' }).selectOption('User');
    await expect.poll(search).toBe('?type=User');
    await page.keyboard.press('g');
    await page.keyboard.press('d');
    await page.getByRole('heading', { level: 1, name: 'Deliveries' }).waitFor();
    expect(search()).toBe('');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in to Hookgraph' }).waitFor();
    expect(await page.evaluate('localStorage.length')).toBe(0);
  });

  it('shows an admin the webhooks of the whole organization, without what is private to their owners', async () => {
    const { product, page } = world;
    await product.pool.query(`UPDATE users SET admin = true WHERE email = 'grace@acme.example'`);
    const grace = await addToken(product, 'grace@acme.example');
    const hank = await addToken(product, 'hank@globex.example');
    await product.pool.query(`UPDATE users SET admin = true WHERE email = 'hank@globex.example'`);
    const topic = { key: 'user/created' };
    await product.subscribe({ name: 'Reports of Grace', topic, callbackUrl: `${world.history.receiver.url}/grace?key=private` }, grace);
    await product.subscribe({ name: 'Of another organization', topic, callbackUrl: `${world.history.receiver.url}/hank` }, hank);
    await world.open('/webhooks');
    await page.getByRole('combobox', { name: 'Whose webhooks' }).selectOption('Everybody’s');
    const table = page.getByRole('region', { name: 'Webhooks of the organization' });
    const row = (name: string) => table.getByRole('row').filter({ hasText: name });
    await row('Reports of Grace').waitFor();
    expect(await row('Reports of Grace').textContent()).toMatch(/user\/created.*Grace Hopper.*Enabled.*127\.0\.0\.1:\d+/);
    expect(await row('Old intranet').textContent()).toContain('Disabled by a rule');
    expect(await row('CRM import').textContent()).toContain('You');
    expect(await table.textContent()).not.toMatch(/private|another organization/);
    expect(await row('Reports of Grace').getByRole('link').count()).toBe(0);
    await world.isAccessible();
    await page.getByRole('searchbox').fill('grace');
    await expect.poll(() => table.locator('tbody tr').count()).toBe(1);
    await page.getByRole('button', { name: 'Clear all filters' }).click();
    await row('CRM import').getByRole('link').click();
    await page.getByRole('heading', { level: 1, name: /CRM import/ }).waitFor();
    await page.getByRole('main').getByRole('link', { name: 'Webhooks', exact: true }).click();
    await table.waitFor();
    await page.getByRole('combobox', { name: 'Whose webhooks' }).selectOption('Your webhooks');
    await expect.poll(async () => (await names()).length).toBe(5);
  });

  it('offers to show all when nothing matches', async () => {
    const { page } = world;
    await world.open('/webhooks?search=no-such-name');
    await page.getByRole('heading', { name: 'No webhook matches' }).waitFor();
    await page.getByRole('button', { name: 'Show all webhooks' }).click();
    await expect.poll(async () => (await names()).length).toBe(5);
  });

  it('never takes a failed load for an empty list', async () => {
    const page = await world.newPage();
    world.expectFault('Failed to load resource');
    world.expectFault('ERR_FAILED');
    await page.route('**/api/v3/graphql', (route) =>
      route.request().postData()?.includes('query Webhooks') ? route.abort() : route.continue(),
    );
    await page.goto(`${world.product.url}/console/webhooks`);
    await page.getByText('Loading webhooks failed.').waitFor();
    expect(await page.getByText('No webhooks yet').count()).toBe(0);
    await page.unroute('**/api/v3/graphql');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator(NAMES).first().waitFor();
  });

  it('asks for a token, keeps the address, says what the token may, and signs out', async () => {
    const { product } = world;
    const page = await world.newPage({ token: null });
    world.expectFault('401 (Unauthorized)');
    await page.goto(`${product.url}/console/webhooks?show=disabled`);
    await page.getByRole('textbox', { name: 'API token' }).fill('hg_wrong');
    await page.keyboard.press('Enter');
    await page.getByText('This token does not exist').waitFor();
    await page.getByRole('textbox', { name: 'API token' }).fill(ADMIN_TOKEN);
    await page.keyboard.press('Enter');
    await page.locator(NAMES).first().waitFor();
    expect(new URL(page.url()).search).toBe('?show=disabled');
    expect(await page.getByRole('region', { name: 'Signed in as' }).textContent()).toMatch(/Acme Training.*Ada Lovelace.*Administrator/);
    expect(await page.evaluate('document.cookie')).toBe('');
    // A session ends after 7 days. The page notices this without a reload, and after the sign-in shows the same list.
    world.clock.daysAhead = 8;
    await page.getByRole('heading', { name: 'Sign in to Hookgraph' }).waitFor();
    await page.getByText('Your session has ended. Sign in again to go on.').waitFor();
    await page.getByRole('textbox', { name: 'API token' }).fill(ADMIN_TOKEN);
    await page.keyboard.press('Enter');
    await page.locator(NAMES).first().waitFor();
    expect(new URL(page.url()).search).toBe('?show=disabled');
    world.clock.daysAhead = 0;
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in to Hookgraph' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Sign in to Hookgraph' }).waitFor();
  });

  it('says why a button may not be pressed, and ends a session whose token was revoked', async () => {
    const { product } = world;
    const token = await createToken(world, 'READ');
    const page = await world.newPage({ token: token.secret });
    await page.goto(`${product.url}/console/webhooks`);
    const create = page.getByRole('button', { name: 'Create Webhook' });
    await create.waitFor();
    expect(await create.getAttribute('aria-disabled')).toBe('true');
    await create.focus();
    await page.getByRole('tooltip').first().waitFor();
    expect(await page.getByRole('tooltip').first().textContent()).not.toBe('');
    expect(await page.getByRole('region', { name: 'Signed in as' }).textContent()).toContain('Read only');
    await product.graphql('mutation ($id: ID!) { revokeApiToken(id: $id) { errors { message } } }', { id: token.id });
    await page.getByText(/This token was revoked at/).waitFor();
  });
});

describe.skipIf(!hasBrowser)('a list without webhooks', () => {
  it('teaches what a webhook is', async () => {
    const world = await openConsole({ history: false });
    try {
      await world.open('/webhooks');
      await world.page.getByRole('heading', { name: 'No webhooks yet' }).waitFor();
      expect(await world.page.locator('main').textContent()).toContain('a topic');
      expect(await world.page.getByRole('link', { name: 'Create Webhook' }).count()).toBe(2);
      await world.isAccessible();
    } finally {
      await world.close();
    }
  });
});

async function createToken({ product }: Console, scope: string): Promise<{ id: string; secret: string }> {
  const { createApiToken } = await product.graphql(
    'mutation ($scope: ApiTokenScope) { createApiToken(apiToken: { name: "reader", scope: $scope }) { token apiToken { id } } }',
    { scope },
  );
  return { id: createApiToken.apiToken.id, secret: createApiToken.token };
}
