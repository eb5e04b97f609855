// Tests the contract of every signature scheme: our verifier and independent ones accept what we sign, and refuse any altered, stale or
// forged request. The last tests plant pairs that skip a byte, a header or a check, and expect the contract to catch them.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { httpbis } from 'http-message-signatures';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { describe, expect, it } from 'vitest';
import { type Scheme, verifyWebhook } from '../../src/verify/index.js';
import { SIGNATURE_SCHEMES, type SignatureScheme } from '../../src/webhooks/base/model.js';
import { signatureProblems } from '../../src/webhooks/request/signatures/schemes.js';
import { breachesOf, type Pair } from '../support/signature-contract.js';
import { type SignedRequest, signedRequest } from '../support/signed-request.js';

const base64 = (bytes: number) => Buffer.alloc(32, bytes).toString('base64');
const PRIVATE = ['whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=', `whsk_${base64(7)}`];
const PUBLIC: Record<string, string> = {
  [PRIVATE[0] as string]: 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=',
  [PRIVATE[1] as string]: 'whpk_6kpsY+KcUgq+9VB7Ey7F+ZVHdq7+vnuSQh7qaRRG0iw=',
};

interface Promised {
  scheme: Scheme;
  secrets?: string[];
  header: string;
  signed: string[];
  /** The parts of the request that the result lists as signed. */
  covers: string[];
  timed?: boolean;
}

const OURS: Promised[] = [
  { scheme: 'SCOPE', header: 'x-scope-hmac-sha256', signed: [], covers: ['body'], timed: false },
  { scheme: 'SERVO', header: 'x-servo-signature', signed: [], covers: ['body'], timed: false },
  { scheme: 'SCALR', header: 'x-signature', signed: ['date'], covers: ['body', 'timestamp'] },
  {
    scheme: 'STANDARD_WEBHOOKS',
    secrets: [`whsec_${base64(1)}`, `whsec_${base64(2)}`],
    header: 'webhook-signature',
    signed: ['webhook-id', 'webhook-timestamp'],
    covers: ['body', 'timestamp', 'id'],
  },
  {
    scheme: 'STANDARD_WEBHOOKS',
    secrets: PRIVATE,
    header: 'webhook-signature',
    signed: ['webhook-id', 'webhook-timestamp'],
    covers: ['body', 'timestamp', 'id'],
  },
  {
    scheme: 'UP42',
    header: 'signature',
    signed: ['signature-input', 'content-digest', 'x-scope-time', 'x-scope-webhook-job-id', 'x-scope-topic'],
    covers: ['body', 'timestamp', 'id', 'topic'],
  },
  {
    scheme: 'HTTP_MESSAGE_SIGNATURES',
    header: 'signature',
    signed: ['signature-input', 'content-digest', 'content-type', 'x-scope-time', 'x-scope-webhook-job-id', 'x-scope-topic'],
    covers: ['body', 'timestamp', 'id', 'topic'],
  },
];

const pairOf = ({ scheme, secrets = ['a secret, ünïcode', 'a secret, unicode'], ...rest }: Promised): Pair => ({
  ...rest,
  secret: secrets[0] as string,
  otherSecret: secrets[1] as string,
  sign: (asked) => signedRequest([scheme], asked),
  accepts: (request, secret, now) => verifyWebhook({ scheme, secret: PUBLIC[secret] ?? secret, ...request, now: () => now }).ok,
});

describe('our verifying library', () => {
  it('knows every scheme', () => {
    expect([...new Set(OURS.map(({ scheme }) => scheme))].sort()).toEqual([...SIGNATURE_SCHEMES].sort());
  });

  it.each(OURS)('keeps every promise of $scheme ($secrets)', async (promised) => {
    expect(await breachesOf(pairOf(promised))).toEqual([]);
  });

  it.each(OURS)('says what $scheme covers, and no more', ({ scheme, secrets = ['s'], covers }) => {
    const [secret = ''] = secrets;
    const at = new Date('2026-11-25T18:00:00Z');
    const request = signedRequest([scheme], { secret, at });
    const result = verifyWebhook({ scheme, secret: PUBLIC[secret] ?? secret, ...request, now: () => at });
    const claim = { id: '7346', topic: 'user/created', timestamp: at, payload: { name: 'Zoë', n: 1 } };
    expect(result).toEqual({ ok: true, scheme, covers, ...claim });
  });
});

/** These libraries read the machine's clock, so the suite signs with the current time. */
const STANDARD = OURS[3] as Promised;
const theirs: Record<string, Pair> = {
  standardwebhooks: {
    ...pairOf(STANDARD),
    accepts: ({ headers, body }, secret) => passes(() => new StandardWebhook(secret).verify(body, headers, NO_JSON)),
  },
  svix: {
    ...pairOf(STANDARD),
    anyBody: false,
    accepts: (request, secret) => passes(() => new SvixWebhook(secret).verify(`${request.body}`, request.headers)),
  },
  'http-message-signatures': {
    ...pairOf(OURS[6] as Promised),
    async accepts({ url, headers, body }, secret) {
      const required = [
        '@method',
        '@authority',
        '@path',
        '@query',
        'content-digest',
        'content-type',
        'x-scope-webhook-job-id',
        'x-scope-time',
      ];
      const verify = async (data: Buffer, signature: Buffer) => {
        const expected = createHmac('sha256', secret).update(data).digest();
        return expected.length === signature.length && timingSafeEqual(expected, signature);
      };
      const config = {
        keyLookup: async () => ({ id: 'any', algs: ['hmac-sha256'], verify }),
        requiredFields: required,
        requiredParams: ['created', 'keyid', 'alg'],
        // The library subtracts the tolerance from `created` before it checks the age.
        tolerance: 300,
        maxAge: 600,
      };
      const digest = `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
      if (headers['content-digest'] !== digest) return false;
      return (await httpbis.verifyMessage(config, { method: 'POST', url, headers }).catch(() => false)) === true;
    },
  },
};
const NO_JSON = { jsonParse: false };

describe('libraries that are not ours', () => {
  it.each(Object.entries(theirs))('%s keeps every promise with what we sign', async (_name, pair) => {
    expect(await breachesOf(pair)).toEqual([]);
  });
});

describe('several schemes at once', () => {
  const secret = `whsec_${base64(1)}`;
  const choices: SignatureScheme[][] = [
    ['SCOPE', 'STANDARD_WEBHOOKS', 'HTTP_MESSAGE_SIGNATURES', 'SCALR', 'SERVO'],
    ['SCOPE', 'STANDARD_WEBHOOKS', 'UP42', 'SCALR', 'SERVO'],
  ];

  it.each(choices)('verify side by side, each as if it were alone: %s, %s, %s, %s, %s', (...schemes) => {
    const request = signedRequest(schemes, { secret });
    for (const scheme of schemes) expect(verifyWebhook({ scheme, secret, ...request })).toMatchObject({ ok: true, scheme });
    for (const scheme of schemes)
      for (const [name, value] of Object.entries(
        signedRequest([scheme], { secret, at: new Date(request.headers['x-scope-time'] as string) }).headers,
      ))
        expect({ [name]: request.headers[name] }).toEqual({ [name]: value });
  });

  it('are refused where they would write one header for receivers that read it differently', async () => {
    expect(signatureProblems(['HTTP_MESSAGE_SIGNATURES', 'UP42'], secret)).toMatchObject([{ field: 'signatures' }]);
    // Joined into one header, UP42's part would make the structured field invalid, and UP42's receivers would find no base64.
    const [rfc, up42] = (['HTTP_MESSAGE_SIGNATURES', 'UP42'] as const).map((scheme) => signedRequest([scheme], { secret }));
    const join = (name: string) => `${up42?.headers[name]}, ${rfc?.headers[name]}`;
    const joined = {
      ...(rfc as SignedRequest),
      headers: { ...rfc?.headers, signature: join('signature'), 'signature-input': join('signature-input') },
    };
    expect(await theirs['http-message-signatures']?.accepts(joined, secret, new Date())).toBe(false);
    expect(verifyWebhook({ scheme: 'UP42', secret, ...joined })).toMatchObject({ code: 'SIGNATURE_MALFORMED' });
  });
});

/** The faults of a small test scheme, "id.seconds.body" in hex, which can skip a check on one side or on both. */
interface Faults {
  /** Returns the part of the body that is signed and verified. */
  part?: (body: Buffer) => Buffer;
  unsignedId?: true;
  unsignedTime?: true;
  ageless?: true;
  noFuture?: true;
  emptyIsRight?: true;
  caseless?: true;
  prefixIsRight?: true;
  anySecret?: true;
}

function planted(faults: Faults): Pair {
  const { part = (body: Buffer) => body } = faults;
  const make = (secret: string, id: string, time: string, body: Buffer) =>
    createHmac('sha256', faults.anySecret ? 'constant' : secret)
      .update(`${faults.unsignedId ? '' : id}.${faults.unsignedTime ? '' : time}.`)
      .update(part(body))
      .digest('hex');
  return {
    secret: 'one',
    otherSecret: 'two',
    header: 'signature',
    signed: ['id', 'time'],
    sign({ secret, at, id, body }) {
      const [time, bytes] = [String(at.getTime() / 1000), Buffer.from(body)];
      return { url: '', headers: { id, time, signature: make(secret, id, time, bytes) }, body: bytes };
    },
    accepts({ headers: { id = '', time = '', signature = '' }, body }, secret, now) {
      const age = now.getTime() / 1000 - Number(time);
      if (!faults.ageless && age > 300) return false;
      if (!faults.noFuture && age < -300) return false;
      const expected = make(secret, id, time, body);
      if (signature === '') return faults.emptyIsRight === true;
      if (faults.prefixIsRight && expected.startsWith(signature)) return true;
      return expected === (faults.caseless ? signature.toLowerCase() : signature);
    },
  };
}

describe('the contract itself', () => {
  it('finds nothing in a pair without a fault', async () => {
    expect(await breachesOf(planted({}))).toEqual([]);
  });

  it.each<[string, Faults, string]>([
    ['the first byte', { part: (body) => body.subarray(1) }, 'accepts an altered byte 0'],
    ['the last byte', { part: (body) => body.subarray(0, -1) }, 'accepts an altered byte 21'],
    ['a byte in the middle', { part: (body) => Buffer.concat([body.subarray(0, 7), body.subarray(8)]) }, 'accepts an altered byte 7'],
    ['the end of white space', { part: (body) => Buffer.from(body.toString().trim()) }, 'accepts a byte more'],
    ['the body', { part: () => Buffer.of() }, 'accepts no body'],
    ['the id', { unsignedId: true }, 'accepts the id of another request'],
    ['the time', { unsignedTime: true }, 'accepts a stale request that was dated anew'],
    ['whether it is old', { ageless: true }, 'accepts a stale request'],
    ['whether it is ahead', { noFuture: true }, 'accepts a request from the future'],
    ['an empty signature', { emptyIsRight: true }, 'accepts no signature'],
    ['the case', { caseless: true }, 'accepts a signature in capitals'],
    ['the length', { prefixIsRight: true }, 'accepts half a signature'],
    ['the secret', { anySecret: true }, 'accepts another secret'],
  ])('catches a pair that skips %s', async (_what, faults, breach) => {
    expect(await breachesOf(planted(faults))).toContain(breach);
  });

  it('catches a signer that skips a byte which its verifier does not', async () => {
    const { sign } = planted({ part: (body) => body.subarray(0, -1) });
    expect(await breachesOf({ ...planted({}), sign })).toContain('refuses good body 0');
  });

  // UP42's published receivers verify the signature over the digest but never recompute the digest.
  it('catches what the published receivers of UP42 leave out', async () => {
    const pair = pairOf(OURS[5] as Promised);
    const breaches = await breachesOf({
      ...pair,
      accepts({ headers }, secret, now) {
        const [, list = '', created = ''] = /^up42-sig=\((.*)\);created=(\d+)$/.exec(headers['signature-input'] ?? '') ?? [];
        const values = [...list.matchAll(/[^"\s]+/g)].map(([name]) => headers[name]);
        const expected = `up42-sig=${createHmac('sha256', secret).update(values.join('')).digest('base64')}`;
        const age = now.getTime() / 1000 - Number(created);
        return age >= -1 && age < 300 && headers.signature === expected;
      },
    });
    expect(breaches).toEqual(expect.arrayContaining(['accepts an altered byte 0', 'accepts no body', 'accepts another signature-input']));
  });
});

function passes(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}
