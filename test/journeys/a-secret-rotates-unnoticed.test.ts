// Promise: a shared secret can be replaced while notifications continue; a receiver that learns the new secret in time refuses none.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Scheme, verifyWebhook } from '../../src/verify/index.js';
import type { Working } from '../../src/webhooks/index.js';
import { type TestApp, testApp } from '../support/app.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

let t: TestApp;
let working: Working;
let receiver: Receiver;
beforeAll(async () => {
  t = await testApp({ HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8' });
  working = await t.app.webhooks.work();
  // The receiver repeats its secrets, as receivers in development do.
  receiver = await startReceiver((response) => void response.end(JSON.stringify({ known: [OLD, NEW] })));
});
afterAll(async () => {
  await working.stop();
  await receiver.close();
  await t.close();
});

const secretOf = (n: number) => `whsec_${Buffer.alloc(32, n).toString('base64')}`;
const [OLD, NEW] = [secretOf(1), secretOf(2)];
const SUBSCRIPTION = 'id signatures hasSharedSecret publicKey version secretRotation { endsAt }';

async function subscribe(path: string, signatures: Scheme[]): Promise<string> {
  const { data, errors } = await t.ask(
    `mutation ($in: WebhookSubscriptionInput) { createWebhookSubscription(webhookSubscription: $in) {
      errors { field message } webhookSubscription { ${SUBSCRIPTION} } } }`,
    { in: { topic: { key: 'group/created' }, callbackUrl: `${receiver.url}${path}`, sharedSecret: OLD, signatures } },
  );
  expect(errors).toBeUndefined();
  const { errors: mistakes, webhookSubscription } = data.createWebhookSubscription;
  expect(mistakes).toEqual([]);
  expect(webhookSubscription).toMatchObject({ signatures, hasSharedSecret: true, secretRotation: null });
  return webhookSubscription.id;
}

const PAYLOAD = `{ errors { field message path } warnings { message } webhookSubscription { ${SUBSCRIPTION} } }`;
async function rotate(form: 'plain' | 'input', variables: object) {
  const source =
    form === 'plain'
      ? `mutation ($id: ID, $sharedSecret: String, $overlapSeconds: Int) {
          rotateWebhookSecret(id: $id, sharedSecret: $sharedSecret, overlapSeconds: $overlapSeconds) ${PAYLOAD} }`
      : `mutation ($input: RotateWebhookSecretInput) { rotateWebhookSecret(input: $input) ${PAYLOAD} }`;
  const { data, errors } = await t.ask(source, form === 'plain' ? { ...variables } : { input: variables });
  expect(errors).toBeUndefined();
  return data.rotateWebhookSecret;
}

/** Causes an event, and returns the secrets that verify the only request at this path. */
async function toldAt(path: string, scheme: Scheme): Promise<string[]> {
  const before = receiver.requests.length;
  await t.ask('mutation { createGroup(group: { name: "Some" }) { errors { message } } }');
  const request = await until('it arrives', () => receiver.requests.slice(before).find((one) => one.path === path));
  const url = `${receiver.url}${path}`;
  return [OLD, NEW].filter((secret) => verifyWebhook({ scheme, secret, ...request, url }).ok);
}

it('under schemes that carry two signatures both secrets verify, then the new one', async () => {
  const id = await subscribe('/both', ['STANDARD_WEBHOOKS', 'HTTP_MESSAGE_SIGNATURES']);
  expect(await toldAt('/both', 'STANDARD_WEBHOOKS')).toEqual([OLD]);
  const { errors, warnings, webhookSubscription } = await rotate('plain', { id, sharedSecret: NEW, overlapSeconds: 3600 });
  expect([errors, warnings]).toEqual([[], []]);
  expect(webhookSubscription).toMatchObject({ version: 2, hasSharedSecret: true });
  expect(Date.parse(webhookSubscription.secretRotation.endsAt)).toBeGreaterThan(Date.now() + 3_500_000);
  for (const scheme of ['STANDARD_WEBHOOKS', 'HTTP_MESSAGE_SIGNATURES'] as const) expect(await toldAt('/both', scheme)).toEqual([OLD, NEW]);
  // A rotation without an overlap also ends the running overlap early.
  const third = await rotate('input', { id, sharedSecret: OLD, overlapSeconds: 0 });
  expect(third).toMatchObject({ errors: [], webhookSubscription: { version: 3, secretRotation: null } });
  expect(await toldAt('/both', 'HTTP_MESSAGE_SIGNATURES')).toEqual([OLD]);
});

it('under the others the new secret counts from the end of the overlap, with nobody doing anything', async () => {
  const id = await subscribe('/one', ['SERVO']);
  await rotate('input', { id, sharedSecret: NEW, overlapSeconds: 3 });
  expect(await toldAt('/one', 'SERVO')).toEqual([OLD]);
  await until('the overlap has ended', async () => (await toldAt('/one', 'SERVO')).includes(NEW), { everyMs: 200 });
  expect(await toldAt('/one', 'SERVO')).toEqual([NEW]);
});

it('says what is wrong beside the argument, and neither secret is answered or recorded', async () => {
  const id = await subscribe('/wrong', ['STANDARD_WEBHOOKS']);
  const none = await rotate('plain', { sharedSecret: NEW });
  expect(none).toMatchObject({ errors: [{ field: 'id', message: "can't be blank", path: ['id'] }], webhookSubscription: null });
  const wrong = await rotate('input', { id, sharedSecret: 'in words', overlapSeconds: -1 });
  expect(wrong.errors).toMatchObject([{ field: 'overlapSeconds', path: ['input', 'overlapSeconds'] }, { field: 'sharedSecret' }]);
  await rotate('plain', { id, sharedSecret: NEW });
  await toldAt('/wrong', 'STANDARD_WEBHOOKS');
  const told = await until('it is recorded', async () => {
    const { data } = await t.ask(
      `query ($id: ID!) { node(id: $id) { ... on WebhookSubscription { ${SUBSCRIPTION} deliveries { nodes { attempts {
        request { headers body } response { headers body } } } } } } }`,
      { id },
    );
    return data.node.deliveries.nodes[0]?.attempts.length > 0 ? JSON.stringify(data) : null;
  });
  expect(told.includes('[\\"[redacted]\\",\\"[redacted]\\"]')).toBe(true);
  expect([OLD, NEW].filter((secret) => told.includes(secret.slice('whsec_'.length)))).toEqual([]);
});
