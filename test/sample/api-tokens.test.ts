import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi } from '../../src/api/index.js';
import type { Viewer } from '../../src/auth/viewer.js';
import { ADMIN_TOKEN, type ServedApp, servedApp } from '../support/app.js';

let t: ServedApp;
beforeAll(async () => {
  t = await servedApp();
});
afterAll(() => t.close());

const DAY_MS = 86_400_000;

async function post(query: string, token: string, url = t.api.url) {
  const response = await fetch(`${url}/api/v3/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Token token=${token}` },
    body: JSON.stringify({ query }),
  });
  return { status: response.status, ...((await response.json()) as Answered) };
}
// biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of the answer that it queries
type Answered = { data?: any; errors?: { message: string }[] };

const CREATE = `mutation ($token: ApiTokenInput) { createApiToken(apiToken: $token) {
  errors { field message path type } token apiToken { id name scope expiresAt revokedAt lastUsedAt active user { firstName } } } }`;
const create = async (token: object, as?: Viewer) => (await t.ask(CREATE, { token }, as)).data.createApiToken;
const REVOKE =
  'mutation ($id: ID) { revokeApiToken(id: $id) { errors { field message path type } apiToken { id revokedAt active lastUsedAt } } }';
const revoke = async (id: string, as?: Viewer) => (await t.ask(REVOKE, { id }, as)).data.revokeApiToken;
const listed = async (as?: Viewer) =>
  (await t.ask('{ apiTokens(first: 100) { totalCount nodes { id name user { firstName } } } }', {}, as)).data.apiTokens;

describe('making a token', () => {
  it('answers its text once, and stores nothing of it but a hash', async () => {
    const { errors, token, apiToken } = await create({ name: ' CI ' });
    expect(errors).toEqual([]);
    expect(token).toMatch(/^hg_[\w-]{32}$/);
    expect(apiToken).toMatchObject({
      name: 'CI',
      scope: 'READ',
      revokedAt: null,
      lastUsedAt: null,
      active: true,
      user: { firstName: 'Ada' },
    });
    const life = new Date(apiToken.expiresAt).getTime() - Date.now();
    expect(Math.round(life / DAY_MS)).toBe(90);
    const everything = JSON.stringify((await t.database.pool.query('SELECT * FROM api_tokens')).rows);
    expect(everything).not.toContain(token);
    expect((await post('{ viewer { firstName } }', token)).data).toEqual({ viewer: { firstName: 'Ada' } });
    const { data } = await t.ask('{ apiTokens { nodes { id name lastUsedAt } } }');
    expect(data.apiTokens.nodes).toContainEqual({ id: apiToken.id, name: 'CI', lastUsedAt: expect.any(String) });
  });

  it('takes the newer form, no end, and every scope', async () => {
    const { data } = await t.ask(
      `mutation { createApiToken(input: { apiToken: { name: "for ever", scope: ADMIN, expiresAt: null } }) { errors { message } apiToken { scope expiresAt } } }`,
    );
    expect(data.createApiToken).toEqual({ errors: [], apiToken: { scope: 'ADMIN', expiresAt: null } });
  });

  it('refuses mistakes, each by its field', async () => {
    const refused = { token: null, apiToken: null };
    const mistakes = async (token: object) => (await create(token)).errors.map(({ field, type }: Record<string, string>) => [field, type]);
    expect(await create({})).toEqual({
      errors: [{ field: 'name', message: "can't be blank", path: ['apiToken', 'name'], type: 'BLANK' }],
      ...refused,
    });
    expect(await mistakes({ name: 'x'.repeat(101), expiresAt: '2020-01-01T00:00:00Z' })).toEqual([
      ['name', 'INVALID'],
      ['expiresAt', 'INVALID'],
    ]);
    expect(await mistakes({ name: 'a\0b' })).toEqual([['name', 'INVALID']]);
  });
});

describe('who sees and revokes a token', () => {
  it('is its user, and an admin of the same organization', async () => {
    const own = (await create({ name: 'of a member' }, t.member)).apiToken;
    expect(await listed(t.member)).toEqual({ totalCount: 1, nodes: [{ id: own.id, name: 'of a member', user: { firstName: 'Alain' } }] });
    expect((await listed()).nodes).toContainEqual({ id: own.id, name: 'of a member', user: { firstName: 'Alain' } });
    expect((await listed(t.stranger)).nodes).toEqual([]);

    const adas = (await create({ name: 'of an admin' })).apiToken;
    const notFound = { errors: [{ field: 'id', message: 'not found', path: ['id'], type: 'NOT_FOUND' }], apiToken: null };
    for (const nobodys of [adas.id, 'nonsense', await t.idOf('User', 'first_name', 'Ada')])
      expect(await revoke(nobodys, t.member)).toEqual(notFound);
    expect(await revoke(own.id, t.stranger)).toEqual(notFound);
    for (const as of [t.member, t.stranger])
      expect(await t.ask('query ($id: ID!) { node(id: $id) { id } }', { id: adas.id }, as)).toEqual({ data: { node: null } });

    const first = await revoke(own.id);
    expect(first).toMatchObject({ errors: [], apiToken: { active: false, revokedAt: expect.any(String) } });
    expect(await revoke(own.id, t.member)).toEqual(first);
  });
});

describe('a token that is over', () => {
  it('is told so to its holder alone, at once by every server', async () => {
    const { token, apiToken } = await create({ name: 'short-lived' });
    const second = await startApi(t.app, { host: '127.0.0.1', port: 0 });
    for (const url of [t.api.url, second.url]) expect((await post('{ viewer { id } }', token, url)).status).toBe(200);
    await revoke(apiToken.id);
    for (const url of [t.api.url, second.url]) {
      const { status, errors } = await post('{ viewer { id } }', token, url);
      expect(status).toBe(401);
      expect(errors?.[0]?.message).toMatch(/^This token was revoked at 20\d\d-/);
    }
    await second.stop();
    await t.database.pool.query(`UPDATE api_tokens SET revoked_at = NULL, expires_at = now() WHERE name = 'short-lived'`);
    expect((await post('{ viewer { id } }', token)).errors?.[0]?.message).toMatch(/^This token expired at 20\d\d-/);
    expect((await post('{ viewer { id } }', `${token}x`)).errors?.[0]?.message).toMatch(
      /^This token does not exist, or its user is disabled\./,
    );
  });
});

describe('the scope', () => {
  const GROUP = 'mutation { createGroup(group: { name: "G" }) { errors { field message type } group { id } } }';
  const SUBSCRIBE = `mutation { createWebhookSubscription(webhookSubscription: { topic: { key: "user/created" }, callbackUrl: "https://8.8.8.8/" }) {
    errors { field message type } warnings { message } webhookSubscription { id } } }`;
  const TOKEN = 'mutation { createApiToken(apiToken: { name: "mightier", scope: ADMIN }) { errors { message type } token } }';
  const DISMISS = 'mutation { deleteWebhookErrors(ids: []) { errors { message } deletedIds } }';

  it('of READ reads, and is refused every change with the scope that it needs', async () => {
    const { token } = await create({ name: 'reader', scope: 'READ' });
    expect((await post('{ users { totalCount } apiTokens { totalCount } }', token)).errors).toBeUndefined();
    const refusal = (needed: string) => ({ message: `the token’s scope is READ, but this needs ${needed}`, type: 'FORBIDDEN' });
    expect((await post(GROUP, token)).data).toEqual({ createGroup: { errors: [{ field: 'base', ...refusal('ADMIN') }], group: null } });
    expect((await post(SUBSCRIBE, token)).data).toEqual({
      createWebhookSubscription: { errors: [{ field: 'base', ...refusal('MANAGE_WEBHOOKS') }], warnings: [], webhookSubscription: null },
    });
    expect((await post(TOKEN, token)).data).toEqual({ createApiToken: { errors: [refusal('ADMIN')], token: null } });
    expect((await post(DISMISS, token)).data).toEqual({
      deleteWebhookErrors: { errors: [{ message: refusal('MANAGE_WEBHOOKS').message }], deletedIds: [] },
    });
  });

  it('of MANAGE_WEBHOOKS manages webhooks, and makes no token', async () => {
    const { token } = await create({ name: 'hooks', scope: 'MANAGE_WEBHOOKS' });
    expect((await post(SUBSCRIBE, token)).data.createWebhookSubscription.errors).toEqual([]);
    for (const mutation of [GROUP, TOKEN])
      expect(Object.values<{ errors: object[] }>((await post(mutation, token)).data)[0]?.errors).toMatchObject([
        { type: 'FORBIDDEN', message: 'the token’s scope is MANAGE_WEBHOOKS, but this needs ADMIN' },
      ]);
  });

  it('never allows more than its user may', async () => {
    const { token } = await create({ name: 'member', scope: 'ADMIN' }, t.member);
    expect((await post(GROUP, token)).data.createGroup.errors).toEqual([]);
    expect((await post(SUBSCRIBE, token)).data.createWebhookSubscription.errors).toMatchObject([{ type: 'FORBIDDEN' }]);
    const admin = 'mutation { createUser(user: { firstName: "A", lastName: "B" }) { errors { type } } }';
    expect((await post(admin, token)).data.createUser.errors).toEqual([{ type: 'FORBIDDEN' }]);
  });
});

describe('the last use', () => {
  it('is noted once a minute, and costs the other requests nothing', async () => {
    const { token, apiToken } = await create({ name: 'used' });
    const key = Buffer.from(apiToken.id, 'base64url').toString().split(':')[1];
    const used = async () => (await t.database.pool.query('SELECT last_used_at, xmin FROM api_tokens WHERE id = $1', [key])).rows[0];
    await Promise.all([post('{ viewer { id } }', token), post('{ viewer { id } }', token)]);
    const first = await used();
    await post('{ viewer { id } }', token);
    expect(await used()).toEqual(first);
    await t.database.pool.query(`UPDATE api_tokens SET last_used_at = now() - interval '61 s' WHERE id = $1`, [key]);
    await post('{ viewer { id } }', token);
    expect((await used()).last_used_at.getTime()).toBeGreaterThanOrEqual(first.last_used_at.getTime());
  });

  it('leaves the tokens of before with what they could do', async () => {
    const { rows } = await t.database.pool.query(`SELECT scope::text, expires_at FROM api_tokens WHERE name = 'sample data'`);
    expect(rows).toEqual([{ scope: 'ADMIN', expires_at: null }]);
    expect((await post(GROUP_OF_BEFORE, ADMIN_TOKEN)).data.createGroup.errors).toEqual([]);
  });
  const GROUP_OF_BEFORE = 'mutation { createGroup(group: { name: "before" }) { errors { message } } }';
});
