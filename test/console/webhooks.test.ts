// Promise: a user signs in with a token, sees at a glance what fails and since when, and finds a webhook; an empty list teaches.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_TOKEN } from '../support/product.js';
import { type Console, hasBrowser, openConsole } from './browser.js';

/** Names of the rows, from above. */
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
    // A session ends after 7 days; the page notices it by itself, and goes on where it was.
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
