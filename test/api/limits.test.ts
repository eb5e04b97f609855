import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Api, startApi } from '../../src/api/index.js';
import { createNetworkOf } from '../../src/api/network-of.js';
import type { App } from '../../src/cli/app.js';
import { ADMIN_TOKEN, type TestApp, testApp } from '../support/app.js';
import { until } from '../support/until.js';

let t: TestApp;
let api: Api;
/** The number of token look-ups in the database. */
let lookUps = 0;
beforeAll(async () => {
  t = await testApp();
});
afterEach(() => api.stop());
afterAll(() => t.close());

async function start(config: Partial<App['config']> = {}): Promise<void> {
  lookUps = 0;
  const authenticate: App['authenticate'] = (token) => {
    lookUps++;
    return t.app.authenticate(token);
  };
  api = await startApi({ ...t.app, authenticate, config: { ...t.app.config, ...config } }, { host: '127.0.0.1', port: 0 });
}

const ask = (token: string, headers: Record<string, string> = {}, query = '{__typename}') =>
  fetch(`${api.url}/api/v3/graphql?query=${query}`, { headers: { authorization: `Bearer ${token}`, ...headers } });
const statusOf = async (...args: Parameters<typeof ask>) => (await ask(...args)).status;
/** Sends `count` unknown tokens at once and counts the answers by status. */
async function guess(count: number, headers: (index: number) => Record<string, string> = () => ({})) {
  const statuses = await Promise.all(Array.from({ length: count }, (_, index) => statusOf(`guess-${index}`, headers(index))));
  return { 401: statuses.filter((status) => status === 401).length, 429: statuses.filter((status) => status === 429).length };
}
async function newToken(): Promise<string> {
  const { data } = await t.ask('mutation { createApiToken(apiToken: { name: "new" }) { token } }');
  return data.createApiToken.token;
}

describe('a token', () => {
  it('has a budget of requests, is told how it stands, and then when to come again', async () => {
    await start({ rateLimit: 1 });
    const other = await newToken();
    const first = await ask(ADMIN_TOKEN);
    expect(first.status).toBe(200);
    expect(first.headers.get('ratelimit-policy')).toBe('"second";q=1;w=1, "burst";q=60;w=60');
    expect(first.headers.get('ratelimit')).toBe('"second";r=0;t=1, "burst";r=60;t=0');
    let refused: Response | undefined;
    for (let round = 0; round < 20 && !refused; round++) {
      // Sends requests without a query, because they use almost none of the time limit, which is separate from the limit of requests.
      const answers = await Promise.all(Array.from({ length: 30 }, () => ask(ADMIN_TOKEN, {}, '')));
      refused = answers.find(({ status }) => status === 429);
    }
    expect(refused?.status).toBe(429);
    expect(refused?.headers.get('retry-after')).toBe('1');
    expect(refused?.headers.get('ratelimit')).toMatch(/^"second";r=0;t=1, "burst";r=0;t=\d+$/);
    expect(await refused?.json()).toEqual({
      errors: [
        {
          message: 'This token sent more than 1 requests per second, and has used up its allowance for bursts. Retry the request in 1 s.',
          extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 1, requestId: expect.any(String) },
        },
      ],
    });
    expect(await statusOf(other)).toBe(200);
    const before = lookUps;
    expect((await Promise.all(Array.from({ length: 10 }, () => statusOf(ADMIN_TOKEN)))).includes(429)).toBe(true);
    expect(lookUps - before).toBeLessThan(10);
  });

  it('pays for the time that its requests use, and for no other token’s', async () => {
    await start({ rateLimit: 1 });
    const costly = await newToken();
    const query = `{ webhookTopics(first: 100) { nodes { ${Array.from({ length: 490 }, (_, index) => `a${index}: key`).join(' ')} } } }`;
    const headers = { authorization: `Bearer ${costly}`, 'content-type': 'application/json' };
    const post = () => fetch(`${api.url}/api/v3/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
    let refused: Response | undefined;
    for (let count = 0; count < 50 && !refused; count++) {
      const answer = await post();
      if (answer.status === 429) refused = answer;
      else expect((await answer.json()).errors).toBeUndefined();
    }
    expect((await refused?.json())?.errors[0]).toMatchObject({
      message: expect.stringContaining('have used up its processor time of this minute'),
      extensions: { code: 'RATE_LIMITED', retryAfterSeconds: expect.any(Number) },
    });
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(1);
    expect(await statusOf(await newToken())).toBe(200);
  });

  it.each([
    ['it is revoked', `UPDATE api_tokens SET revoked_at = now() WHERE name = 'new'`, /was revoked/],
    ['its user is disabled', `UPDATE users SET disabled = true WHERE first_name = 'Ada'`, /its user is disabled/],
  ])('runs nothing when %s while its request arrives', async (_, statement, message) => {
    await start();
    const token = await newToken();
    const body = JSON.stringify({ query: '{ __typename }' });
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'content-length': body.length };
    const sending = request(`${api.url}/api/v3/graphql`, { method: 'POST', headers });
    // Listens before the rest is sent, because a refusal may come earlier.
    const answered = once(sending, 'response') as Promise<[IncomingMessage]>;
    sending.write(body.slice(0, 5));
    await until('it is looked up', () => lookUps === 1);
    await t.database.pool.query(statement);
    onTestFinished(async () => void (await t.database.pool.query(`UPDATE users SET disabled = false WHERE first_name = 'Ada'`)));
    const since = performance.now();
    await until('it has taken a second', () => performance.now() - since > 1_000);
    sending.end(body.slice(5));
    const [response] = await answered;
    expect([response.statusCode, await text(response)]).toEqual([401, expect.stringMatching(message)]);
  });

  it('has none where the limit is 0', async () => {
    await start({ rateLimit: 0 });
    const answer = await ask(ADMIN_TOKEN);
    expect([answer.status, answer.headers.get('ratelimit')]).toEqual([200, null]);
  });
});

describe('whoever guesses tokens', () => {
  it('is slowed, then refused before the database is asked; a token that is in use from the same network goes on working', async () => {
    await start();
    const fresh = await newToken();
    expect(await statusOf(ADMIN_TOKEN)).toBe(200);
    lookUps = 0;
    expect(await guess(50)).toEqual({ 401: 30, 429: 20 });
    expect(lookUps).toBe(30);
    const refused = await ask('another-guess');
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(1);
    expect(JSON.stringify(await refused.json())).toContain('Within 60 s, your network sent more than 30 tokens that do not exist.');
    expect(lookUps).toBe(30);
    expect(await statusOf(ADMIN_TOKEN)).toBe(200);
    // This process has never seen the token, so it can't distinguish it from a guess.
    expect(await statusOf(fresh)).toBe(429);
  });

  it('is not who starts many requests at once with a token that is new here, nor who holds one that is over', async () => {
    await start();
    const fresh = await newToken();
    const started = await Promise.all(Array.from({ length: 60 }, () => statusOf(fresh)));
    expect(new Set(started)).toEqual(new Set([200]));
    await t.database.pool.query(`UPDATE api_tokens SET revoked_at = now() WHERE name = 'new'`);
    for (let index = 0; index < 40; index++) expect(await statusOf(fresh)).toBe(401);
    expect(await guess(1)).toEqual({ 401: 1, 429: 0 });
  });

  it('is known by the address that a trusted proxy tells, and by no other', async () => {
    const from = (address: string) => () => ({ 'x-forwarded-for': address });
    await start();
    expect(await guess(40, (index) => ({ 'x-forwarded-for': `198.51.100.${index}` }))).toEqual({ 401: 30, 429: 10 });
    await api.stop();
    await start({ trustedProxies: ['127.0.0.0/8'] });
    expect(await guess(40, from('203.0.113.7'))).toEqual({ 401: 30, 429: 10 });
    expect(await guess(1, from('203.0.113.8'))).toEqual({ 401: 1, 429: 0 });
    // The proxy adds the true address to the right of a list that the client makes up for each guess.
    const forged = (index: number) => ({ 'x-forwarded-for': `127.0.0.1, 198.51.100.${index}, 203.0.113.9` });
    expect(await guess(40, forged)).toEqual({ 401: 30, 429: 10 });
    // The limit of one network doesn't apply to another network.
    expect(await guess(1, from('203.0.113.8'))).toEqual({ 401: 1, 429: 0 });
  });
});

describe('the network of a request', () => {
  const networkOf = (trusted: string[], remoteAddress: string, forwarded?: string) =>
    createNetworkOf(trusted)({
      headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
      socket: { remoteAddress },
    } as unknown as IncomingMessage);

  it.each([
    [[], '192.0.2.1', undefined, '192.0.2.1'],
    [[], '::ffff:192.0.2.1', undefined, '192.0.2.1'],
    [[], '192.0.2.1', '198.51.100.1', '192.0.2.1'],
    [['192.0.2.0/24'], '192.0.2.1', '198.51.100.1', '198.51.100.1'],
    [['192.0.2.0/24'], '::ffff:192.0.2.1', '203.0.113.9, 198.51.100.1', '198.51.100.1'],
    [['192.0.2.0/24'], '192.0.2.1', 'a forged thing, 198.51.100.1, 192.0.2.7', '198.51.100.1'],
    [['192.0.2.0/24'], '192.0.2.1', 'unknown', '192.0.2.1'],
    // Attacks: addresses of trusted proxies, other spellings of an address, and forged lists to the left of the proxy's own entry.
    [['192.0.2.0/24'], '192.0.2.1', '192.0.2.9, 198.51.100.1', '198.51.100.1'],
    [['192.0.2.0/24'], '192.0.2.1', '203.0.113.1,,203.0.113.2, ,198.51.100.1,', '198.51.100.1'],
    [['192.0.2.0/24'], '192.0.2.1', '::ffff:198.51.100.1', '198.51.100.1'],
    [['192.0.2.0/24'], '192.0.2.1', '198.51.100.1:50123', '198.51.100.1'],
    [['192.0.2.0/24'], '192.0.2.1', '[2001:db8:1:2::1]:50123', [0x2001, 0xdb8, 1, 2].join(':')],
    [['192.0.2.0/24'], '192.0.2.1', '', '192.0.2.1'],
  ])('with %j trusted, from %s, told %s, is %s', (trusted, remote, forwarded, network) => {
    expect(networkOf(trusted, remote, forwarded)).toBe(network);
  });

  it('is that of a list of any length', () => {
    expect(networkOf(['192.0.2.0/24'], '192.0.2.1', `${'203.0.113.1, '.repeat(1_000)}198.51.100.1`)).toBe('198.51.100.1');
  });

  it('is the /64 of an IPv6 address', () => {
    const [one, same, other] = ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', '2001:db8:1:3::1'].map((address) => networkOf([], address));
    expect(one).toBe(same);
    expect(one).not.toBe(other);
  });
});
