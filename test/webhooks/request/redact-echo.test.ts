import { expect, it } from 'vitest';
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
