import { expect, it } from 'vitest';
import type { Exchange } from '../../../src/webhooks/base/model.js';
import type { OAuth2 } from '../../../src/webhooks/request/auth/credentials.js';
import { createTokens, type Post } from '../../../src/webhooks/request/auth/oauth2.js';
import type { TokenAnswer } from '../../../src/webhooks/request/auth/read-token.js';

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
/** Returns a function that issues token-1, token-2, …, each valid for `expires_in` seconds. */
function issuer(expires_in?: unknown) {
  let count = 0;
  const post: Post = async () => json(200, { access_token: `token-${++count}`, token_type: 'Bearer', expires_in });
  return { post, count: () => count };
}

it.each([
  [3600, 3540],
  [100, 90],
  ['3600', 3540],
  [undefined, 270],
  [null, 270],
  [-1, 270],
  [0, 270],
  ['0', 270],
  ['soon', 270],
  [1e308, 86_340],
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
  // A late caller that still names the old token gets the new token.
  expect(await tokens.get('a', 1, auth, 'token-1')).toMatchObject({ token: 'token-2' });
  expect(count()).toBe(2);
});

it('keeps no failure: the next one asks again', async () => {
  const answers = [json(503, {}), json(200, { access_token: 't', token_type: 'bearer' })];
  const tokens = createTokens(async () => answers.shift() as ReturnType<typeof json>);
  expect(await tokens.get('a', 1, auth)).toEqual({ failed: 'The token endpoint answered with status 503.' });
  expect(await tokens.get('a', 1, auth)).toMatchObject({ token: 't' });
});

const text = (status: number, body: string, headers = {}) => ({ kind: 'REPLY' as const, status, headers, body });
const BASIC = 'were sent in the Authorization header; `clientAuthentication: POST` sends them in the body.';

it.each<[TokenAnswer, string]>([
  [
    json(400, { error: 'invalid_scope', error_description: 'no such scope', secret: 'x' }),
    'The token endpoint answered with status 400: invalid_scope: no such scope. Check `scope`.',
  ],
  [
    text(401, '{"error":"invalid_client"}', { 'www-authenticate': 'Basic realm="x"' }),
    `The token endpoint answered with status 401: invalid_client. Check \`clientId\` and \`clientSecret\`, which ${BASIC}`,
  ],
  [text(401, 'go away'), `The token endpoint answered with status 401. Check \`clientId\` and \`clientSecret\`, which ${BASIC}`],
  [
    json(400, { error: 'unauthorized_client' }),
    "The token endpoint answered with status 400: unauthorized_client. Allow the grant client_credentials for this client at the token endpoint's server.",
  ],
  [
    json(400, { error: 'invalid_client' }),
    `The token endpoint answered with status 400: invalid_client. Check \`clientId\` and \`clientSecret\`, which ${BASIC}`,
  ],
  [
    json(403, { error: 'access_denied', error_description: 'Client is not authorized to access "x"' }),
    'The token endpoint answered with status 403: access_denied: Client is not authorized to access "x". Allow this client the scope and the audience at the token endpoint\'s server, and check `scope` and `audience`.',
  ],
  ...[{ error: { code: 400, message: 'no such client' } }, { message: 'no such client' }, { errorSummary: 'no such client' }].map(
    (body) =>
      [
        json(400, body),
        `The token endpoint answered with status 400: no such client. Check \`tokenUrl\`, \`scope\` and \`audience\`. The client's id and secret ${BASIC}`,
      ] as [ReturnType<typeof json>, string],
  ),
  [
    text(400, 'error=invalid_scope&error_description=no+such+scope'),
    'The token endpoint answered with status 400: invalid_scope: no such scope. Check `scope`.',
  ],
  [
    text(302, '<html>', { location: '/' }),
    'The token endpoint answered with status 302. Redirects are never followed: set `tokenUrl` to the address that the redirect leads to.',
  ],
  [text(503, 'busy'), 'The token endpoint answered with status 503.'],
  [text(404, ''), 'The token endpoint answered with status 404. Check `tokenUrl`.'],
  [text(204, ''), 'The token endpoint answered with status 204, but not with JSON. Check `tokenUrl`.'],
  [
    text(200, '<html>', { 'content-type': 'text/html; charset=utf-8' }),
    'The token endpoint answered with status 200, but not with JSON (Content-Type: text/html). Check `tokenUrl`.',
  ],
  [
    json(200, { id_token: 'x', accessToken: 'y' }),
    'The token endpoint answered with status 200, but without an access_token; the answer has the fields id_token, accessToken. Check `tokenUrl`.',
  ],
  [
    json(200, { error: 'slow down\r\n', error_description: ['no text'] }),
    'The token endpoint answered with status 200: slow down . Check `tokenUrl`.',
  ],
  [
    json(200, { access_token: 'a b', token_type: 'bearer' }),
    'The token endpoint answered with a token that contains characters a header may not contain.',
  ],
  [
    json(200, { access_token: 't', token_type: 'mac' }),
    'The token endpoint answered with a token of the type mac; only bearer tokens can be sent.',
  ],
  [json(200, { access_token: 't'.repeat(50_000) }), 'The token endpoint answered with a token of 50000 characters; the limit is 8192.'],
  [
    { kind: 'NO_REPLY' as const, message: 'The connection failed: ECONNREFUSED.' },
    'The token endpoint gave no answer: The connection failed: ECONNREFUSED.',
  ],
])('tells what was answered and what to try: %j', async (answer, failed) => {
  const tokens = createTokens(async () => answer);
  expect(await tokens.get('a', 1, auth)).toEqual({ failed });
});

it.each<[number, object]>([
  [200, { access_token: 't' }],
  [200, { access_token: 't', token_type: null, expires_in: null, scope: ['a'], refresh_token: null, id_token: 'none' }],
  [200, { access_token: 't', token_type: 'BearerToken', expires_in: '3599' }],
  [201, { access_token: 't', token_type: 'Bearer' }],
])('takes a token of an answer as endpoints really give it: %i %j', async (status, body) => {
  expect(await createTokens(async () => json(status, body)).get('a', 1, auth)).toMatchObject({ token: 't' });
});

it.each(['BearerToken', 'JWT', 'Application Access Token', 'access_token', 'N/A', null])('takes a token of the type %s', async (type) => {
  const tokens = createTokens(async () => json(200, { access_token: 't', token_type: type }));
  expect(await tokens.get('a', 1, auth)).toMatchObject({ token: 't' });
});

it.each([
  [text(429, 'too many', { 'retry-after': '30' }), { retryAfter: '30' }],
  [text(429, 'too many'), {}],
  [json(503, { error: 'temporarily_unavailable' }), undefined],
  [text(503, 'busy', { 'retry-after': '30' }), { retryAfter: '30' }],
])('passes on that the endpoint asks to slow down: %j', async (answer, slowDown) => {
  const got = await createTokens(async () => answer).get('a', 1, auth);
  expect((got as { slowDown?: object }).slowDown).toEqual(slowDown);
});

it('takes a token of a form, which older endpoints answer', async () => {
  const answer = text(200, 'access_token=t%2Bx&expires_in=3600&token_type=bearer\n', {
    'content-type': 'application/x-www-form-urlencoded',
  });
  expect(await createTokens(async () => answer).get('a', 1, auth)).toMatchObject({ token: 't+x' });
});

it('says that id or secret are encoded where the endpoint may not decode them', async () => {
  const refuse = async (clientSecret: string, clientAuthentication: 'BASIC' | 'POST') => {
    const own = { ...auth, clientAuthentication, secrets: { clientSecret } };
    return ((await createTokens(async () => json(401, { error: 'invalid_client' })).get('a', 1, own)) as { failed: string }).failed;
  };
  expect(await refuse('a~b', 'BASIC')).toContain('an endpoint that does not decode them needs POST');
  expect(await refuse('a-b_c', 'BASIC')).not.toContain('decode');
  expect(await refuse('a~b', 'POST')).not.toContain('decode');
});

const SECRET = 'p-_.~+/= %&"ä€🔑!*s3cret';

it('sends id and secret as forms write them, in the header or in the body', async () => {
  const sent: Exchange[] = [];
  const post: Post = async (request) => {
    sent.push(request);
    return json(200, { access_token: 't' });
  };
  for (const clientAuthentication of ['BASIC', 'POST'] as const)
    await createTokens(post).get('a', 1, {
      ...auth,
      clientAuthentication,
      clientId: 'a-b_c.d~',
      scope: 's t',
      secrets: { clientSecret: SECRET },
    });
  const [basic, inBody] = sent;
  expect(basic?.headers).toMatchObject({ 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'application/json' });
  const credentials = Buffer.from(basic?.headers.Authorization?.replace(/^Basic /, '') ?? '', 'base64').toString();
  // Leaves characters unencoded that many endpoints don't decode.
  expect(credentials).toBe('a-b_c.d%7E:p-_.%7E%2B%2F%3D+%25%26%22%C3%A4%E2%82%AC%F0%9F%94%91%21*s3cret');
  expect(basic?.body.toString()).toBe('grant_type=client_credentials&scope=s+t');
  expect(inBody?.headers).not.toHaveProperty('Authorization');
  expect([...new URLSearchParams(inBody?.body.toString())]).toEqual([
    ['grant_type', 'client_credentials'],
    ['client_id', 'a-b_c.d~'],
    ['client_secret', SECRET],
    ['scope', 's t'],
  ]);
});

it.each(['BASIC', 'POST'] as const)('never repeats what was sent, whatever part of it is echoed, %s', async (clientAuthentication) => {
  const own: OAuth2 = { ...auth, clientAuthentication, secrets: { clientSecret: SECRET } };
  for (const before of [0, 200, 280, 290, 299]) {
    const post: Post = async ({ headers, body }) => {
      const got = [headers.Authorization ?? '', body.toString(), SECRET, JSON.stringify(SECRET), encodeURIComponent(SECRET)];
      return json(401, { error: 'invalid_client', error_description: 'x'.repeat(before) + got.join(' ') });
    };
    const { failed } = (await createTokens(post).get('a', 1, own)) as { failed: string };
    expect(failed).toContain('invalid_client');
    // Only the beginning of the secret may remain, where the message is cut.
    for (const trace of [
      's3cret',
      'p-_.',
      'p-_.%7E',
      Buffer.from(`client:${SECRET.slice(0, 4)}`)
        .toString('base64')
        .slice(0, 12),
    ])
      expect(failed).not.toContain(trace);
  }
});
