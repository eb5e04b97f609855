import { expect, it } from 'vitest';
import { createTokens, type OAuth2, type Post } from '../../../src/webhooks/request/auth/oauth2.js';

const auth: OAuth2 = {
  kind: 'OAUTH2',
  tokenUrl: 'https://id.example/token',
  clientId: 'client',
  scope: null,
  audience: null,
  clientAuthentication: 'BASIC',
  secrets: { clientSecret: 'hush' },
};

const json = (status: number, body: object) => ({ kind: 'REPLY' as const, status, headers: {}, body: JSON.stringify(body) });
/** Answers token-1, token-2, …, each for `expires_in` seconds. */
function issuer(expires_in?: number) {
  let count = 0;
  const post: Post = async () => json(200, { access_token: `token-${++count}`, token_type: 'Bearer', expires_in });
  return { post, count: () => count };
}

it.each([
  [3600, 3540],
  [100, 90],
  [undefined, 270],
])('a token for %s seconds is kept for %s', async (life, kept) => {
  let nowMs = 0;
  const { post } = issuer(life);
  const tokens = createTokens(post, () => nowMs);
  const get = async () => (await tokens.get('a', 1, auth)) as { token: string };
  expect((await get()).token).toBe('token-1');
  nowMs = kept * 1000 - 1;
  expect((await get()).token).toBe('token-1');
  nowMs = kept * 1000;
  expect((await get()).token).toBe('token-2');
});

it('is fetched once for all who ask at once, for each subscription and version', async () => {
  const { post, count } = issuer(3600);
  const tokens = createTokens(post);
  const got = await Promise.all(Array.from({ length: 50 }, () => tokens.get('a', 1, auth)));
  expect(new Set(got.map((one) => 'token' in one && one.token))).toEqual(new Set(['token-1']));
  expect(await tokens.get('b', 1, auth)).toMatchObject({ token: 'token-2' });
  expect(await tokens.get('a', 2, auth)).toMatchObject({ token: 'token-3' });
  expect(count()).toBe(3);
});

it('is fetched once more for all whose receiver refused the same one', async () => {
  const { post, count } = issuer(3600);
  const tokens = createTokens(post);
  await tokens.get('a', 1, auth);
  const again = await Promise.all(Array.from({ length: 50 }, () => tokens.get('a', 1, auth, 'token-1')));
  expect(new Set(again.map((one) => 'token' in one && one.token))).toEqual(new Set(['token-2']));
  // One that comes late with the old one finds the new one.
  expect(await tokens.get('a', 1, auth, 'token-1')).toMatchObject({ token: 'token-2' });
  expect(count()).toBe(2);
});

it('keeps no failure: the next one asks again', async () => {
  const answers = [json(503, {}), json(200, { access_token: 't', token_type: 'bearer' })];
  const tokens = createTokens(async () => answers.shift() as ReturnType<typeof json>);
  expect(await tokens.get('a', 1, auth)).toEqual({ failed: 'The token endpoint answered with status 503.' });
  expect(await tokens.get('a', 1, auth)).toMatchObject({ token: 't' });
});

it.each([
  [json(400, { error: 'invalid_scope', error_description: 'no such scope', secret: 'x' }), 'status 400: invalid_scope: no such scope.'],
  [
    { kind: 'REPLY' as const, status: 401, headers: { 'www-authenticate': 'Basic realm="x"' }, body: '{"error":"invalid_client"}' },
    'status 401: invalid_client.',
  ],
  [{ kind: 'REPLY' as const, status: 302, headers: { location: '/' }, body: '<html>' }, 'status 302.'],
  [{ kind: 'REPLY' as const, status: 204, headers: {}, body: '' }, 'status 204.'],
  [json(200, {}), 'has no token that can be used'],
  [json(200, { access_token: 'a b', token_type: 'bearer' }), 'a token that no header holds'],
  [json(200, { access_token: 't', token_type: 'mac' }), 'has no token that can be used'],
  [{ kind: 'REPLY' as const, status: 200, headers: {}, body: '<html>' }, 'has no token that can be used'],
  [{ kind: 'NO_REPLY' as const, message: 'The connection failed: ECONNREFUSED.' }, 'gave no answer: The connection failed: ECONNREFUSED.'],
])('tells why there is none: %j', async (answer, message) => {
  const tokens = createTokens(async () => answer);
  expect(await tokens.get('a', 1, auth)).toEqual({ failed: expect.stringContaining(message) });
});
