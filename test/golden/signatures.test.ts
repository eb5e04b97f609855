// Compares signatures with vectors from other programs: openssl, Python's hmac and the Svix server.
import { expect, it } from 'vitest';
import { signScope } from '../../src/webhooks/request/signatures/scope.js';
import { type Asked, signedRequest } from '../support/signed-request.js';

it.each([
  ['hush', '{"name":"Zoë"}', 'lgDdsgqepI0Ozdt6SijWu/W/85kto6UMrzgCqScu4ZM='],
  ['a b"c', '', 'G0yDd/59BO+WgLu5FSfcXQQqzIiiT2WV7xfIE5FtuCw='],
  ['schlüssel', '<?xml version="1.0"?><data>\r\n</data>', 'FB6akRZnASJATLcR9fH8ql+U2sVsdVN7xjLp2MxjaHM='],
])('signs with %j as openssl and Python do', (secret, body, signature) => {
  expect(signScope(secret, Buffer.from(body, 'utf8'))).toBe(signature);
});

const asked: Asked = { secret: 'a shared secret, ünïcode', at: new Date('2026-11-25T18:00:00.123Z') };
const digest = 'sha-256=:l7yoqT7IMzsMC9zG1zJjGIwSGy/mp/8hNQcYKZevsxc=:';

it.each([
  ['SCOPE', {}, { 'x-scope-hmac-sha256': '5d+pRpGXK+tQSIRZ9RaNRPmrekqHAu2Q5pbRPW9HrL8=' }],
  [
    'SCALR',
    {},
    {
      date: 'Wed, 25 Nov 2026 18:00:00 GMT',
      'x-signature': '327ce941e6b442e5a818b1d82138d7af1c867bc466e61f4ee0606d3f5dc7a724',
    },
  ],
  ['SERVO', {}, { 'x-servo-signature': '7e440b6e5c8417f397c26bcf04bbb76fcad2e0b9' }],
  [
    'UP42',
    {},
    {
      'content-digest': digest,
      'signature-input': 'up42-sig=("x-scope-time" "x-scope-webhook-job-id" "x-scope-topic" "content-digest");created=1795629600',
      signature: 'up42-sig=QecLrsJgBRXyhglfjIQ9ZhKu/gm+08LOT0OASkkNSgM=',
    },
  ],
  [
    'HTTP_MESSAGE_SIGNATURES',
    {},
    {
      'content-digest': digest,
      'signature-input':
        'sig1=("@method" "@authority" "@path" "@query" "content-digest" "content-type" "x-scope-topic" "x-scope-webhook-job-id" "x-scope-time");created=1795629600;keyid="33141b558868832d";alg="hmac-sha256"',
      signature: 'sig1=:tMsloQ64VCXz+6EsVOW13FXBIAzNmJpc8uSqAUIDqAw=:',
    },
  ],
  [
    'STANDARD_WEBHOOKS',
    { secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' },
    {
      'webhook-id': '7346',
      'webhook-timestamp': '1795629600',
      'webhook-signature': 'v1,vsF23TS/+pHTFGl3bi4G1lPb+WWErlrlpK+4lwZzsow=',
    },
  ],
] as const)('%s adds exactly these headers', (scheme, over, headers) => {
  const plain = signedRequest(['SCOPE'], { ...asked, secret: null }).headers;
  const { 'x-scope-hmac-sha256': scope, ...signed } = signedRequest([scheme], { ...asked, ...over }).headers;
  expect({ ...signed, ...(scheme === 'SCOPE' && { 'x-scope-hmac-sha256': scope }) }).toEqual({ ...plain, ...headers });
  // The Scope headers are sent with every scheme.
  expect(scope).toMatch(/^[\w+/]{43}=$/);
});

it('signs with a private key as the Svix server does, whether its public key stands behind it or not', () => {
  const seed = Buffer.from('6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=', 'base64');
  const of = (secret: string) =>
    signedRequest(['STANDARD_WEBHOOKS'], {
      secret,
      at: new Date(1_614_265_330_000),
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      body: '{"test": 2432232314}',
    }).headers;
  const both = of('whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==');
  expect(both['webhook-signature']).toBe('v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==');
  expect(of(`whsk_${seed.toString('base64')}`)).toEqual(both);
  // No receiver has the private key, so no receiver could verify an HMAC made with it.
  expect(both).not.toHaveProperty('x-scope-hmac-sha256');
});

it('signs with a shared secret of Standard Webhooks as the Svix server does', () => {
  const { headers } = signedRequest(['STANDARD_WEBHOOKS'], {
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    at: new Date(1_614_265_330_000),
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    body: '{"test": 2432232314}',
  });
  expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});
