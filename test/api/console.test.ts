// Tests over real HTTP the console's page and files, its session, and that no other site can use the session.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, startApi } from '../../src/api/index.js';
import { ADMIN_TOKEN, type ServedApp, servedApp } from '../support/app.js';

let t: ServedApp;
beforeAll(async () => {
  t = await servedApp();
});
afterAll(() => t.close());

const SAME = { 'sec-fetch-site': 'same-origin' };
const JSON_TYPE = { 'content-type': 'application/json' };
const QUERY = JSON.stringify({ query: '{ webhookViewer { canManageWebhooks token { name } } }' });

const request = (path: string, init: RequestInit = {}, api: Api = t.api) => fetch(`${api.url}${path}`, { redirect: 'manual', ...init });
const signIn = (body: object, headers: Record<string, string> = SAME, api: Api = t.api) =>
  request('/console/session', { method: 'POST', headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(body) }, api);
const ask = (cookie: string, headers: Record<string, string> = SAME, api: Api = t.api) =>
  request('/api/v3/graphql', { method: 'POST', headers: { ...JSON_TYPE, cookie, ...headers }, body: QUERY }, api);

async function cookieOf(response: Response): Promise<string> {
  expect(response.status).toBe(200);
  return (response.headers.get('set-cookie') ?? '').split(';')[0] as string;
}

/** Creates a token of the admin. `expires`: the time from now until it expires, as an SQL interval. */
async function makeToken(name: string, expires: string | null = null): Promise<string> {
  const { createHash } = await import('node:crypto');
  const token = `hg_console-${name}`;
  await t.database.pool.query(
    `INSERT INTO api_tokens (user_id, name, token_hash, scope, expires_at) VALUES ($1, $2, $3, 'READ', now() + $4::interval)`,
    [t.admin.userId, name, createHash('sha256').update(token).digest('hex'), expires],
  );
  return token;
}

describe('the page', () => {
  it.each(['/console', '/console/', '/console/webhooks/some-id?period=7d'])(
    'is served at %s with a strict policy and a nonce of its own',
    async (path) => {
      const [first, second] = await Promise.all([request(path), request(path)]);
      expect(first.status).toBe(200);
      expect(first.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(first.headers.get('cache-control')).toBe('no-store');
      const policy = first.headers.get('content-security-policy') ?? '';
      expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self' 'nonce-[\w+/=]{24}';/);
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
      expect(policy).toContain("frame-ancestors 'none'");
      const nonce = /nonce-([\w+/=]{24})/.exec(policy)?.[1] as string;
      expect(await first.text()).toContain(`nonce="${nonce}"`);
      expect(second.headers.get('content-security-policy')).not.toContain(nonce);
    },
  );

  it('has the theme of its cookie, and nothing else of it', async () => {
    const page = async (cookie: string) => (await request('/console', { headers: { cookie } })).text();
    expect(await page('a=b; hookgraph-theme=dark')).toContain('<html lang="en" data-theme="dark">');
    expect(await page('hookgraph-theme="><script>')).toContain('<html lang="en">');
  });

  it('loads files that browsers may keep for ever, compressed as they like', async () => {
    const entry = /src="(\/console\/assets\/[^"]+\.js)"/.exec(await (await request('/console')).text())?.[1] as string;
    for (const encoding of ['br', 'gzip']) {
      const file = await request(entry, { headers: { 'accept-encoding': encoding } });
      expect(Object.fromEntries(file.headers)).toMatchObject({
        'content-encoding': encoding,
        'cache-control': 'public, max-age=31536000, immutable',
        'content-type': 'text/javascript; charset=utf-8',
        vary: 'Accept-Encoding',
      });
      expect((await file.text()).length).toBeGreaterThan(10_000);
    }
    expect((await request(entry, { headers: { 'accept-encoding': 'identity' } })).headers.get('content-encoding')).toBeNull();
    expect((await request('/console/assets/third-party-licences.txt')).status).toBe(200);
  });

  it.each(['assets/none.js', 'assets/../manifest.json', 'assets/%2e%2e/manifest.json', 'assets/..%2fmanifest.json', 'assets/'])(
    'serves no file %s',
    async (name) => {
      const response = await request(`/console/${name}`);
      expect(await response.text()).not.toContain('isEntry');
    },
  );

  it('is where a browser is led to; others get the greeting', async () => {
    const browser = await request('/', { headers: { accept: 'text/html,*/*;q=0.8' } });
    expect([browser.status, browser.headers.get('location')]).toEqual([302, '/console']);
    expect(await (await request('/')).text()).toContain('/console');
  });

  it('may be read only', async () => {
    expect((await request('/console', { method: 'POST' })).status).toBe(405);
    expect((await request('/console/session', { method: 'PUT' })).status).toBe(405);
  });
});

describe('the session', () => {
  it('begins with a token, and works like its Authorization header', async () => {
    const response = await signIn({ token: ` ${ADMIN_TOKEN} ` });
    const header = response.headers.get('set-cookie') ?? '';
    expect(header).toMatch(/; Max-Age=604[78]\d\d; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(header).not.toContain(ADMIN_TOKEN);
    expect(response.headers.get('ratelimit')).not.toBeNull();
    const cookie = await cookieOf(response);
    expect(await (await ask(cookie)).json()).toMatchObject({ data: { webhookViewer: { canManageWebhooks: true } } });
    expect(await (await request('/console/session', { headers: { cookie, ...SAME } })).json()).toMatchObject({ isSignedIn: true });
    expect(await (await request('/console/session')).json()).toMatchObject({ isSignedIn: false });
  });

  it('has a Secure cookie that is bound to its host, over https', async () => {
    const config = { ...t.app.config, baseUrl: 'https://hooks.example.com' };
    const api = await startApi({ ...t.app, config }, { host: '127.0.0.1', port: 0 });
    try {
      const header = (await signIn({ token: ADMIN_TOKEN }, SAME, api)).headers.get('set-cookie') ?? '';
      expect(header).toMatch(/^__Host-hookgraph=[\w.-]+; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
      // A proxy may change the Host header, so an Origin with the public address is accepted, too.
      expect((await signIn({ token: ADMIN_TOKEN }, { origin: 'https://hooks.example.com' }, api)).status).toBe(200);
    } finally {
      await api.stop();
    }
  });

  it.each([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another origin of this site', { 'sec-fetch-site': 'same-site' }],
    ['the address bar', { 'sec-fetch-site': 'none' }],
    ['an old browser’s page of another origin', { origin: 'https://evil.example' }],
    ['a page without an origin', { origin: 'null' }],
    ['no browser', {}],
  ] as [string, Record<string, string>][])('is not used by %s', async (_who, headers) => {
    const cookie = await cookieOf(await signIn({ token: ADMIN_TOKEN }));
    expect((await ask(cookie, headers)).status).toBe(401);
    expect(
      (await request(`/api/v3/graphql?query=${encodeURIComponent('{ __typename }')}`, { headers: { cookie, ...headers } })).status,
    ).toBe(401);
    expect((await signIn({ token: ADMIN_TOKEN }, headers)).status).toBe(403);
    const left = await request('/console/session', { method: 'DELETE', headers: { cookie, ...headers } });
    expect([left.status, left.headers.get('set-cookie')]).toEqual([403, null]);
  });

  it('is used by an old browser’s page of this origin', async () => {
    const origin = new URL(t.api.url).origin;
    const cookie = await cookieOf(await signIn({ token: ADMIN_TOKEN }, { origin }));
    expect((await ask(cookie, { origin })).status).toBe(200);
  });

  it('reads only, by GET', async () => {
    const cookie = await cookieOf(await signIn({ token: ADMIN_TOKEN }));
    const query = encodeURIComponent('mutation { deleteWebhookSubscription(webhookSubscription: { id: "x" }) { errors { message } } }');
    const response = await request(`/api/v3/graphql?query=${query}`, { headers: { cookie, ...SAME } });
    expect(response.status).toBe(405);
  });

  it('ends with its token, at the next request', async () => {
    const cookie = await cookieOf(await signIn({ token: await makeToken('revoked') }));
    expect((await ask(cookie)).status).toBe(200);
    await t.database.pool.query(`UPDATE api_tokens SET revoked_at = now() WHERE name = 'revoked'`);
    expect((await ask(cookie)).status).toBe(401);
    const state = await request('/console/session', { headers: { cookie, ...SAME } });
    expect(await state.json()).toMatchObject({ isSignedIn: false, reason: expect.stringContaining('has ended') });
    expect(state.headers.get('set-cookie')).toContain('Max-Age=0');
  });

  it('lives no longer than its token', async () => {
    const header = (await signIn({ token: await makeToken('short', '1 hour') })).headers.get('set-cookie') ?? '';
    const seconds = Number(/Max-Age=(\d+)/.exec(header)?.[1]);
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(3600);
  });

  it.each([
    ['altered', (cookie: string) => `${cookie.slice(0, -4)}AAAA`],
    ['cut', (cookie: string) => cookie.slice(0, -20)],
    ['made up', (cookie: string) => `${cookie.split('=')[0]}=abc.def`],
    ['the token itself', (cookie: string) => `${cookie.split('=')[0]}=${ADMIN_TOKEN}`],
  ])('is not begun by a cookie that is %s', async (_what, change) => {
    const cookie = await cookieOf(await signIn({ token: ADMIN_TOKEN }));
    expect((await ask(change(cookie))).status).toBe(401);
  });

  it('leaves the cookie at sign-out', async () => {
    const cookie = await cookieOf(await signIn({ token: ADMIN_TOKEN }));
    const left = await request('/console/session', { method: 'DELETE', headers: { cookie, ...SAME } });
    expect([left.status, left.headers.get('set-cookie')]).toEqual([200, expect.stringContaining('Max-Age=0')]);
  });

  it.each([
    ['an unknown token', { token: 'hg_unknown' }, 401],
    ['no token', {}, 400],
    ['a token that is no text', { token: 7 }, 400],
    ['this machine, which is no local start', { isLocal: true }, 403],
  ])('does not begin with %s', async (_what, body, status) => {
    const response = await signIn(body);
    expect([response.status, response.headers.get('set-cookie')]).toEqual([status, null]);
  });

  it('begins by a form of no site', async () => {
    const form = await request('/console/session', {
      method: 'POST',
      headers: { ...SAME, 'content-type': 'text/plain' },
      body: '{"token":"x"}',
    });
    expect(form.status).toBe(415);
  });

  it('counts guesses as the Authorization header does', async () => {
    const api = await startApi(t.app, { host: '127.0.0.1', port: 0 });
    try {
      const guess = (i: number) => signIn({ token: `hg_guess-${i}` }, SAME, api);
      const statuses = await Promise.all(Array.from({ length: 34 }, async (_, i) => (await guess(i)).status));
      expect(statuses.filter((status) => status === 401)).toHaveLength(30);
      expect(statuses.filter((status) => status === 429)).toHaveLength(4);
      expect((await signIn({ token: ADMIN_TOKEN }, SAME, api)).status).toBe(429);
    } finally {
      await api.stop();
    }
  });
});

describe('a local start', () => {
  const start = (more: object = {}) =>
    startApi(
      { ...t.app, config: { ...t.app.config, baseUrl: 'http://127.0.0.1:4000' } },
      { host: '127.0.0.1', port: 0, localToken: ADMIN_TOKEN, ...more },
    );

  it('signs in by itself, for a page of this machine', async () => {
    const api = await start();
    try {
      expect(await (await request('/console/session', {}, api)).json()).toMatchObject({ canSignInLocally: true });
      const cookie = await cookieOf(await signIn({ isLocal: true }, SAME, api));
      expect((await ask(cookie, SAME, api)).status).toBe(200);
    } finally {
      await api.stop();
    }
  });

  it.each([
    ['through a proxy', { ...SAME, 'x-forwarded-for': '192.0.2.7' }],
    ['from another site', { 'sec-fetch-site': 'cross-site' }],
  ] as [string, Record<string, string>][])('does not, %s', async (_how, headers) => {
    const api = await start();
    try {
      expect((await signIn({ isLocal: true }, headers, api)).status).toBe(403);
    } finally {
      await api.stop();
    }
  });
});

it('shows the explorer in the console’s frame only, without a token', async () => {
  const api = await startApi(
    { ...t.app, config: { ...t.app.config, baseUrl: 'http://127.0.0.1:4000' } },
    { host: '127.0.0.1', port: 0, localToken: ADMIN_TOKEN },
  );
  try {
    const framed = await request('/console/explorer/frame', {}, api);
    expect(framed.headers.get('content-security-policy')).toContain("frame-ancestors 'self'");
    expect(framed.headers.get('x-frame-options')).toBe('SAMEORIGIN');
    expect(await framed.text()).not.toContain(ADMIN_TOKEN);
    expect((await request('/console', {}, api)).headers.get('x-frame-options')).toBe('DENY');
  } finally {
    await api.stop();
  }
});
