// Promise: the guide's own scenario passes unchanged, with a receiver in another language that verifies the signature.
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ForeignReceiver, installedLanguages, type Language, startForeignReceiver } from '../support/foreign-receiver.js';
import { createUser, triedDeliveries, untilSettled } from '../support/journey.js';
import { ADMIN_TOKEN, type Product, startProduct } from '../support/product.js';
import { startReceiver } from '../support/receiver.js';

const SECRET = 'shhh — a secret with ünïcode';
const VALIDATIONS = {
  directly: '{% if data.node.name != "Alain Bloch" %}true{% else %}false{% endif %}',
  'by way of a variable': `{% assign send = true %}
    {% if data.node.name == "Alain Bloch" %}{% assign send = false %}{% endif %}
    {{ send }}`,
};

let product: Product;
beforeAll(async () => {
  product = await startProduct({ env: { HOOKGRAPH_DOMAIN: 'training.example' } });
});
afterAll(() => product?.close());

/** Runs the guide's mutation exactly as the guide prints it. */
async function subscribe(callbackUrl: string, { secret = SECRET as string | null, validation = VALIDATIONS.directly } = {}) {
  const text = (value: string) => JSON.stringify(value);
  const { createWebhookSubscription: payload } = await product.graphql(`mutation {
    createWebhookSubscription(webhookSubscription: {
      topic: { key: "user/created" }
      callbackUrl: ${text(callbackUrl)}
      ${secret === null ? '' : `sharedSecret: ${text(secret)}`}
      query: ${text('query ($nodeId: ID!) { node(id: $nodeId) { ... on User { name } } }')}
      validationTemplate: ${text(validation)}
      template: ${text('{"name": {{ data.node.name | json }}}')}
    }) { errors { field message } webhookSubscription { id databaseId } }
  }`);
  expect(payload.errors).toEqual([]);
  return payload.webhookSubscription as { id: string; databaseId: string };
}

const languages = installedLanguages();
if (languages.length === 0) it.skip('tells a receiver in another language: neither python3 nor perl is installed');

const cases = languages.flatMap((language) => Object.entries(VALIDATIONS).map(([form, validation]) => ({ language, form, validation })));
it.each(cases)('tells a receiver in $language of one user and not of Alain, decided $form', async ({ language, validation }) => {
  await withForeignReceiver(language, SECRET, async (receiver) => {
    const { id, databaseId } = await subscribe(receiver.url, { validation });
    const alain = await createUser(product, { firstName: 'Alain', lastName: 'Bloch' });
    const zoe = await createUser(product, { firstName: 'Zoë "Z"', lastName: 'Müller' });

    const [request] = await receiver.waitFor(1);
    const deliveries = await triedDeliveries(product, id, 2);
    expect(receiver.requests).toHaveLength(1);
    expect(request).toMatchObject({ verified: true, path: '/hook?from=hookgraph' });
    expect(JSON.parse(request?.body as string)).toEqual({ name: 'Zoë "Z" Müller' });

    const sent = deliveries.find(({ nodeId }) => nodeId === zoe.id);
    expect(sent).toMatchObject({ state: 'DELIVERED', attempts: [{ number: 1, outcome: 'DELIVERED', response: { status: 200 } }] });
    expect(deliveries.find(({ nodeId }) => nodeId === alain.id)).toMatchObject({
      state: 'SKIPPED',
      reason: 'VALIDATION',
      attempts: [{ outcome: 'SKIPPED', stage: 'VALIDATION', message: 'The validation template rendered false.', request: null }],
    });

    const headers = request?.headers ?? {};
    expect(headers).toMatchObject({
      'x-scope-topic': 'user/created',
      'x-scope-topic-version': '1.1',
      'x-scope-api-version': '3',
      'x-scope-domain': 'training.example',
      'x-scope-hmac-sha256': createHmac('sha256', SECRET)
        .update(request?.body as string)
        .digest('base64'),
      'x-scope-webhook-id': databaseId,
      'x-scope-webhook-type': 'node',
      'x-scope-webhook-job-id': sent?.databaseId,
      'x-scope-time': expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
      'content-type': 'application/json',
    });
    expect(Math.abs(Date.parse(headers['x-scope-time'] as string) - Date.now())).toBeLessThan(60_000);
  });
});

it.skipIf(languages.length === 0)('counts a receiver that finds the signature wrong as a failure, and tries again', async () => {
  await withForeignReceiver(languages[0] as Language, 'another secret', async (receiver) => {
    const { id } = await subscribe(receiver.url);
    await createUser(product);
    const [delivery] = await triedDeliveries(product, id, 1);
    expect(receiver.requests).toMatchObject([{ verified: false }]);
    expect(delivery).toMatchObject({
      state: 'RETRYING',
      attempts: [
        {
          outcome: 'FAILED',
          stage: 'STATUS',
          message: expect.stringMatching(
            /^The receiver answered with status 401\. The request was signed with SCOPE: does the receiver have/,
          ),
          response: { status: 401 },
        },
      ],
    });
  });
});

it('signs nothing without a shared secret', async () => {
  const receiver = await startReceiver();
  await subscribe(receiver.url, { secret: null });
  await createUser(product);
  await untilSettled(product);
  expect(receiver.requests).toHaveLength(1);
  expect(receiver.requests[0]?.headers).not.toHaveProperty('x-scope-hmac-sha256');
  await receiver.close();
});

it('answers Bearer tokens as well, and nobody without a token', async () => {
  const ask = (headers: Record<string, string>) =>
    fetch(`${product.url}/api/v3/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query: '{ viewer { firstName } }' }),
    });
  expect(await (await ask({ authorization: `Bearer ${ADMIN_TOKEN}` })).json()).toEqual({ data: { viewer: { firstName: 'Ada' } } });
  for (const headers of [{}, { authorization: 'Token token=wrong' }])
    expect((await ask(headers as Record<string, string>)).status).toBe(401);
});

it('has an explorer that loads nothing from another host', async () => {
  const response = await fetch(`${product.url}/api/v3/graphql/explorer`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/html/);
  const page = await response.text();
  expect(page).toContain('/api/v3/graphql');
  // Everything that makes a browser load a resource: tag attributes, imports and images in styles, imports in modules.
  const [head, ...scripts] = page.split('<script');
  expect(scripts.length).toBeGreaterThan(0);
  for (const script of scripts) expect(script.slice(0, script.indexOf('>'))).not.toMatch(/\bsrc\s*=/);
  const loads = [...(head as string).matchAll(/(?:src|href)\s*=\s*["']([^"']*)/g)].map((match) => match[1]);
  expect(loads.filter((address) => !address?.startsWith('data:'))).toEqual([]);
  expect(page).not.toMatch(/@import\s+(url\()?["']?(https?:)?\/\/|url\(\s*["']?(https?:)?\/\/|\bimport\(\s*["'](https?:)?\/\//);
});

async function withForeignReceiver(language: Language, secret: string, work: (receiver: ForeignReceiver) => Promise<void>) {
  const receiver = await startForeignReceiver(language, secret);
  try {
    await work(receiver);
  } finally {
    receiver.close();
  }
}
