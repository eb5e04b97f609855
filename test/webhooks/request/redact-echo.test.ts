import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { redactEcho } from '../../../src/webhooks/request/redact-echo.js';

const compiled = { secretTexts: ['key-"quoted"-1', 'abc', 'a shared secret', 'whsec_QUJDREVGR0g='], auth: null };

it('takes out of an answer the secrets of the request that it repeats, in headers and body, as they are and inside JSON', () => {
  const answer = {
    kind: 'REPLY' as const,
    status: 200,
    headers: { 'x-echo': 'key-"quoted"-1' },
    body: `${JSON.stringify({ key: 'key-"quoted"-1', other: 'abc' })} a shared secret QUJDREVGR0g=`,
  };
  expect(redactEcho(compiled, answer)).toEqual({
    kind: 'REPLY',
    status: 200,
    headers: { 'x-echo': '[redacted]' },
    body: '{"key":"[redacted]","other":"abc"} [redacted] [redacted]',
  });
});

it('leaves everything else as it is', () => {
  const noReply = { kind: 'NO_REPLY' as const, stage: 'TIMEOUT' as const, message: 'No complete answer within 5 seconds.', sendMs: 5000 };
  expect(redactEcho(compiled, noReply)).toEqual(noReply);
});

it('knows a secret in the writings of XML, URLs, forms and bytes', () => {
  const secret = 'a "b" & c/é+';
  const bytes = Buffer.from(secret);
  const writings = [
    'a &quot;b&quot; &amp; c/é+',
    encodeURIComponent(secret),
    'a+%22b%22+%26+c%2F%C3%A9%2B',
    bytes.toString('base64'),
    bytes.toString('hex'),
  ];
  const answer = { kind: 'REPLY', body: writings.join('|') };
  expect(redactEcho({ secretTexts: [secret], auth: null }, answer).body.replaceAll('=', '')).toBe(
    writings.map(() => '[redacted]').join('|'),
  );
});

// Each place that sends a secret is tested with every form in which a receiver may repeat it. Encodings treat these characters differently.
const SECRET = 'p-_.~+/= %&"ä€🔑!*s3cret';
type Secretive = Parameters<typeof redactEcho>[0];
const auths: Record<string, Secretive['auth']> = {
  basic: { kind: 'BASIC', scheme: 'basic', secrets: { username: 'some-user', password: SECRET } },
  token: { kind: 'TOKEN', scheme: 'token', secrets: { token: SECRET } },
  'oauth2 in the header': oauth2('BASIC'),
  'oauth2 in the body': oauth2('POST'),
};
function oauth2(clientAuthentication: 'BASIC' | 'POST'): Secretive['auth'] {
  const at = { tokenUrl: 'https://id.example/token', scope: null, audience: null };
  return { kind: 'OAUTH2', ...at, clientId: 'client-_.~1', clientAuthentication, secrets: { clientSecret: SECRET } };
}
const PLACES: Record<string, Secretive> = {
  ...Object.fromEntries(Object.entries(auths).map(([name, auth]) => [name, { secretTexts: [], auth }])),
  'a shared secret or header': { secretTexts: [SECRET], auth: null },
};
const utf16 = (text: string) => Buffer.from(text, 'utf16le');
const base64 = (text: string) => Buffer.from(text).toString('base64');
/** Encodes everything except letters and digits, as some OAuth libraries do. */
const strictly = (text: string) =>
  encodeURIComponent(text).replace(/[-_.!~*'()]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
const hex = (byte: number) => `\\x${byte.toString(16).padStart(2, '0')}`;
const ECHOES: Record<string, (secret: string) => string> = {
  'as it is': (secret) => secret,
  'in JSON': (secret) => JSON.stringify({ got: secret }),
  'in JSON in JSON': (secret) => JSON.stringify({ got: JSON.stringify({ secret }) }),
  'in a form': (secret) => new URLSearchParams({ client_secret: secret }).toString(),
  'in a URL': (secret) => `https://id.example/?s=${encodeURIComponent(secret)}`,
  'in a URL, strictly': (secret) => `s=${strictly(secret)}`,
  'in a URL, in lower case': (secret) => `s=${strictly(secret).replace(/%../g, (one) => one.toLowerCase())}`,
  'in a URL, twice': (secret) => `s=${encodeURIComponent(encodeURIComponent(secret))}`,
  'in Basic': (secret) => `Basic ${base64(`client-_.~1:${secret}`)}`,
  'in Basic, as a form': (secret) => `Basic ${base64(new URLSearchParams({ '': secret }).toString().replace('=', 'client:'))}`,
  'in base64, one behind': (secret) => base64(`x${secret}more`),
  'in base64, two behind': (secret) => base64(`xy${secret}more`),
  'in base64 in a URL': (secret) => encodeURIComponent(base64(`xyz${secret}`)),
  'in base64 of JSON': (secret) => base64(secret).replaceAll('/', '\\/'),
  'in base64, twice': (secret) => base64(`x${base64(secret)}`),
  'in base64 of Basic': (secret) => base64(`Authorization: Basic ${base64(`client-_.~1:${secret}`)}\r\n`),
  'in octal': (secret) =>
    [...Buffer.from(secret)].map((byte) => (byte < 0x7f ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`)).join(''),
  'in base64url': (secret) => Buffer.from(`x${secret}`).toString('base64url'),
  'in hex': (secret) => Buffer.from(secret).toString('hex').toUpperCase(),
  'in base64 of lines': (secret) => base64(`${'x'.repeat(40)}${secret}${'y'.repeat(40)}`).replace(/.{60}/g, '$&\n'),
  'in base64 of lines, in JSON': (secret) => base64(`${'x'.repeat(50)}${secret}y`).replace(/.{76}/g, '$&\\r\\n'),
  'as Python’s bytes': (secret) => [...Buffer.from(secret)].map((byte) => (byte < 127 ? String.fromCharCode(byte) : hex(byte))).join(''),
  'in bytes of a log': (secret) => [...Buffer.from(secret)].map(hex).join(''),
  'in Ruby': (secret) => secret.replace(/[^ -~]/gu, (one) => `\\u{${one.codePointAt(0)?.toString(16)}}`),
  'in JavaScript, each character': (secret) => secret.replace(/./g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`),
  'in Python, characters beyond ASCII': (secret) =>
    secret.replace(/[^ -~]/gu, (one) => `\\U${(one.codePointAt(0) as number).toString(16).padStart(8, '0')}`),
  'by escape()': (secret) => escape(secret),
  'in HTML, hexadecimal': (secret) => secret.replace(/./gu, (one) => `&#x${one.codePointAt(0)?.toString(16)};`),
  'in HTML, decimal': (secret) => secret.replace(/./gu, (one) => `&#${one.codePointAt(0)};`),
  'in quoted-printable': quotedPrintable,
  'in quoted-printable, broken into lines': (secret) => quotedPrintable(secret).replace(/(?:=..|[^=]){7}/g, '$&=\r\n'),
  'in quoted-printable, in JSON': (secret) => JSON.stringify(quotedPrintable(secret).replace(/(?:=..|[^=]){9}/g, '$&=\n')),
  'in quoted-printable of a form': (secret) => quotedPrintable(new URLSearchParams({ client_secret: secret }).toString()),
  'in UTF-16, little-endian': (secret) => utf16(secret).toString('utf8'),
  'in UTF-16, big-endian': (secret) => utf16(secret).swap16().toString('utf8'),
  'in UTF-16, as in headers': (secret) => utf16(secret).toString('latin1'),
  'in UTF-16, in JSON': (secret) => JSON.stringify(utf16(secret).toString('utf8')).slice(1, -1),
  'in UTF-16, in a URL': (secret) => [...utf16(secret)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  'in base64 of UTF-16': (secret) => utf16(`x${secret}y`).toString('base64'),
  'in base64 of UTF-16, big-endian': (secret) => utf16(`xy${secret}y`).swap16().toString('base64'),
  'in hex of UTF-16': (secret) => utf16(secret).toString('hex'),
  'in HTML': (secret) => secret.replaceAll('&', '&amp;').replaceAll('"', '&#34;'),
};
/** Encodes as quoted-printable (RFC 2045). A function declaration, so that the list above can use it. */
function quotedPrintable(text: string): string {
  const write = (byte: number) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return [...Buffer.from(text)]
    .map((byte) => (/[!-<>-~ ]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : write(byte)))
    .join('');
}
const bytesOf = (text: string) =>
  Buffer.from(
    text.replace(/\\x(..)/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16))),
    'latin1',
  ).toString('utf8');
const joined = (text: string) => text.replace(/(?:\r?\n|\\r\\n)/g, '');
/** Returns every part of eight characters of the secret that the text contains in any encoding, even a nested one. */
function leaksIn(text: string): string[] {
  const views = new Set([text]);
  for (const view of views) {
    if (views.size > 200) break;
    for (const decode of [
      decodeURIComponent,
      (one: string) => JSON.parse(`"${one}"`),
      (one: string) => one.replaceAll('+', ' '),
      bytesOf,
      joined,
      (one: string) => one.replace(/=\r?\n/g, '').replace(/=([0-9A-F]{2})/g, '%$1'),
      (one: string) => one.replaceAll('\0', ''),
      (one: string) => one.replace(/&#x([0-9a-f]+);/g, (_, code) => String.fromCodePoint(Number.parseInt(code, 16))),
      (one: string) => one.replace(/&#([0-9]+);/g, (_, code) => String.fromCodePoint(Number(code))),
      unescape,
    ]) {
      try {
        views.add(decode(view));
      } catch {}
    }
    for (const [run] of view.matchAll(/[\w+/-]{8,}/g))
      for (const skip of [0, 1, 2, 3]) views.add(Buffer.from(run.slice(skip), 'base64').toString('utf8'));
    for (const [run] of view.matchAll(/[0-9a-f]{16,}/gi)) views.add(Buffer.from(run, 'hex').toString('utf8'));
  }
  const parts = Array.from({ length: SECRET.length - 7 }, (_, at) => SECRET.slice(at, at + 8));
  return parts.filter((part) => [...views].some((view) => view.includes(part)));
}

describe.each(Object.entries(PLACES))('of %s', (_place, compiled) => {
  it.each(Object.entries(ECHOES))('nothing stays %s, in body, headers, their names, message or what the receiver said', (_name, write) => {
    const echo = `got: ${write(SECRET)}, which is wrong`;
    expect(leaksIn(echo)).not.toEqual([]);
    const answer = {
      kind: 'REPLY',
      status: 200,
      headers: { 'x-echo': echo, [`x-${echo}`]: 'y' },
      body: echo,
      message: echo,
      explanation: echo,
    };
    const cleaned = redactEcho(compiled, answer);
    expect(JSON.stringify(cleaned)).toContain('[redacted]');
    for (const text of [...Object.entries(cleaned.headers).flat(), cleaned.body, cleaned.message, cleaned.explanation])
      expect(leaksIn(text), text).toEqual([]);
  });
});

const indented = (text: string, length: number, separator: string) => text.replace(new RegExp(`.{${length}}(?=.)`, 'g'), `$&${separator}`);
const php = (text: string) => JSON.stringify(text).replaceAll('/', '\\/').replaceAll('&', '\\u0026');
const ENCODED: Record<string, (secret: string) => string> = {
  'base64 of JSON as PHP writes it': (secret) => base64(`{"client_secret":${php(secret)}}`),
  'base64 of JSON, after other letters': (secret) => `xy${base64(`{"client_secret":${php(secret)}}`)}`,
  'base64 of a URL': (secret) => base64(`client_secret=${encodeURIComponent(secret)}&scope=all`),
  'base64 of a request with Basic authentication': (secret) =>
    base64(JSON.stringify({ authorization: `Basic ${base64(`id:${encodeURIComponent(secret)}`)}` })),
  'base64 in indented lines': (secret) => indented(base64(`client:${secret}`), 30, '\n    '),
  'base64 in indented lines, in JSON': (secret) => JSON.stringify(indented(base64(`client:${secret}`), 30, '\r\n  ')),
  'base64 in a folded header': (secret) => indented(base64(`${'client'.repeat(12)}:${secret}`), 76, ' '),
  'hex of base64': (secret) => Buffer.from(base64(`client:${secret}`)).toString('hex'),
  'hex of JSON': (secret) => `\\x${Buffer.from(php(secret)).toString('hex')}`,
  'hex with colons': (secret) => indented(Buffer.from(secret).toString('hex'), 2, ':'),
  'hex with spaces': (secret) => indented(Buffer.from(secret).toString('hex'), 2, ' ').toUpperCase(),
  'a list of bytes': (secret) => JSON.stringify(Buffer.from(secret)),
  'a list of bytes in lines': (secret) => JSON.stringify([...Buffer.from(secret)], null, 4),
  'named characters of HTML': (secret) =>
    secret.replace(
      /[-_.~+/= %&"]/g,
      (mark) => ({ _: '&lowbar;', '.': '&period;', '+': '&plus;', '/': '&sol;', '=': '&equals;' })[mark] ?? `&#${mark.charCodeAt(0)};`,
    ),
  'characters of HTML with leading zeros': (secret) =>
    secret.replace(/\W/gu, (mark) => `&#x${mark.codePointAt(0)?.toString(16).padStart(8, '0')};`),
  Markdown: (secret) => secret.replace(/[-_.~+!]/g, '\\$&'),
};

it.each(Object.entries(ENCODED))('nothing stays in %s', (_, write) => {
  const echo = `got: ${write(SECRET)}, which is wrong`;
  const { body } = redactEcho({ secretTexts: [SECRET], auth: null }, { kind: 'REPLY', body: echo });
  expect(body).toMatch(/^got: .{0,30}\[redacted\]\W{0,4}, which is wrong$/s);
});

it('reads a full answer of base64 within the budget', () => {
  const secretTexts = Array.from({ length: 20 }, (_, i) => `secret number ${i} of many`);
  const body = randomBytes(48_000).toString('base64');
  for (const whole of [body, indented(body, 76, '\r\n'), indented(body, 30, ' ')])
    expect(redactEcho({ secretTexts, auth: null }, { kind: 'REPLY', body: whole }).body).toBe(whole);
});

it('nothing stays of a token that was fetched, of a key behind its prefix, of a secret that the end of an answer cuts off', () => {
  expect(redactEcho({ secretTexts: [], auth: null }, { kind: 'REPLY', body: `no ${SECRET}` }, [SECRET]).body).toBe('no [redacted]');
  const key = Buffer.from('twenty-four bytes of key!');
  const compiledKey = { secretTexts: [`whsec_${key.toString('base64')}`], auth: null };
  const body = `${key.toString('base64')} ${key.toString('hex')}`;
  expect(redactEcho(compiledKey, { kind: 'REPLY', body }).body.replaceAll('=', '')).toBe('[redacted] [redacted]');
  for (const write of [String, encodeURIComponent, strictly, base64])
    for (let cut = 0; cut < 20; cut++) {
      const whole = write(SECRET);
      const text = `so: ${whole.slice(0, whole.length - cut)}`;
      expect(leaksIn(redactEcho({ secretTexts: [SECRET], auth: null }, { kind: 'REPLY', body: text }).body), text).toEqual([]);
    }
});

it('records "[not recorded]" where looking would take too long, and never holds up the others for that', () => {
  const secretTexts = Array.from({ length: 31 }, (_, i) => `${'a'.repeat(2_000)}b${i}${'a'.repeat(2_000)}`);
  const answer = {
    kind: 'REPLY',
    headers: { 'retry-after': '120', 'x-a': 'a'.repeat(4_096), 'content-type': 'text/plain' },
    body: 'a'.repeat(65_536),
  };
  const cleaned = redactEcho({ secretTexts, auth: null }, answer);
  expect(cleaned).toMatchObject({ headers: { 'retry-after': '120' }, body: '[not recorded]' });
});

it("prepares the search for a subscription's own secrets once, however often its token changes", () => {
  let prepared = 0;
  const secretive = {
    get secretTexts() {
      prepared += 1;
      return ['a secret of its own'];
    },
    auth: null,
  };
  for (const token of ['a-token-of-the-first-hour', 'a-token-of-the-second-hour', 'a-token-of-the-third-hour']) {
    const body = `${token}|a secret of its own|${Buffer.from(token).toString('hex')}|a-token-of-the-zeroth-hour`;
    expect(redactEcho(secretive, { kind: 'REPLY', body }, [token]).body).toBe(
      '[redacted]|[redacted]|[redacted]|a-token-of-the-zeroth-hour',
    );
  }
  expect(prepared).toBe(1);
});

it('takes out a token and a secret that overlap', () => {
  const secretive = { secretTexts: ['secret-and-first-half'], auth: null };
  const body = 'x secret-and-first-half-of-a-token x';
  expect(redactEcho(secretive, { kind: 'REPLY', body }, ['first-half-of-a-token']).body).toBe('x [redacted] x');
});
