import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type VerifyOptions, verifyWebhook } from '../../src/verify/index.js';
import { signedRequest } from '../support/signed-request.js';

const secret = 'a shared secret';
const now = () => new Date('2026-11-25T18:00:00Z');
const scope = signedRequest(['SCOPE'], { secret, at: now() });
const verifyScope = (over: object) => verifyWebhook({ scheme: 'SCOPE', secret, now, ...scope, ...over } as never);

it('imports nothing but itself and node:crypto', () => {
  const folder = join(import.meta.dirname, '../../src/verify');
  const imported = readdirSync(folder).flatMap((file) =>
    [...readFileSync(join(folder, file), 'utf8').matchAll(/(?:from|import\(?)\s*'([^']+)'/g)].map(([, from]) => from as string),
  );
  expect([...new Set(imported)].filter((from) => !/^\.\/[\w-]+\.js$/.test(from))).toEqual(['node:crypto']);
});

describe('a request', () => {
  it('may come with headers in any form', () => {
    const entries = Object.entries(scope.headers);
    for (const headers of [
      new Headers(scope.headers),
      Object.fromEntries(entries.map(([name, value]) => [name.toUpperCase(), value])),
      Object.fromEntries(entries.map(([name, value]) => [name, [value]])),
      { ...scope.headers, 'x-none': undefined },
      Object.assign(Object.create(null), scope.headers),
    ])
      expect(verifyScope({ headers })).toMatchObject({ ok: true });
    // The sender of a duplicate header can't choose which of the two is verified.
    const twice = { ...scope.headers, 'X-Scope-Hmac-Sha256': 'wrong' };
    expect(verifyScope({ headers: twice })).toMatchObject({ ok: false, code: 'SIGNATURE_WRONG' });
  });

  it('may come with its body as bytes or as text', () => {
    const { body } = scope;
    const copy = new Uint8Array(body.length + 2);
    copy.set(body, 1);
    for (const raw of [body, new Uint8Array(body), copy.subarray(1, -1), new Uint8Array(body).buffer, body.toString()])
      expect(verifyScope({ body: raw })).toMatchObject({ ok: true, payload: { name: 'Zoë', n: 1 } });
  });

  it('has a payload only where it is JSON', () => {
    const of = (contentType: string, body: string) => {
      const request = signedRequest(['SCOPE'], { secret, at: now(), contentType, body });
      return verifyWebhook({ scheme: 'SCOPE', secret, now, ...request });
    };
    expect(of('application/json; charset=utf-8', '[1]')).toMatchObject({ ok: true, payload: [1] });
    expect(of('application/vnd.acme+json', '[1]')).toMatchObject({ ok: true, payload: [1] });
    expect(of(' Application/JSON ;charset="utf-8"', '[1]')).toMatchObject({ ok: true, payload: [1] });
    expect(of('application/json-seq', '[1]')).toMatchObject({ ok: true, payload: undefined });
    expect(of('application/xml', '<a/>')).toMatchObject({ ok: true, payload: undefined });
    expect(of('application/json', 'no JSON')).toMatchObject({ ok: true, payload: undefined });
  });

  it('may be signed with any of several secrets, and come with another prefix', () => {
    expect(verifyScope({ secret: ['new', secret] })).toMatchObject({ ok: true });
    expect(verifyScope({ secret: ['new', 'newer'] })).toMatchObject({ code: 'SIGNATURE_WRONG' });
    const acme = signedRequest(['UP42'], { secret, at: now(), headerPrefix: 'X-Acme-' });
    expect(verifyWebhook({ scheme: 'UP42', secret, now, headerPrefix: 'x-acme-', ...acme })).toMatchObject({ ok: true, id: '7346' });
    expect(verifyWebhook({ scheme: 'UP42', secret, now, ...acme })).toMatchObject({ code: 'NOT_COVERED' });
  });

  it('is fresh within the tolerance, which may be none or endless', () => {
    const aged = (seconds: number, toleranceSeconds?: number) => {
      const result = verifyScope({ now: () => new Date(now().getTime() + seconds * 1000), toleranceSeconds });
      return result.ok ? 'ok' : result.code;
    };
    expect([300, 300.1, -300, -300.1].map((seconds) => aged(seconds))).toEqual(['ok', 'TIMESTAMP_STALE', 'ok', 'TIMESTAMP_IN_FUTURE']);
    expect([0, 1, -1].map((seconds) => aged(seconds, 0))).toEqual(['ok', 'TIMESTAMP_STALE', 'TIMESTAMP_IN_FUTURE']);
    expect(aged(1e9, Number.POSITIVE_INFINITY)).toBe('ok');
    const { 'x-scope-time': _, ...timeless } = scope.headers;
    expect(verifyScope({ headers: timeless })).toMatchObject({ code: 'TIMESTAMP_MISSING' });
  });
});

describe('misuse throws a TypeError that says what to do', () => {
  it.each<[string, Partial<Record<keyof VerifyOptions | 'scheme', unknown>>, RegExp]>([
    ['a parsed body', { body: { name: 'Zoë' } }, /raw body.*express\.raw/s],
    ['no body', { body: undefined }, /raw body/],
    ['an empty secret', { secret: '' }, /no secret may be empty/],
    ['no secret', { secret: undefined }, /secret must be/],
    ['a list without a secret', { secret: [] }, /secret must be/],
    ['a list with an empty one', { secret: ['a', ''] }, /no secret may be empty/],
    ['an unknown scheme', { scheme: 'toString' }, /SCOPE, STANDARD_WEBHOOKS/],
    ['no headers', { headers: undefined }, /headers must be/],
    ['a negative tolerance', { toleranceSeconds: -1 }, /toleranceSeconds/],
    ['a tolerance that is no number', { toleranceSeconds: Number.NaN }, /toleranceSeconds/],
    ['no url for RFC 9421', { scheme: 'HTTP_MESSAGE_SIGNATURES', url: undefined }, /url must be/],
    ['words for Standard Webhooks', { scheme: 'STANDARD_WEBHOOKS', secret: 'in words' }, /whsec_ and base64/],
    ['a private key', { scheme: 'STANDARD_WEBHOOKS', secret: 'whsk_AAAA' }, /private key/],
    ['half a public key', { scheme: 'STANDARD_WEBHOOKS', secret: 'whpk_AAAA' }, /32 bytes/],
  ])('%s', (_what, over, message) => {
    const misuse = () => verifyScope(over);
    expect(misuse).toThrow(TypeError);
    expect(misuse).toThrow(message);
  });
});

describe('UP42', () => {
  const request = signedRequest(['UP42'], { secret, at: now() });
  const seconds = now().getTime() / 1000;
  const verify = (headers: Record<string, string>, body: Buffer = request.body) =>
    verifyWebhook({ scheme: 'UP42', secret, now, headers: { ...request.headers, ...headers }, body });
  /** Signs only these headers, and returns the headers with a valid signature. */
  const sign = (names: string[], more: Record<string, string> = {}) => {
    const headers: Record<string, string> = { ...request.headers, ...more };
    const signature = createHmac('sha256', secret)
      .update(names.map((name) => headers[name]).join(''))
      .digest('base64');
    const list = names.map((name) => `"${name}"`).join(' ');
    return { ...more, 'signature-input': `up42-sig=(${list});created=${seconds}`, signature: `up42-sig=${signature}` };
  };
  const [time, id, digest] = ['x-scope-time', 'x-scope-webhook-job-id', 'content-digest'] as const;

  it('insists on the time, the id and the digest, in this order, whatever else is signed', () => {
    expect(verify(sign([time, id, digest]))).toMatchObject({ ok: true, covers: ['body', 'timestamp', 'id'] });
    expect(verify(sign([time, id, 'x-scope-topic', 'content-type', digest]))).toMatchObject({ ok: true });
    for (const names of [
      [],
      [time],
      [time, id],
      [id, digest],
      [time, digest],
      [digest, time, id],
      [id, time, digest],
      [time, id, digest, digest],
    ])
      expect(verify(sign(names)).ok).toBe(false);
  });

  it('refuses the same bytes divided in another way', () => {
    // "7346" + "user/created" signs the same text as "73" + "46user/created".
    expect(verify({ [id]: '73', 'x-scope-topic': '46user/created' })).toMatchObject({ code: 'NOT_COVERED' });
    expect(verify({ [id]: '7346u', 'x-scope-topic': 'ser/created' })).toMatchObject({ code: 'NOT_COVERED' });
    expect(verify({ [time]: `${request.headers[time]}7`, [id]: '346' })).toMatchObject({ code: 'NOT_COVERED' });
    const list = `up42-sig=("${time}" "${id}" "x-scope-topic" "x-empty" "${digest}");created=${seconds}`;
    expect(verify({ 'signature-input': list, [id]: '', 'x-scope-topic': '7346', 'x-empty': 'user/created' })).toMatchObject({
      code: 'NOT_COVERED',
    });
  });

  it('computes the digest again, and knows no other than the one that is sent', () => {
    expect(verify({}, Buffer.from('{}'))).toMatchObject({ code: 'DIGEST_WRONG' });
    expect(verify(sign([time, id, digest], { [digest]: 'sha-256=:AAAA:' }))).toMatchObject({ code: 'DIGEST_WRONG' });
  });
});

describe('HTTP_MESSAGE_SIGNATURES', () => {
  const request = signedRequest(['HTTP_MESSAGE_SIGNATURES'], { secret, at: now() });
  const verify = (over: object = {}, headers: Record<string, string> = {}) =>
    verifyWebhook({ scheme: 'HTTP_MESSAGE_SIGNATURES', secret, now, ...request, ...over, headers: { ...request.headers, ...headers } });
  const sign = (names: string[], parameters = `;created=${now().getTime() / 1000}`) => {
    const derived: Record<string, string> = {
      '@method': 'POST',
      '@authority': 'receiver.example:8443',
      '@path': '/hook',
      '@query': '?a=1&b=%C3%BC',
      '@target-uri': request.url,
    };
    const input = `(${names.map((name) => `"${name}"`).join(' ')})${parameters}`;
    const lines = names.map((name) => `"${name}": ${derived[name] ?? request.headers[name]}\n`).join('');
    const signature = createHmac('sha256', secret).update(`${lines}"@signature-params": ${input}`).digest('base64');
    return { 'signature-input': `sig1=${input}`, signature: `sig1=:${signature}:` };
  };
  const rest = ['content-digest', 'content-type', 'x-scope-webhook-job-id', 'x-scope-time'];
  const needed = ['@method', '@authority', '@path', '@query', ...rest];

  it('is of one address and method', () => {
    expect(verify()).toMatchObject({ ok: true });
    for (const over of [
      { url: 'https://other.example:8443/hook?a=1&b=%C3%BC' },
      { url: 'https://receiver.example/hook?a=1&b=%C3%BC' },
      { url: 'https://receiver.example:8443/other?a=1&b=%C3%BC' },
      { url: 'https://receiver.example:8443/hook?a=2&b=%C3%BC' },
      { url: 'https://receiver.example:8443/hook' },
      { method: 'PUT' },
    ])
      expect(verify(over)).toMatchObject({ code: 'SIGNATURE_WRONG' });
  });

  it('insists on a minimum of components, each of which is missed', () => {
    expect(verify({}, sign(needed))).toMatchObject({ ok: true, covers: ['body', 'timestamp', 'id'] });
    expect(verify({}, sign(['@method', '@target-uri', ...rest]))).toMatchObject({ ok: true });
    for (const missed of needed)
      expect(verify({}, sign(needed.filter((name) => name !== missed)))).toEqual({
        ok: false,
        code: 'NOT_COVERED',
        message: `The signature does not cover ${missed}.`,
      });
    expect(verify({}, sign(needed, ''))).toMatchObject({ code: 'NOT_COVERED', message: expect.stringContaining('its creation time') });
  });

  it('refuses another algorithm, a component twice, one that it does not know, and a text that is no dictionary', () => {
    const created = `;created=${now().getTime() / 1000}`;
    expect(verify({}, sign(needed, `${created};alg="ed25519"`))).toMatchObject({ code: 'SIGNATURE_WRONG' });
    expect(verify({}, sign([...needed, 'content-type']))).toMatchObject({ code: 'SIGNATURE_WRONG' });
    expect(verify({}, sign([...needed, '@status']))).toMatchObject({ code: 'SIGNATURE_WRONG' });
    const { 'signature-input': input, signature } = request.headers as Record<'signature-input' | 'signature', string>;
    for (const wrong of [
      `${input},`,
      `${input}, ${input}`,
      `${input} x`,
      input.replace('(', '('.repeat(20_000)),
      '"',
      `sig1=${'"a" '.repeat(20_000)}`,
    ])
      expect(verify({}, { 'signature-input': wrong })).toMatchObject({ code: 'SIGNATURE_MALFORMED' });
    for (const wrong of [`${signature}, ${signature}`, 'sig1=abc', 'sig1=:a b:', `${signature};`])
      expect(verify({}, { signature: wrong })).toMatchObject({ code: 'SIGNATURE_MALFORMED' });
  });

  it('finds its signature among those that others added on the way', () => {
    const { 'signature-input': input, signature } = request.headers;
    const others = {
      'signature-input': `proxy=("x-a";sf "@authority");keyid="p";alg="ed25519";tag="t",  ${input}`,
      signature: `proxy=:AAAA:, ${signature}`,
    };
    expect(verify({}, others)).toMatchObject({ ok: true });
  });
});
