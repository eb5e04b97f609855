// Vectors made by other programs: openssl (the first two) and Python's hmac (the third).
import { expect, it } from 'vitest';
import { signScope } from '../../src/webhooks/request/signatures/scope.js';

it.each([
  ['hush', '{"name":"Zoë"}', 'lgDdsgqepI0Ozdt6SijWu/W/85kto6UMrzgCqScu4ZM='],
  ['a b"c', '', 'G0yDd/59BO+WgLu5FSfcXQQqzIiiT2WV7xfIE5FtuCw='],
  ['schlüssel', '<?xml version="1.0"?><data>\r\n</data>', 'FB6akRZnASJATLcR9fH8ql+U2sVsdVN7xjLp2MxjaHM='],
])('signs with %j as openssl and Python do', (secret, body, signature) => {
  expect(signScope(secret, Buffer.from(body, 'utf8'))).toBe(signature);
});
