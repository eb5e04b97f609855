// Promise: the owner of a webhook sees its health, tests it, tries changes on stored events, switches it off and on, catches up, rotates
// its secret, and compares versions.
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACCOUNT, KEYS, REGION, startAws } from '../support/aws.js';
import { createUser } from '../support/journey.js';
import { until } from '../support/until.js';
import { type Console, hasBrowser, openConsole } from './browser.js';

describe.skipIf(!hasBrowser)('one webhook', () => {
  let world: Console;
  let page: Page;
  beforeAll(async () => {
    world = await openConsole();
    page = world.page;
  });
  afterAll(() => world.close());

  const idOf = (which: 'works' | 'fails' | 'switchedOff' | 'disabled') => world.history.webhooks?.[which] as string;
  const openWebhook = (which: Parameters<typeof idOf>[0], rest = '') => world.open(`/webhooks/${idOf(which)}${rest}`);
  const statusOf = async (which: Parameters<typeof idOf>[0]) =>
    (await world.product.graphql('query ($id: ID!) { webhookSubscription(id: $id) { status } }', { id: idOf(which) })).webhookSubscription
      ?.status;

  const field = (name: string) => page.getByRole('textbox', { name, exact: true });
  const stage = (name: string) => page.getByRole('region', { name, exact: true });
  const shows = async (where: Locator, text: string) => void (await where.filter({ hasText: text }).first().waitFor());
  const retype = async (editor: Locator, text: string) => {
    await editor.focus();
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.insertText(text);
  };
  const subscribe = (more: object) =>
    world.product.subscribe({
      name: 'Saved before',
      topic: { key: 'user/created' },
      callbackUrl: `${world.history.receiver.url}/saved`,
      ...more,
    });

  it('shows settings, health and recent deliveries, and new ones by themselves', async () => {
    await openWebhook('works');
    const main = page.getByRole('main');
    for (const text of ['user/created', 'Shared secret', '25 retries in about 21 days', 'data.node.firstName'])
      await expect.poll(() => main.textContent()).toContain(text);
    await page.getByRole('figure', { name: /attempts delivered/ }).waitFor();
    await createUser(world.product, { firstName: 'Just', lastName: 'Now' });
    await page.getByRole('row').filter({ hasText: 'Just Now' }).getByText('Delivered').waitFor();
    await page.getByRole('combobox', { name: 'Period' }).selectOption('Last 7 days');
    await expect.poll(() => new URL(page.url()).search).toBe('?period=7d');
    await page.getByRole('figure', { name: /Last 7 days: \d+ attempts delivered/ }).waitFor();
  });

  it('sends a test, and shows what the receiver answered', async () => {
    await openWebhook('works');
    await page.getByRole('button', { name: 'Send a test' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Response: 200').waitFor();
    expect(await dialog.textContent()).toMatch(/Delivered in .* has joined/s);
    await world.isAccessible();
    await dialog.getByRole('combobox', { name: 'Node' }).selectOption('Ben Sample');
    await dialog.getByRole('button', { name: 'Send again' }).click();
    await dialog.getByText('with Ben Sample').waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await openWebhook('fails');
    await page.getByRole('button', { name: 'Send a test' }).click();
    await dialog.getByText('Response: 500').waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
  });

  it.each(['SNS', 'SQS', 'EventBridge'] as const)('is created in the form to send to %s, and its notification arrives', async (kind) => {
    const aws = await startAws();
    const accepted = { FailedEntryCount: 0, Entries: [{ EventId: 'of-the-bus' }] };
    // No emulator accepts events here, so the test provides an answer of EventBridge.
    if (kind === 'EventBridge') aws.answer = (response) => void response.writeHead(200).end(JSON.stringify(accepted));
    const { topicArn, queueUrl } = await aws.topicWithQueue('from-the-form');
    const { queueArn } = await aws.queue('from-the-form');
    const address = { SNS: topicArn, SQS: queueArn, EventBridge: `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/some` }[kind];
    await world.open('/webhooks/new?topic=user%2Fcreated');
    const form = page.getByRole('dialog');
    const fill = (label: string, text: string) => form.getByRole('textbox', { name: label, exact: true }).fill(text);
    await fill('Name', `To ${kind}`);
    await form.locator('label', { hasText: new RegExp(`^${kind}$`) }).click();
    await form.getByText('This installation has no AWS credentials for you: enter an access key.').waitFor();
    // This installation offers no managed topics.
    expect(await form.getByText('Managed SNS', { exact: true }).count()).toBe(0);
    await fill({ SNS: 'Topic ARN', SQS: 'Queue ARN', EventBridge: 'Event bus ARN' }[kind], address);
    await fill('Access key id', KEYS.accessKeyId);
    await fill('Secret access key', KEYS.secretAccessKey);
    await fill('Endpoint', aws.endpoint);
    await form.getByRole('button', { name: 'Create Webhook' }).click();
    await page.getByRole('heading', { level: 1, name: `To ${kind}` }).waitFor();
    await page.getByRole('main').getByText(address).first().waitFor();
    await createUser(world.product, { firstName: 'For', lastName: kind });
    if (kind === 'EventBridge') await until('the bus has the event', async () => aws.asked.some(({ action }) => action === 'PutEvents'));
    else expect((await aws.receive(queueUrl, 1))[0]?.Body).toContain('"id"');
    await page
      .getByRole('row')
      .filter({ hasText: `For ${kind}` })
      .getByText('Delivered')
      .waitFor();
    await page.getByText(`Sent to ${address}.`).waitFor();
    await world.isAccessible();
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { level: 1, name: 'Webhooks' }).waitFor();
    await aws.close();
  });

  it('sends changes of related rows when its switch is on', async () => {
    const { id } = await world.product.subscribe({
      name: 'With its organization',
      topic: { key: 'user/updated' },
      callbackUrl: `${world.history.receiver.url}/related`,
      query: 'query ($nodeId: ID!) { node(id: $nodeId) { ... on User { firstName organization { name } } } }',
    });
    await world.open(`/webhooks/${id}/edit`);
    await page.getByText('When it is called', { exact: true }).click();
    await page.getByRole('switch', { name: /^Related changes/ }).press('Space');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'With its organization' }).waitFor();
    await page.getByText('Changes of those that the query reads are sent').waitFor();
    await world.product.pool.query(`UPDATE organizations SET name = name || '!' WHERE permalink = 'acme'`);
    const received = await until('the change arrived', async () => world.history.receiver.requests.find(({ path }) => path === '/related'));
    expect(received.body).toContain('Training!');
  });

  it('offers to skip updates that touch nothing that is read, and skips them', async () => {
    const { id } = await world.product.subscribe({
      name: 'First names',
      topic: { key: 'user/updated' },
      callbackUrl: `${world.history.receiver.url}/unread`,
      query: 'query ($nodeId: ID!) { node(id: $nodeId) { ... on User { firstName } } }',
    });
    const { databaseId } = await createUser(world.product, { firstName: 'Reads' });
    await world.product.pool.query(`UPDATE users SET last_name = 'Unread' WHERE id = $1`, [databaseId]);
    await world.open(`/webhooks/${id}`);
    const offer = page.getByRole('region', { name: 'Of the last 1 updates 1 touched nothing that this webhook reads' });
    await offer.getByRole('button', { name: 'Skip such updates' }).click();
    await offer.waitFor({ state: 'detached' });
    await page.getByText('Skipped if nothing that is read changed').waitFor();
    await world.product.pool.query(`UPDATE users SET last_name = 'Again' WHERE id = $1`, [databaseId]);
    await page.getByRole('row').filter({ hasText: 'Skipped' }).waitFor();
    expect(await page.getByRole('main').textContent()).toContain('The change touched no field');
  });

  it('tries a draft on stored events: what would be sent, skipped, and where bodies change', async () => {
    const firstNames = ['Try', 'Try', 'Leave'];
    const { id } = await subscribe({ query: 'query ($nodeId: ID!) { node(id: $nodeId) { ... on User { firstName } } }' });
    for (const firstName of firstNames) await createUser(world.product, { firstName });
    await until('the events are stored', async () => {
      const list = 'query ($id: ID!) { webhookDeliveries(webhookSubscriptionId: $id, states: [DELIVERED]) { nodes { id } } }';
      return (await world.product.graphql(list, { id })).webhookDeliveries.nodes.length === firstNames.length;
    });
    await world.open(`/webhooks/${id}/edit`);
    await retype(field('Data validation template'), '{{ data.node.firstName == "Try" }}');
    await retype(field('Template'), '{ "data": { "node": { "firstName": "{{ data.node.firstName | upcase }}" } } }');
    const events = stage('Stored events');
    await events.getByRole('button', { name: 'Try on stored events' }).press('Enter');
    const rehearsal = events.getByRole('status', { name: 'Rehearsal' });
    await rehearsal.waitFor();
    const counts = Object.fromEntries(
      await rehearsal
        .locator('dl')
        .first()
        .evaluate((list) =>
          Array.from(list.querySelectorAll('dt'), (name) => [name.textContent, Number(name.nextElementSibling?.textContent)]),
        ),
    );
    expect(counts).toMatchObject({ Sent: 2, 'with another body than before': 2, 'Held, because no request can be made': 0 });
    expect(counts['Skipped by the validation template']).toBeGreaterThanOrEqual(1);
    await rehearsal.locator('summary').nth(1).press('Enter');
    await shows(rehearsal, '$.data.node.firstName');
    expect(await rehearsal.locator('del').first().textContent()).toBe('"Try"');
    expect(await rehearsal.locator('ins').first().textContent()).toBe('"TRY"');
    await world.isAccessible();
    await retype(field('Template'), '{{ data.node.firstName | upcas }}');
    await shows(events, 'The form has changed since. Try again.');
    await events.getByRole('button', { name: 'Try on stored events' }).click();
    await shows(events.getByRole('alert'), 'upcas');
    const { webhookSubscription } = await world.product.graphql(`{ webhookSubscription(id: "${id}") { version } }`);
    expect(webhookSubscription.version).toBe(1);
  });

  it('says that no event of the topic is stored yet', async () => {
    await world.open('/webhooks/new?topic=call_recording%2Fdeleted');
    await stage('Stored events').getByRole('button', { name: 'Try on stored events' }).click();
    await shows(stage('Stored events'), 'No event of this topic is stored yet.');
  });

  it('judges a stored response by the error template', async () => {
    const { id } = await subscribe({ query: 'query ($nodeId: ID!) { node(id: $nodeId) { ... on User { email } } }' });
    await createUser(world.product);
    await createUser(world.product);
    const stored = 'query ($id: ID!) { webhookDeliveries(webhookSubscriptionId: $id, states: [DELIVERED]) { nodes { id } } }';
    await until('both are delivered', async () => (await world.product.graphql(stored, { id })).webhookDeliveries.nodes.length === 2);
    await world.open(`/webhooks/${id}/edit`);
    await retype(field('Error handling template'), '{% if body.received %}The receiver said {{ status }}.{% endif %}');
    await shows(stage('Response'), 'Counts as delivered');
    await stage('Response').getByRole('combobox', { name: 'Which response' }).selectOption({ index: 1 });
    await shows(stage('Response'), 'The receiver said 200.');
    await shows(stage('Response'), 'Counts as failed');
  });

  it('lists the failed attempts of a delivery alone', async () => {
    const { id } = await world.product.subscribe({
      name: 'Fails',
      topic: { key: 'user/created' },
      callbackUrl: `${world.history.receiver.url}/fails`,
    });
    await createUser(world.product);
    const state = async () =>
      (
        await world.product.graphql('query ($id: ID!) { webhookDeliveries(webhookSubscriptionId: $id) { nodes { id attemptCount } } }', {
          id,
        })
      ).webhookDeliveries.nodes[0];
    await until('it failed', async () => (await state())?.attemptCount === 1);
    const { id: delivery } = await state();
    const { answer } = world.history.receiver;
    world.history.receiver.answer = (response) => void response.end();
    await world.product.graphql('mutation ($id: ID!) { resendWebhookDelivery(id: $id) { errors { message } } }', { id: delivery });
    await until('it was delivered', async () => (await state())?.attemptCount === 2);
    world.history.receiver.answer = answer;
    await world.open(`/deliveries/${encodeURIComponent(delivery)}`);
    await expect.poll(() => page.locator('main ol > li').count()).toBeGreaterThan(1);
    await page.getByRole('combobox', { name: 'Attempts' }).selectOption('Only the 1 that failed');
    await expect.poll(() => new URL(page.url()).search).toContain('attempts=failed');
    await page.getByRole('list', { name: 'Stages of attempt 2' }).waitFor({ state: 'detached' });
    await world.isAccessible();
  });

  it('is disabled and enabled', async () => {
    await openWebhook('works');
    await page.getByRole('button', { name: 'Disable' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
    await page.getByText('This webhook is switched off').waitFor();
    expect(await statusOf('works')).toBe('DISABLED');
    await page.getByRole('button', { name: 'Enable', exact: true }).click();
    await page.getByRole('button', { name: 'Disable' }).waitFor();
    expect(await statusOf('works')).toBe('ENABLED');
  });

  it('says which rule switched it off and since when, and catches up', async () => {
    // The receiver works again, because otherwise the rule would switch the webhook off again at once.
    world.history.receiver.answer = (response) => void response.end();
    await openWebhook('switchedOff');
    const banner = page.getByRole('region', { name: /410/ });
    expect(await banner.textContent()).toMatch(/The receiver said that it is gone.*Since \d/s);
    await banner.getByRole('button', { name: /catch up/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Enable and catch up' }).click();
    await until('a replay was started', async () => {
      const { webhookReplays } = await world.product.graphql(
        'query ($id: ID!) { webhookReplays(webhookSubscriptionId: $id) { totalCount } }',
        {
          id: idOf('switchedOff'),
        },
      );
      return webhookReplays.totalCount === 1;
    });
  });

  it('shows two versions side by side, and its audit log', async () => {
    await openWebhook('works', '/versions');
    const diff = page.getByRole('region', { name: 'Differences' });
    await diff.waitFor();
    expect(await diff.locator('[data-change="removed"]').allTextContents()).toContainEqual(expect.stringContaining('is here'));
    expect(await diff.locator('[data-change="added"]').allTextContents()).toContainEqual(expect.stringContaining('has joined'));
    await page.getByRole('link', { name: 'Audit log' }).last().click();
    await expect.poll(() => page.locator('main ol').textContent()).toMatch(/Created/);
  });

  it('rotates its secret, which is shown once and copied whole', async () => {
    await openWebhook('works');
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Rotate secret' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Rotate' }).click();
    await dialog.getByText('It is never shown again.').waitFor();
    const secret = await dialog.locator('pre').textContent();
    expect(secret).toMatch(/^whsec_[\w+/=]{44}$/);
    await dialog.getByRole('button', { name: 'Copy the new secret' }).click();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(secret);
    await dialog.getByRole('button', { name: 'I have copied it' }).click();
    await page.getByText(/The old secret also signs until/).waitFor();
  });

  it('is deleted, after a question', async () => {
    await openWebhook('disabled');
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { level: 1, name: 'Webhooks' }).waitFor();
    expect(await statusOf('disabled')).toBeUndefined();
    await openWebhook('disabled');
    await page.getByText('You have no webhook with this id').waitFor();
  });
});
