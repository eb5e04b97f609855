// Tests the presets for body shapes: each is listed, fills in absent fields, renders what its receivers read, and can be edited later.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestApp, testApp } from '../support/app.js';

let app: TestApp;
beforeAll(async () => {
  app = await testApp();
});
afterAll(() => app.close());

const ask: TestApp['value'] = (...asked) => app.value(...asked);

const SUBSCRIPTION = { topic: { key: 'user/created' }, callbackUrl: 'https://8.8.8.8/hook' };
const SECRETS: Record<string, string> = { STANDARD_WEBHOOKS: `whsec_${Buffer.alloc(24, 7).toString('base64')}` };
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
const data = { id: expect.any(String), url: expect.any(String) };

it.each([
  ['UP42', { event: 'user.created', liveMode: false, messageId: '0', timestamp: time, body: data }],
  ['SCURRI', { event_type: 'user_created', event_id: '0', payload_version: '1.1', payload: data }],
  ['SCALR', { 'payload-version': 1, 'event-name': 'user:created', user: data, webhook: { id: expect.any(String) } }],
  ['SERVO', { event: 'after:user/created', created_at: time, results: [{ connector: 'User', value: data }] }],
  ['STANDARD_WEBHOOKS', { type: 'user.created', timestamp: time, data }],
])('%s', async (preset, body) => {
  const webhookSubscription = { ...SUBSCRIPTION, preset, sharedSecret: SECRETS[preset] ?? 'a secret of the test' };
  const { errors, report } = await ask(
    `mutation ($in: WebhookSubscriptionInput) { previewWebhookSubscription(webhookSubscription: $in) { errors { field message } report { outcome request { body } } } }`,
    { in: webhookSubscription },
  );
  expect(errors).toEqual([]);
  expect(report.outcome).toBe('READY');
  expect(JSON.parse(report.request.body)).toEqual(body);

  const listed = (await ask('{ webhookPresets { key name description contentType template signatures } }')).find(
    ({ key }: { key: string }) => key === preset,
  );
  const saved = await ask(
    `mutation ($in: WebhookSubscriptionInput) { createWebhookSubscription(webhookSubscription: $in) { errors { field message } webhookSubscription { id template signatures } } }`,
    { in: webhookSubscription },
  );
  expect(saved.errors).toEqual([]);
  expect(saved.webhookSubscription.template).toBe(listed.template);
  expect(saved.webhookSubscription.signatures).toEqual(listed.signatures ?? ['SCOPE']);
  const edited = await ask(
    `mutation ($in: WebhookSubscriptionInput) { updateWebhookSubscription(webhookSubscription: $in) { errors { message } webhookSubscription { template } } }`,
    { in: { id: saved.webhookSubscription.id, template: '{"mine": {{ data | json }}}' } },
  );
  expect(edited).toEqual({ errors: [], webhookSubscription: { template: '{"mine": {{ data | json }}}' } });
});

it('leaves what the input says', async () => {
  const { webhookSubscription } = await ask(
    `mutation ($in: WebhookSubscriptionInput) { createWebhookSubscription(webhookSubscription: $in) { webhookSubscription { template signatures } } }`,
    { in: { ...SUBSCRIPTION, preset: 'SERVO', signatures: ['SCOPE'], template: '{}' } },
  );
  expect(webhookSubscription).toEqual({ template: '{}', signatures: ['SCOPE'] });
});
