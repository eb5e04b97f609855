// Promise: tokens, integrations, the audit log, the explorer and the keyboard work in the browser as they do in the API.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Console, hasBrowser, openConsole } from './browser.js';

describe.skipIf(!hasBrowser)('the pages of an organization', () => {
  let world: Console;
  let page: Page;
  beforeAll(async () => {
    world = await openConsole();
    page = world.page;
  });
  afterAll(() => world.close());

  it('create a token that is shown once and works, and revoke it', async () => {
    await world.open('/tokens');
    await page.getByRole('button', { name: 'Create token' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Create token' }).click();
    await dialog.getByText('can’t be blank').or(dialog.getByText("can't be blank")).waitFor();
    await dialog.getByRole('textbox', { name: 'Name' }).fill('build server');
    await dialog.getByRole('combobox', { name: 'It may' }).selectOption('Everything');
    await dialog.getByRole('button', { name: 'Create token' }).click();
    await dialog.getByText('It is never shown again.').waitFor();
    const token = (await dialog.locator('pre').textContent()) as string;
    expect((await world.product.graphql('{ webhookViewer { token { name } } }', {}, token)).webhookViewer.token.name).toBe('build server');
    await dialog.getByRole('button', { name: 'I have copied it' }).click();
    const row = page.getByRole('row').filter({ hasText: 'build server' });
    await row.getByRole('button', { name: 'Revoke build server' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await row.getByText('Revoked').waitFor();
    await expect(world.product.graphql('{ webhookViewer { userId } }', {}, token)).rejects.toThrow('revoked');
  });

  it('switch the webhooks of an integration off and on', async () => {
    const { webhookIntegrations } = await world.product.graphql('{ webhookIntegrations(first: 1) { id label } }');
    const [integration] = webhookIntegrations;
    await world.product.graphql(
      'mutation ($id: ID!, $integration: ID) { updateWebhookSubscription(webhookSubscription: { id: $id, integrationId: $integration }) { errors { message } } }',
      { id: world.history.webhooks?.works, integration: integration.id },
    );
    await world.open(`/integrations?search=${encodeURIComponent(integration.label)}`);
    const row = page.getByRole('row').filter({ hasText: 'Welcome new colleagues' });
    await row.getByRole('button', { name: /Switch off/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Switch off' }).click();
    await page.getByText('Switched off: 1 webhook').waitFor();
    await row.getByText('Off', { exact: true }).waitFor();
    await row.getByRole('button', { name: /Switch on/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Switch on' }).click();
    await row.getByText('On', { exact: true }).waitFor();
  });

  it('say who did what, and what the rules did', async () => {
    await world.open('/audit');
    await page.getByRole('combobox', { name: 'Actor' }).selectOption('Only rules');
    const entries = page.locator('main ol > li');
    await expect.poll(() => entries.allTextContents()).toEqual([expect.stringMatching(/Disabled.*Old intranet.*by the rule gone/)]);
    await page.getByRole('combobox', { name: 'Actor' }).selectOption('Only users');
    await page.getByRole('combobox', { name: 'Action' }).selectOption('Updated');
    await expect.poll(() => entries.first().textContent()).toContain('Welcome new colleagues');
    await entries.last().locator('summary').click();
    await expect.poll(() => entries.last().textContent()).toContain('has joined');
  });

  it('set how long history is kept, after a question when history is deleted', async () => {
    await world.open('/retention');
    const days = (label: string) => page.getByRole('textbox', { name: label });
    const save = page.getByRole('button', { name: 'Save', exact: true });
    expect(await save.getAttribute('aria-disabled')).toBe('true');
    expect(await page.getByRole('main').textContent()).toContain('Nobody has changed the days');
    await days('Requests and responses').fill('a week');
    await save.click();
    await page.getByText('must be a whole number of days').waitFor();
    await days('Requests and responses').fill('800');
    await save.click();
    await page.getByText('must be 7 or less, because the installation keeps it no longer').waitFor();
    expect(await days('Requests and responses').getAttribute('aria-invalid')).toBe('true');
    await days('Requests and responses').fill('2');
    await save.click();
    const question = page.getByRole('dialog', { name: 'Delete older history?' });
    await question.getByText('Requests and responses: 2 days').waitFor();
    await world.isAccessible();
    await question.getByRole('button', { name: 'Cancel' }).click();
    await question.waitFor({ state: 'detached' });
    await days('Requests and responses').press('Enter');
    await question.getByRole('button', { name: 'Save and delete' }).click();
    const changes = page.getByRole('region', { name: 'Changes' }).last();
    await changes.getByText('Requests and responses: as the installation → 2 days').waitFor();
    const kept = async () => (await world.product.graphql('{ webhookRetention { own { bodyDays } } }')).webhookRetention.own.bodyDays;
    expect(await kept()).toBe(2);
    // Raising the number of days deletes nothing.
    await days('Requests and responses').fill('');
    await save.click();
    await changes.getByText('Requests and responses: 2 days → as the installation').waitFor();
    expect(await kept()).toBeNull();
    const { createApiToken } = await world.product.graphql(
      'mutation { createApiToken(apiToken: { name: "reader of days", scope: READ }) { token } }',
    );
    const reader = await world.newPage({ token: createApiToken.token });
    await reader.goto(`${world.product.url}/console/retention`);
    await reader.getByRole('heading', { name: 'Only admins see how long history is kept' }).waitFor();
  });

  it('run a query in the explorer with the session, within the navigation, in the theme of the console', async () => {
    await world.open('/explorer');
    const frame = page.frameLocator('iframe');
    await frame.getByRole('tab').first().waitFor();
    await frame.getByRole('button', { name: /execute query/i }).click();
    await expect.poll(() => frame.locator('.graphiql-response .view-lines').textContent()).toContain('data');
    expect(await page.getByRole('link', { name: 'Explorer' }).getAttribute('aria-current')).toBe('page');
    // It follows the theme, and keeps what is typed: loading its 9 MB again would lose the place, and take long.
    const query = frame.locator('.graphiql-query-editor');
    await query.locator('.view-line').first().click();
    await page.keyboard.press('Home');
    await page.keyboard.type('#kept ');
    const isShown = async (theme: 'light' | 'dark') => {
      await frame.locator(`body.graphiql-${theme}:not(.graphiql-${theme === 'dark' ? 'light' : 'dark'})`).waitFor();
      // Monaco's dark themes have this class.
      await expect.poll(() => query.locator('.monaco-editor.vs-dark').count()).toBe(theme === 'dark' ? 1 : 0);
      await query.getByText('#kept').waitFor();
    };
    await page.emulateMedia({ colorScheme: 'light' });
    await isShown('light');
    await page.emulateMedia({ colorScheme: 'dark' });
    await isShown('dark');
    for (const theme of ['light', 'dark'] as const) {
      await page.getByRole('button', { name: /^Theme/ }).click();
      await isShown(theme);
    }
    await page.emulateMedia({ colorScheme: 'light' });
    await page.getByRole('button', { name: 'Theme: dark' }).click();
    await isShown('light');
    await page.getByRole('button', { name: 'Use this query in a webhook' }).click();
    await expect.poll(() => page.getByRole('dialog').textContent()).toContain('query WhoAmI');
  });

  it('are reached by the keyboard', async () => {
    await world.open('/shortcuts');
    await page.keyboard.press('g');
    await page.keyboard.press('k');
    await page.getByRole('heading', { level: 1, name: 'API tokens' }).waitFor();
    await page.keyboard.press('?');
    await page.getByRole('heading', { level: 1, name: 'Keyboard shortcuts' }).waitFor();
    // A key that is typed into a field isn't a shortcut.
    await page.keyboard.press('g');
    await page.keyboard.press('w');
    await page.getByRole('searchbox').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('g k?');
    await expect.poll(() => new URL(page.url()).searchParams.get('search')).toBe('g k?');
    await page.getByRole('heading', { level: 1, name: 'Webhooks' }).waitFor();
    // On a narrow screen, Escape closes the navigation.
    await page.setViewportSize({ width: 390, height: 860 });
    const opener = page.getByRole('button', { name: 'Navigation' });
    await opener.click();
    await page.getByRole('link', { name: 'Books' }).focus();
    await page.keyboard.press('Escape');
    await opener.and(page.locator(':focus')).and(page.locator('[aria-expanded="false"]')).waitFor();
    await page.setViewportSize({ width: 1280, height: 860 });
  });

  it('keep the chosen theme over a reload', async () => {
    await world.open('/webhooks');
    const theme = () => page.evaluate('document.documentElement.dataset.theme ?? null');
    await page.getByRole('button', { name: 'Theme: as the system' }).click();
    await page.getByRole('button', { name: 'Theme: light' }).click();
    expect(await theme()).toBe('dark');
    await page.reload();
    await page.getByRole('button', { name: 'Theme: dark' }).click();
    expect(await theme()).toBeNull();
  });
});
