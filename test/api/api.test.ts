// Tests the API over real HTTP.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, startApi } from '../../src/api/index.js';
import { ADMIN_TOKEN, type ServedApp, servedApp } from '../support/app.js';
import { collectLines } from '../support/log-lines.js';

let t: ServedApp;
beforeAll(async () => {
  t = await servedApp();
});
afterAll(() => t.close());

const AUTHORIZED = { Authorization: `Token token=${ADMIN_TOKEN}` };

function post(body: unknown, headers: Record<string, string> = AUTHORIZED) {
  return fetch(`${t.api.url}/api/v3/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

describe('a request of another media type or to an odd URL', () => {
  const send = (headers: Record<string, string>, search = '') =>
    fetch(`${t.api.url}/api/v3/graphql${search}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...AUTHORIZED, ...headers },
      body: '{"query":"{ viewer { admin } }"}',
    });
  const ANSWER = { data: { viewer: { admin: true } } };

  it.each([
    'application/json; charset=utf-8',
    'Application/JSON;charset="UTF-8"',
    'application/json ; charset=utf8;',
    'application/json; profile="a;b, c"; charset=us-ascii',
    'application/graphql+json',
    'application/vnd.api+json; version=1',
  ])('may say that its body is %s', async (type) => {
    expect(await (await send({ 'Content-Type': type })).json()).toEqual(ANSWER);
  });

  it.each(['text/html', 'image/png;q=0.9', 'application/json;charset=utf-16', 'nonsense'])(
    'is answered in JSON although the client accepts only %s, because what it asked for has happened',
    async (Accept) => {
      const response = await send({ Accept });
      expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
      expect(await response.json()).toEqual(ANSWER);
    },
  );

  it('is answered at a URL whose end names a health check', async () => {
    expect(await (await send({}, '?from=/health')).json()).toEqual(ANSWER);
  });
});

describe('the endpoint', () => {
  it.each([`Token token=${ADMIN_TOKEN}`, `Token token="${ADMIN_TOKEN}"`, `token token=${ADMIN_TOKEN}`, `Bearer ${ADMIN_TOKEN}`])(
    'answers whoever sends %s',
    async (Authorization) => {
      const response = await post({ query: '{ viewer { username } }' }, { Authorization });
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ data: { viewer: { username: 'ada.lovelace' } } });
    },
  );

  it.each([
    [{}, 'The Authorization header is missing.'],
    [{ Authorization: 'Basic YTpi' }, 'The Authorization header is not valid.'],
    [{ Authorization: 'Bearer unknown' }, 'This token does not exist'],
  ])('refuses %o with 401 and says what to send', async (headers, message) => {
    const response = await post({ query: '{ viewer { id } }' }, headers as Record<string, string>);
    expect(response.status).toBe(401);
    const body = await response.json();
    expect(body.errors[0].message).toContain(message);
    expect(body.errors[0].message).toContain('Send `Authorization: Token token=<your token>`');
    expect(body.errors[0].extensions).toEqual({ code: 'UNAUTHENTICATED', requestId: response.headers.get('x-request-id') });
  });

  it('refuses the token of somebody who was disabled', async () => {
    await t.database.pool.query(
      `INSERT INTO api_tokens (user_id, name, token_hash) SELECT id, 'x', encode(sha256('linus'), 'hex') FROM users WHERE first_name = 'Linus'`,
    );
    expect((await post({ query: '{ viewer { id } }' }, { Authorization: 'Bearer linus' })).status).toBe(401);
  });

  it('refuses a token that was never good, too', async () => {
    await t.database.pool.query(
      `INSERT INTO api_tokens (user_id, name, token_hash, expires_at) SELECT id, 'x', encode(sha256('never'), 'hex'), '-infinity' FROM users WHERE first_name = 'Ada'`,
    );
    const response = await post({ query: '{ viewer { id } }' }, { Authorization: 'Bearer never' });
    expect(response.status).toBe(401);
    expect((await response.json()).errors[0].message).toContain('This token expired at -infinity.');
  });

  it('stores no token, and notes when one was used', async () => {
    const { rows } = await t.database.pool.query(`SELECT token_hash, last_used_at FROM api_tokens WHERE name = 'sample data'`);
    expect(rows[0].token_hash).toMatch(/^[0-9a-f]{64}$/);
    expect(rows[0].last_used_at).toBeInstanceOf(Date);
  });

  it('hands the trace parent of a request to the events that it makes', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await post({ query: 'mutation { createGroup(group: { name: "Traced" }) { errors { field } } }' }, { ...AUTHORIZED, traceparent });
    const { rows } = await t.database.pool.query('SELECT context FROM hookgraph.recorded ORDER BY id DESC LIMIT 1');
    expect(JSON.parse(rows[0].context)).toMatchObject({ traceparent });
  });

  it('tells a malformed document as such', async () => {
    const body = await (await post({ query: '{ viewer { shoeSize } }' })).json();
    expect(body.errors[0].message).toContain('Cannot query field "shoeSize" on type "User"');
  });

  it('tells nothing of our own failures but an id', async () => {
    await t.database.pool.query('ALTER TABLE groups RENAME TO groups_gone');
    const body = await (await post({ query: '{ groups { nodes { id } } }' })).json();
    await t.database.pool.query('ALTER TABLE groups_gone RENAME TO groups');
    expect(body.data).toEqual({ groups: null });
    expect(body.errors[0].message).toMatch(/^The request failed with an internal error \(error [0-9a-f-]{36}\)\.$/);
    expect(JSON.stringify(body)).not.toMatch(/prisma|relation|groups_gone/i);
  });

  it('refuses a body of more than a megabyte, told beforehand or not', async () => {
    const query = `{ viewer { id } } # ${'x'.repeat(1024 * 1024)}`;
    expect((await post({ query })).status).toBe(413);
    const chunked = await fetch(`${t.api.url}/api/v3/graphql`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...AUTHORIZED },
      body: new Blob([query]).stream(),
      duplex: 'half',
    } as RequestInit);
    expect(chunked.status).toBe(413);
    expect((await post({ query: `{ viewer { admin } } # ${'x'.repeat(1_000_000)}` })).status).toBe(200);
  });
});

describe('an object’s URL', () => {
  it('answers its own attributes and no relations', async () => {
    const id = await t.idOf('User', 'first_name', 'Alain');
    const response = await fetch(`${t.api.url}/api/v3/graphql/object/${id}`, { headers: AUTHORIZED });
    expect(response.status).toBe(200);
    const object = await response.json();
    expect(object).toMatchObject({ id, name: 'Alain Bloch', email: 'alain@acme.example', licenses: [] });
    expect(Object.keys(object)).not.toContain('organization');
  });

  it('is a 404 for what is gone, nonsense, or another organization’s, and a 401 without a token', async () => {
    const hank = await t.idOf('User', 'first_name', 'Hank');
    for (const id of [hank, 'nonsense', ''])
      expect((await fetch(`${t.api.url}/api/v3/graphql/object/${id}`, { headers: AUTHORIZED })).status).toBe(404);
    expect((await fetch(`${t.api.url}/api/v3/graphql/object/${hank}`)).status).toBe(401);
  });
});

describe('the pages around it', () => {
  it('greet a newcomer, and say where to look', async () => {
    expect(await (await fetch(`${t.api.url}/`)).text()).toContain('/api/v3/graphql/explorer');
    const missing = await fetch(`${t.api.url}/graphql`);
    expect(missing.status).toBe(404);
    expect((await missing.json()).errors[0].message).toContain('The API is at POST /api/v3/graphql');
  });

  it('have an explorer that loads nothing from elsewhere', async () => {
    const page = await (await fetch(`${t.api.url}/api/v3/graphql/explorer`)).text();
    expect(page).toContain('/api/v3/graphql');
    expect(page).not.toMatch(/<(script|link)[^>]+(src|href)="(https?:)?\/\//);
  });

  it('tell whether it lives and is ready', async () => {
    expect((await fetch(`${t.api.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${t.api.url}/readyz`)).status).toBe(200);
  });

  it('refuse other methods', async () => {
    const response = await fetch(`${t.api.url}/healthz`, { method: 'DELETE' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET']);
  });
});

describe('stopping', () => {
  it('lets an open request end, and is not held up by idle connections', async () => {
    const second = await startApi(t.app, { host: '127.0.0.1', port: 0 });
    const port = Number(new URL(second.url).port);
    const idle = connect(port, '127.0.0.1');
    await new Promise((resolve) => idle.once('connect', resolve));
    const client = await t.database.pool.connect();
    await client.query('BEGIN; LOCK TABLE groups');
    const open = fetch(`${second.url}/api/v3/graphql`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...AUTHORIZED },
      body: JSON.stringify({ query: '{ groups { totalCount } }' }),
    });
    let waiting = 0;
    while (waiting === 0)
      waiting = (
        await t.database.pool.query(`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
      ).rows.length;
    const stopping = second.stop();
    await client.query('ROLLBACK');
    client.release();
    expect((await open).status).toBe(200);
    await stopping;
    await expect(fetch(`${second.url}/healthz`)).rejects.toThrow();
    idle.destroy();
  });
});

describe('the id of a request', () => {
  const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;
  const { log, lines } = collectLines('debug');
  const fails = {
    type: GraphQLString,
    resolve() {
      throw new Error('a defect');
    },
  };
  let api: Api;
  beforeAll(async () => {
    const schema = new GraphQLSchema({ query: new GraphQLObjectType({ name: 'Query', fields: { fails } }) });
    api = await startApi({ ...t.app, schema, log }, { host: '127.0.0.1', port: 0 });
  });
  afterAll(() => api.stop());
  const send = (query: string, headers: Record<string, string> = {}) =>
    fetch(`${api.url}/api/v3/graphql`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...AUTHORIZED, ...headers },
      body: JSON.stringify({ query }),
    });

  it.each([
    ['an error of the client', '{ nope }', {}],
    ['a syntax error', '{', {}],
    ['a refused token', '{ fails }', { Authorization: 'Bearer unknown' }],
    ['a refused media type', '{ fails }', { 'Content-Type': 'text/plain' }],
  ])('is in the header of the answer and in the errors: %s', async (_what, query, headers) => {
    const response = await send(query, headers as unknown as Record<string, string>);
    const id = response.headers.get('x-request-id');
    expect(id).toMatch(UUID);
    expect((await response.json()).errors.map(({ extensions }: { extensions: object }) => extensions)).toMatchObject([{ requestId: id }]);
  });

  it('leads from an internal error to the line of the log that explains it', async () => {
    const response = await send('{ fails }', { 'X-Request-Id': 'edge-7:1.a_B' });
    expect(response.headers.get('x-request-id')).toBe('edge-7:1.a_B');
    const { errors } = await response.json();
    expect(errors).toMatchObject([{ path: ['fails'], extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: 'edge-7:1.a_B' } }]);
    expect(lines.filter(({ requestId }) => requestId === 'edge-7:1.a_B')).toMatchObject([
      { level: 50, errorId: errors[0].extensions.errorId, path: 'fails', error: expect.anything() },
      { level: 20, msg: 'request', method: 'POST', path: '/api/v3/graphql', status: 200 },
    ]);
  });

  it.each(['', 'a'.repeat(65), 'with space', '{"level":50}', 'ü'])('is a new one when a client sends %j', async (sent) => {
    const response = await fetch(`${api.url}/healthz`, { headers: { 'X-Request-Id': Buffer.from(sent).toString('latin1') } });
    expect(response.headers.get('x-request-id')).toMatch(UUID);
  });
});

it('lets examples/reconcile keep a copy of the users by HTTP alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hookgraph-reconcile-'));
  const script = join(import.meta.dirname, '../../examples/reconcile/reconcile.mjs');
  const env = { ...process.env, HOOKGRAPH_URL: `${t.api.url}/api/v3/graphql`, HOOKGRAPH_TOKEN: ADMIN_TOKEN, COPY: join(folder, 'users') };
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [script], { env });
    expect(stdout).toMatch(/users has 4 users\. /);
    expect(await readFile(env.COPY, 'utf8')).toContain('{"firstName":"Alain","lastName":"Bloch"');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
