// Promise: a webhook is created, tried and changed in the browser, by keyboard, with every mistake at its field.
import type { CDPSession, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createUser } from '../support/journey.js';
import { type Console, hasBrowser, openConsole, openPath } from './browser.js';

/**
 * Maximum number of function calls that one typed letter may cause. Measured: 75,000 when each letter rendered the whole form, 8,000 when
 * it renders only its field.
 */
const MOST_CALLS = 20_000;

/** Counts the calls of the console's functions since the last count. A count, unlike a time, is the same on a busy machine. */
async function calls(profiler: CDPSession): Promise<number> {
  const { result } = await profiler.send('Profiler.takePreciseCoverage');
  return result
    .filter(({ url }) => url.includes('/console/'))
    .flatMap(({ functions }) => functions)
    .reduce((sum, { ranges: [whole] }) => sum + (whole?.count ?? 0), 0);
}

describe.skipIf(!hasBrowser)('the form', () => {
  let world: Console;
  let page: Page;
  beforeAll(async () => {
    world = await openConsole({
      history: false,
      env: { HOOKGRAPH_SNS_ACCOUNTS: '123456789012,210987654321:another', HOOKGRAPH_SNS_MANAGED: 'arn:aws:sns:eu-central-1:123456789012' },
    });
    page = world.page;
  });
  afterAll(() => world.close());

  const field = (name: string, of: Page = page) => of.getByRole('textbox', { name, exact: true });
  const stage = (name: string, of: Page = page) => of.getByRole('region', { name, exact: true });
  /** An editor's completion shows its type behind its name. */
  const option = (name: string) => page.getByRole('option', { name: new RegExp(`^${name}`) });
  /** Accepts the selected completion by Enter after 100 ms, because the list ignores Enter for its first 75 ms to prevent accidents. */
  const take = async (name: string) => {
    await option(name).and(page.locator('[aria-selected="true"]')).waitFor();
    await page.evaluate('new Promise((resolve) => setTimeout(resolve, 100))');
    await page.keyboard.press('Enter');
  };
  const dialog = () => page.getByRole('dialog', { name: /Webhook$/ });
  /** Waits until the text is visible; the preview follows the typing with a delay. */
  const shows = async (where: Locator, text: string | RegExp) => void (await where.filter({ hasText: text }).first().waitFor());
  const retype = async (editor: Locator, text: string) => {
    await editor.focus();
    await page.keyboard.press('ControlOrMeta+a');
    // Pastes the text, because the editor would close brackets in typed text.
    await page.keyboard.insertText(text);
  };
  const subscribe = (more: object = {}) =>
    world.product.subscribe({
      name: 'Saved before',
      topic: { key: 'user/created' },
      callbackUrl: `${world.history.receiver.url}/saved`,
      ...more,
    });
  const saved = async (id: string) => {
    const query =
      '{ id name version query template validationTemplate disabled hasSharedSecret auth { kind } retry { maxTries } signatures }';
    return (await world.product.graphql(`query ($id: ID!) { webhookSubscription(id: $id) ${query} }`, { id })).webhookSubscription;
  };

  it('creates a webhook by keyboard: completion, a live preview, a mistake at line and column, and a notification that arrives', async () => {
    await createUser(world.product, { firstName: 'Zoë', lastName: 'Müller', email: 'zoe@example.org' });
    await world.open('/webhooks');
    await page.getByRole('link', { name: 'Create Webhook' }).first().focus();
    await page.keyboard.press('Enter');
    await field('Name').and(page.locator(':focus')).waitFor();
    await page.keyboard.insertText('New colleagues');
    await field('Description').fill('Tells the welcome desk. Ask Ida.');
    await page.getByRole('combobox', { name: 'Topic' }).focus();
    await page.keyboard.type('user creation');
    await page.getByText('Nothing matches.').waitFor();
    for (const _ of 'ion') await page.keyboard.press('Backspace');
    await option('user/created').waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await field('Callback URL').focus();
    await page.keyboard.insertText(`${world.history.receiver.url}/new`);
    await page.getByRole('button', { name: 'Generate' }).press('Enter');
    const secret = await field('Shared secret').inputValue();
    expect(secret).toMatch(/^whsec_/);

    await page.getByRole('button', { name: 'Start with fields of User' }).press('Enter');
    await shows(stage('Query result'), '"email": "zoe@example.org"');
    await field('Template').focus();
    await page.keyboard.insertText('{"who": "{{ data.node');
    await page.keyboard.type('.em');
    await take('email');
    await page.keyboard.type(' | upc');
    await take('upcase');
    await page.keyboard.type(' }}"}');
    await shows(stage('Body'), '"who": "ZOE@EXAMPLE.ORG"');
    await shows(stage('Request'), /X-Scope-Hmac-Sha256/i);

    await retype(field('Template'), '{\n  "who": {{ data.node.email | upcas }}\n}');
    const place = stage('Body').getByRole('button', { name: /^Line 2, column \d+$/ });
    await place.waitFor();
    expect(await stage('Query result').textContent()).toContain('zoe@example.org');
    expect(await page.locator('[data-field="template"]').textContent()).toContain('upcas');
    await place.click();
    await expect.poll(() => field('Template').evaluate((node) => node === node.ownerDocument.activeElement)).toBe(true);
    await retype(field('Template'), '{ "who": {{ data.node.email | json }} }');
    await shows(stage('Body'), '"who": "zoe@example.org"');

    await retype(field('Data validation template'), '{{ data.node.email == "nobody" }}');
    await shows(stage('Validation'), 'nothing would be sent');
    await retype(field('Data validation template'), '{{ data.node.email contains "@" }}');
    await shows(stage('Validation'), 'Renders true');
    await retype(field('Error handling template'), '{% unless body.ok %}refused{% endunless %}');
    await shows(stage('Response'), 'refused');
    await stage('Response').getByRole('textbox', { name: 'Body' }).fill('{"ok": true}');
    await shows(stage('Response'), 'Counts as delivered');
    await retype(field('Error handling template'), '');

    const before = world.history.receiver.requests.length;
    await dialog().getByRole('button', { name: 'Create Webhook' }).press('Enter');
    await dialog().waitFor({ state: 'detached' });
    await page.getByRole('heading', { name: 'New colleagues' }).waitFor();
    await shows(page.locator('main header'), 'Tells the welcome desk.');
    await createUser(world.product, { firstName: 'Ida', lastName: 'B', email: 'ida@example.org' });
    const [request] = (await world.history.receiver.waitFor(before + 1)).slice(before);
    expect(request?.body).toBe('{ "who": "ida@example.org" }');
    expect(request?.headers).toHaveProperty('x-scope-hmac-sha256');
  });

  it('renders the field that is typed in, and no other', async () => {
    const { id } = await subscribe();
    await world.open(`/webhooks/${id}/edit`);
    await shows(stage('Query result'), '{');
    const profiler = await page.context().newCDPSession(page);
    await profiler.send('Profiler.enable');
    await profiler.send('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    await field('Name').focus();
    // Types one letter before it counts renders: the first letter makes the form dirty, which renders more.
    await page.keyboard.type('a');
    await page.locator('section[aria-label="Live preview"][aria-busy="false"]').waitFor();
    await calls(profiler);
    const typed = 'of a name';
    for (const letter of typed) await page.keyboard.type(letter);
    const perKey = (await calls(profiler)) / typed.length;
    await profiler.detach();
    expect(perKey).toBeLessThan(MOST_CALLS);
  });

  it('creates a webhook for each of several topics, all or none', async () => {
    await createUser(world.product);
    await world.open('/webhooks/new?topic=user%2Fcreated');
    await field('Name').fill('Three in one');
    await field('Callback URL').fill(`${world.history.receiver.url}/several`);
    await page.getByText('More topics', { exact: true }).click();
    for (const key of ['user/updated', 'user/deleted']) await page.locator('label', { hasText: new RegExp(`^${key}`) }).click();
    await world.isAccessible();
    await dialog().getByRole('button', { name: 'Create Webhook' }).click();
    await page.getByText('Saved: 3 webhooks, one for each topic.').waitFor();
    await expect.poll(() => new URL(page.url()).searchParams.get('search')).toBe('Three in one');
    await expect.poll(() => page.locator('main tbody tr').count()).toBe(3);
  });

  it.each(['Enter', 'Tab'])('previews the node whose id was pasted, taken by %s', async (key) => {
    const { webhookTopic } = await world.product.graphql(
      '{ webhookTopic(key: "user/created") { recentNodes(first: 25) { nodeId nodeLabel } } }',
    );
    const node = webhookTopic.recentNodes.at(-1);
    await world.open('/webhooks/new?topic=user%2Fcreated');
    const picker = page.getByRole('combobox', { name: 'Node', exact: true });
    await shows(stage('Query result'), '{');
    // Pastes before the list of the box appears, as a quick person on a slow machine would.
    await picker.evaluate((box: HTMLInputElement, id: string) => {
      box.focus();
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(box, id);
      box.dispatchEvent(new InputEvent('input', { bubbles: true, data: id, inputType: 'insertFromPaste' }));
    }, node.nodeId);
    await page.keyboard.press(key);
    await shows(stage('Query result'), node.nodeId);
    await page.getByRole('heading', { name: 'Live preview' }).click();
    await expect.poll(() => picker.inputValue()).toBe(node.nodeLabel);
  });

  it('offers the destinations that the installation has, and names the accounts of its credentials', async () => {
    await world.open('/webhooks/new?topic=user%2Fcreated');
    await page.locator('label', { hasText: /^Managed SNS$/ }).click();
    await field('Subscriber principal').waitFor();
    expect(await dialog().textContent()).not.toContain('access key');
    await page.locator('label', { hasText: /^SNS$/ }).click();
    await shows(dialog(), 'They may be used for the account 123456789012.');
    await page.locator('label', { hasText: /^SQS$/ }).click();
    await shows(dialog(), 'This installation has no AWS credentials for you: enter an access key.');
  });

  it('shows mistakes at their fields after a save that was refused, and puts the focus on the first', async () => {
    await world.open('/webhooks/new');
    await dialog().getByRole('button', { name: 'Create Webhook' }).click();
    const name = page.locator('[data-field="name"]');
    await shows(name, 'blank');
    await expect.poll(() => field('Name').evaluate((node) => node === node.ownerDocument.activeElement)).toBe(true);
    await field('Name').fill('Without a topic');
    await field('Callback URL').fill('ftp://example.org');
    await page.getByText('Authentication', { exact: true }).click();
    await page.locator('label', { hasText: /^Token$/ }).click();
    await dialog().getByRole('button', { name: 'Create Webhook' }).click();
    await shows(page.locator('[data-field="topic"]'), 'blank');
    await shows(page.locator('[data-field="callbackUrl"]'), /https/);
    await shows(page.locator('[data-field="auth.token"]'), 'blank');
  });

  it('changes what was changed alone, keeps secrets, and sends a test with the toggle', async () => {
    const { id } = await subscribe({ sharedSecret: 'kept', auth: { token: { token: 'kept', scheme: 'Bearer' } }, retry: { maxTries: 3 } });
    await world.open(`/webhooks/${id}/edit`);
    await shows(page.locator('[data-field="secret"]'), 'can’t be shown');
    await field('Name').fill('Renamed');
    await page.getByText('Retries and rate limit', { exact: true }).click();
    await field('Tries').fill('5');
    await page.getByRole('switch', { name: /^Test/ }).press('Space');
    const before = world.history.receiver.requests.length;
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await dialog().waitFor({ state: 'detached' });
    expect(await saved(id)).toMatchObject({ name: 'Renamed', retry: { maxTries: 5 }, hasSharedSecret: true, auth: { kind: 'TOKEN' } });
    const [request] = (await world.history.receiver.waitFor(before + 1)).slice(before);
    expect(request?.headers).toMatchObject({ authorization: 'Bearer kept' });
  });

  it('says that a test failed although the webhook is saved', async () => {
    const { id } = await subscribe({ callbackUrl: `${world.history.receiver.url}/fails` });
    await world.open(`/webhooks/${id}/edit`);
    await page.getByRole('switch', { name: /^Test/ }).press('Space');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await shows(dialog(), 'The webhook is saved, and its test failed.');
    await shows(dialog(), 'The receiver answered 500');
    await dialog().getByRole('button', { name: 'Close' }).first().click();
    await dialog().waitFor({ state: 'detached' });
  });

  it('explains a conflict, and saves over the newer version only what was changed', async () => {
    const { id } = await subscribe();
    await world.open(`/webhooks/${id}/edit`);
    await retype(field('Template'), '{"mine": true}');
    await world.product.graphql(
      'mutation ($in: WebhookSubscriptionInput) { updateWebhookSubscription(webhookSubscription: $in) { errors { message } } }',
      { in: { id, validationTemplate: 'true' } },
    );
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    const banner = page.getByRole('region', { name: /^Version 2 was saved/ });
    await shows(banner, 'It changed data validation template.');
    await banner.getByRole('button', { name: 'Keep my changes' }).click();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await dialog().waitFor({ state: 'detached' });
    expect(await saved(id)).toMatchObject({ version: 3, template: '{"mine": true}', validationTemplate: 'true' });
  });

  it.each([
    ['Escape', () => page.keyboard.press('Escape')],
    ['a press outside', () => page.mouse.click(4, 400)],
    ['Back', () => page.goBack()],
  ])('asks before unsaved changes are lost by %s', async (_how, leave) => {
    await world.open('/webhooks');
    await page.getByRole('link', { name: 'Create Webhook' }).first().click();
    await field('Name').fill('Not saved');
    await leave();
    const question = page.getByRole('dialog', { name: 'Leave without saving?' });
    await question.getByRole('button', { name: 'Cancel' }).click();
    await question.waitFor({ state: 'detached' });
    expect(await field('Name').inputValue()).toBe('Not saved');
    await leave();
    await question.getByRole('button', { name: 'Discard changes' }).click();
    await dialog().waitFor({ state: 'detached' });
  });

  it('closes the list of completions by Escape and nothing else, and leaves an editor by Tab', async () => {
    await world.open('/webhooks/new');
    await field('Template').focus();
    await page.keyboard.type('{{ d');
    await option('data').waitFor();
    await page.keyboard.press('Escape');
    await option('data').waitFor({ state: 'detached' });
    expect(await dialog().isVisible()).toBe(true);
    await page.keyboard.press('Tab');
    expect(await field('Template').evaluate((node) => node === node.ownerDocument.activeElement)).toBe(false);
  });

  it('previews with a token that may only read, and says why nothing can be saved', async () => {
    const { id } = await subscribe({ query: 'query ($nodeId: ID!) { node(id: $nodeId) { ... on User { email } } }' });
    const { createApiToken } = await world.product.graphql(
      'mutation { createApiToken(apiToken: { name: "reader", scope: READ }) { token } }',
    );
    const reader = await world.newPage({ token: createApiToken.token });
    await openPath(reader, world.product.url, `/webhooks/${id}/edit`);
    await shows(stage('Query result', reader), '@example.org');
    const save = reader.getByRole('button', { name: 'Save', exact: true });
    expect(await save.getAttribute('aria-disabled')).toBe('true');
    await shows(reader.getByRole('dialog'), /MANAGE_WEBHOOKS/);
  });
});
