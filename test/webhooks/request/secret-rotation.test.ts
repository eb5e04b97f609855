// Tests which secrets sign at which time. Each receiver knows one secret, as before or after it learns the new secret.
import { httpbis } from 'http-message-signatures';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { type Scheme, verifyWebhook } from '../../../src/verify/index.js';
import { signedRequest } from '../../support/signed-request.js';

const secretOf = (n: number) => `whsec_${Buffer.alloc(32, n).toString('base64')}`;
const [OLDEST, OLD, NEW] = [secretOf(1), secretOf(2), secretOf(3)];
const now = new Date();
const inMs = (ms: number) => new Date(now.getTime() + ms);
const rotation = {
  secret: NEW,
  oldSecrets: [
    { secret: OLD, version: 2, endsAt: inMs(60_000) },
    { secret: OLDEST, version: 1, endsAt: inMs(30_000) },
  ],
};
const send = (scheme: Scheme, at: Date) => signedRequest([scheme], { ...rotation, at });
const known = (scheme: Scheme, at: Date) =>
  [OLDEST, OLD, NEW].filter((secret) => verifyWebhook({ scheme, secret, ...send(scheme, at), now: () => at }).ok);

describe.each(['STANDARD_WEBHOOKS', 'HTTP_MESSAGE_SIGNATURES'] as const)('%s, which can carry several signatures', (scheme) => {
  it('is signed with every secret until its own overlap ends, to the millisecond', () => {
    expect(known(scheme, now)).toEqual([OLDEST, OLD, NEW]);
    expect(known(scheme, inMs(29_999))).toEqual([OLDEST, OLD, NEW]);
    expect(known(scheme, inMs(30_000))).toEqual([OLD, NEW]);
    expect(known(scheme, inMs(60_000))).toEqual([NEW]);
  });
});

describe.each(['SCOPE', 'UP42', 'SCALR', 'SERVO'] as const)('%s, which can carry one signature', (scheme) => {
  it('is signed with the oldest secret until its overlap ends, so that the owner sets the moment of the new one', () => {
    expect(known(scheme, now)).toEqual([OLDEST]);
    expect(known(scheme, inMs(30_000))).toEqual([OLD]);
    expect(known(scheme, inMs(59_999))).toEqual([OLD]);
    expect(known(scheme, inMs(60_000))).toEqual([NEW]);
  });

  it('is accepted throughout by a receiver that takes all secrets', () => {
    for (const at of [now, inMs(45_000), inMs(90_000)])
      expect(verifyWebhook({ scheme, secret: [NEW, OLD, OLDEST], ...send(scheme, at), now: () => at }).ok).toBe(true);
  });
});

it('the official library of Standard Webhooks accepts it with either secret', () => {
  const { headers, body } = send('STANDARD_WEBHOOKS', now);
  for (const secret of [OLDEST, OLD, NEW]) expect(new Webhook(secret).verify(body, headers)).toEqual({ name: 'Zoë', n: 1 });
  expect(() => new Webhook(secretOf(4)).verify(body, headers)).toThrow();
});

it('an RFC 9421 verifier that is not ours finds its own signature by the keyid', async () => {
  const { createHmac } = await import('node:crypto');
  const request = { ...send('HTTP_MESSAGE_SIGNATURES', now), method: 'POST' };
  const labels = [...(request.headers['signature-input'] as string).matchAll(/(sig\d)=.*?keyid="([0-9a-f]{16})"/g)].map(([, label, id]) => [
    label,
    id,
  ]);
  expect(labels.map(([label]) => label)).toEqual(['sig1', 'sig2', 'sig3']);
  expect(new Set(labels.map(([, id]) => id)).size).toBe(3);
  for (const secret of [OLDEST, OLD, NEW]) {
    const own = createHmac('sha256', secret).update('hookgraph keyid').digest('hex').slice(0, 16);
    const verify = async (data: Buffer, signature: Buffer) => createHmac('sha256', secret).update(data).digest().equals(signature);
    const keyLookup = async ({ keyid }: { keyid?: string }) => (keyid === own ? { id: own, algs: ['hmac-sha256'], verify } : null);
    expect(await httpbis.verifyMessage({ keyLookup, tolerance: 60 }, request)).toBe(true);
  }
});

it('an old secret that is none of Standard Webhooks signs nothing there: it is from before that was chosen', () => {
  const request = signedRequest(['STANDARD_WEBHOOKS'], {
    secret: NEW,
    oldSecrets: [{ secret: 'a secret, in words', version: 1, endsAt: inMs(60_000) }],
    at: now,
  });
  expect(request.headers['webhook-signature']).toMatch(/^v1,\S+$/);
  expect(verifyWebhook({ scheme: 'SCOPE', secret: 'a secret, in words', ...request }).ok).toBe(true);
});

it('goes over from a shared secret to a private key, with a signature of each kind meanwhile', () => {
  const request = signedRequest(['STANDARD_WEBHOOKS'], {
    secret: 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=',
    oldSecrets: [{ secret: OLD, version: 1, endsAt: inMs(60_000) }],
    at: now,
  });
  for (const secret of [OLD, 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4='])
    expect(verifyWebhook({ scheme: 'STANDARD_WEBHOOKS', secret, ...request }).ok).toBe(true);
});
