// Promise: a receiver that was written for another system takes our notifications unchanged, and nobody else's.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SignatureScheme, Working } from '../../src/webhooks/index.js';
import { type TestApp, testApp } from '../support/app.js';
import { type ForeignReceiver, installedLanguages, type Language, startForeignReceiver } from '../support/foreign-receiver.js';
import { type SignedRequest, signedRequest } from '../support/signed-request.js';
import { until } from '../support/until.js';

interface System {
  name: string;
  scheme: SignatureScheme;
  language: Language;
  /** In test/support/foreign-receivers. */
  script: string;
  template?: string;
  /** False: its receivers know no time. */
  ages: boolean;
}

const SYSTEMS: System[] = [
  { name: 'Scope', scheme: 'SCOPE', language: 'python3', script: 'verify-hmac.py', ages: false },
  { name: 'Scope', scheme: 'SCOPE', language: 'perl', script: 'verify-hmac.pl', ages: false },
  { name: 'Scalr', scheme: 'SCALR', language: 'python3', script: 'scalr.py', ages: true },
  { name: 'Servo', scheme: 'SERVO', language: 'python3', script: 'servo.py', ages: false },
  {
    name: 'UP42',
    scheme: 'UP42',
    language: 'python3',
    script: 'up42.py',
    template: '{"event": "group.created", "liveMode": true, "body": {{ data | json }}}',
    ages: true,
  },
];
const SECRET = 'a shared secret — with ünïcode';
const languages = installedLanguages();

let t: TestApp;
let working: Working;
beforeAll(async () => {
  t = await testApp({ HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8' });
  working = await t.app.webhooks.work();
});
afterAll(async () => {
  await working.stop();
  await t.close();
});

describe.each(SYSTEMS)('a receiver of $name in $language', ({ scheme, language, script, template = null, ages }) => {
  let receiver: ForeignReceiver;
  let taken: SignedRequest;
  const installed = languages.includes(language);
  beforeAll(async () => {
    if (installed) receiver = await startForeignReceiver(language, SECRET, script);
  });
  afterAll(() => receiver?.close());

  it.skipIf(!installed)('takes a delivery', async () => {
    const input = { topic: { key: 'group/created' }, callbackUrl: receiver.url, sharedSecret: SECRET, signatures: [scheme], template };
    const { data } = await t.ask(
      `mutation ($in: WebhookSubscriptionInput) { createWebhookSubscription(webhookSubscription: $in) { errors { field message } webhookSubscription { id } } }`,
      { in: input },
    );
    expect(data.createWebhookSubscription.errors).toEqual([]);
    const { id } = data.createWebhookSubscription.webhookSubscription;
    await t.ask('mutation { createGroup(group: { name: "Zoë’s" }) { errors { message } } }');
    const [request] = await receiver.waitFor(1);
    expect(request).toMatchObject({ verified: true });
    const state = await until('it is recorded', async () => {
      const answer = await t.ask(
        'query ($id: ID) { webhookDeliveries(webhookSubscriptionId: $id) { nodes { state attempts { number } } } }',
        { id },
      );
      const [delivery] = answer.data.webhookDeliveries.nodes;
      return delivery?.attempts.length > 0 ? delivery.state : null;
    });
    expect(state).toBe('DELIVERED');
    taken = { url: receiver.url, headers: request?.headers ?? {}, body: Buffer.from(request?.body ?? '') };
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
