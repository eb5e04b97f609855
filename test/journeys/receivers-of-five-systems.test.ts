// Promise: a receiver that was written for another system accepts the notifications of a stock process unchanged, and no other requests.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SignatureScheme } from '../../src/webhooks/index.js';
import { type ForeignReceiver, installedLanguages, type Language, startForeignReceiver } from '../support/foreign-receiver.js';
import { triedDeliveries } from '../support/journey.js';
import type { RunningProduct } from '../support/product.js';
import { runProduct } from '../support/run-product.js';
import { type SignedRequest, signedRequest } from '../support/signed-request.js';

interface System {
  name: string;
  scheme: SignatureScheme;
  language: Language;
  /** A file in test/support/foreign-receivers. */
  script: string;
  /** The fields that a subscription for that system sets, in addition to topic, address and secret. */
  says: object;
  /** The body that the system's receivers expect. */
  reads: object;
  /** `false` when the system's receivers don't check the time of a request. */
  ages: boolean;
}

const data = { id: expect.any(String), url: expect.stringMatching(/^http:\/\/api\.example\/api\/v3\/graphql\/object\/[\w-]+$/) };
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
const SYSTEMS: System[] = [
  { name: 'Scope', scheme: 'SCOPE', language: 'python3', script: 'verify-hmac.py', says: {}, reads: { data }, ages: false },
  { name: 'Scope', scheme: 'SCOPE', language: 'perl', script: 'verify-hmac.pl', says: {}, reads: { data }, ages: false },
  {
    name: 'Scalr',
    scheme: 'SCALR',
    language: 'python3',
    script: 'scalr.py',
    says: { preset: 'SCALR' },
    reads: { 'payload-version': 1, 'event-name': 'group:created', group: data, webhook: { id: expect.any(String) } },
    ages: true,
  },
  {
    name: 'Servo',
    scheme: 'SERVO',
    language: 'python3',
    script: 'servo.py',
    says: { preset: 'SERVO' },
    reads: { event: 'after:group/created', created_at: time, results: [{ connector: 'Group', value: data }] },
    ages: false,
  },
  {
    name: 'UP42',
    scheme: 'UP42',
    language: 'python3',
    script: 'up42.py',
    says: { preset: 'UP42' },
    reads: { event: 'group.created', liveMode: true, messageId: expect.any(String), timestamp: time, body: data },
    ages: true,
  },
];
const SECRET = 'a shared secret — with ünïcode';
const languages = installedLanguages();

let product: RunningProduct;
beforeAll(async () => {
  product = await runProduct();
});
afterAll(() => product?.close());

describe.each(SYSTEMS)('a receiver of $name in $language', ({ scheme, language, script, says, reads, ages }) => {
  let receiver: ForeignReceiver;
  let taken: SignedRequest;
  const installed = languages.includes(language);
  beforeAll(async () => {
    if (installed) receiver = await startForeignReceiver(language, SECRET, script);
  });
  afterAll(() => receiver?.close());

  it.skipIf(!installed)('takes a delivery and a test', async () => {
    const { id } = await product.subscribe({
      topic: { key: 'group/created' },
      callbackUrl: receiver.url,
      sharedSecret: SECRET,
      ...says,
    });
    await product.graphql('mutation { createGroup(group: { name: "Zoë’s" }) { errors { message } } }');
    const [request] = await receiver.waitFor(1);
    expect(request).toMatchObject({ verified: true });
    expect(JSON.parse(request?.body ?? '')).toEqual(reads);
    expect(await triedDeliveries(product, id, 1)).toMatchObject([{ state: 'DELIVERED' }]);
    taken = { url: receiver.url, headers: request?.headers ?? {}, body: Buffer.from(request?.body ?? '') };
    const { testWebhookSubscription } = await product.graphql(
      'mutation ($id: ID) { testWebhookSubscription(id: $id) { errors { message } report { outcome } } }',
      { id },
    );
    expect(testWebhookSubscription).toEqual({ errors: [], report: { outcome: 'DELIVERED' } });
    const test = (await receiver.waitFor(2))[1];
    expect(JSON.parse(test?.body ?? '')).toEqual('liveMode' in reads ? { ...reads, liveMode: false } : reads);
    await product.graphql('mutation ($id: ID) { deleteWebhookSubscription(webhookSubscription: { id: $id }) { errors { message } } }', {
      id,
    });
  });

  /** Whether the receiver answers with success. */
  async function takes({ url, headers, body }: SignedRequest): Promise<boolean> {
    const { host: _, connection: __, 'content-length': ___, ...rest } = headers;
    return (await fetch(url, { method: 'POST', headers: rest, body: new Uint8Array(body) })).ok;
  }
  const make = (secret: string, at = new Date()) =>
    signedRequest([scheme], { secret, at, url: receiver.url, body: '{"event": "group.created"}' });

  it.skipIf(!installed)('takes that one again, and refuses it with another body, another signature or none', async () => {
    expect(await takes(taken)).toBe(true);
    const { body, headers } = taken;
    const header = ['x-scope-hmac-sha256', 'x-signature', 'x-servo-signature', 'signature'].findLast((name) => name in headers) as string;
    for (const altered of [
      { ...taken, body: Buffer.concat([body, Buffer.from(' ')]) },
      { ...taken, body: Buffer.from(body.toString().replace('{', '{ ')) },
      { ...taken, headers: { ...headers, [header]: make(SECRET).headers[header] as string } },
      { ...taken, headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name !== header)) },
    ])
      expect(await takes(altered)).toBe(false);
  });

  it.skipIf(!installed)('refuses what is signed with another secret', async () => {
    expect(await takes(make(SECRET))).toBe(true);
    expect(await takes(make(`${SECRET}.`))).toBe(false);
  });

  it.skipIf(!installed || !ages)('refuses what is old or dated ahead', async () => {
    for (const ageMs of [400_000, -400_000]) expect(await takes(make(SECRET, new Date(Date.now() - ageMs)))).toBe(false);
  });
});
