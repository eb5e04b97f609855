// Tests over real HTTP which requests the API refuses, and that no answer reveals internals.
import { once } from 'node:events';
import { connect } from 'node:net';
import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, startApi } from '../../src/api/index.js';
import { ADMIN_TOKEN, type ServedApp, servedApp } from '../support/app.js';

const ORIGIN = 'https://app.example.com';
let t: ServedApp;
beforeAll(async () => {
  t = await servedApp({ HOOKGRAPH_CORS_ORIGINS: ORIGIN, HOOKGRAPH_BASE_URL: 'https://hooks.example.com' });
});
afterAll(() => t.close());

const ENDPOINT = '/api/v3/graphql';
const AUTHORIZED = { Authorization: `Token token=${ADMIN_TOKEN}` };
const JSON_TYPE = { 'Content-Type': 'application/json' };

const request = (path: string, init: RequestInit = {}) => fetch(`${t.api.url}${path}`, init);
const send = (body: string | Uint8Array, headers: Record<string, string> = JSON_TYPE) =>
  request(ENDPOINT, { method: 'POST', headers: { ...AUTHORIZED, ...headers }, body: body as BodyInit });
const ask = async (query: string, variables?: unknown) => (await send(JSON.stringify({ query, variables }))).json();

/** Writes the text on a raw connection and returns everything received until it is closed. */
function raw(text: string, { url } = t.api): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
    socket.write(text);
  });
}

describe('a body', () => {
  const refused: [string, number, string, string | Uint8Array, Record<string, string>?][] = [
    ['a form', 415, 'must be application/json', 'query={viewer{id}}', { 'Content-Type': 'application/x-www-form-urlencoded' }],
    ['plain text', 415, 'must be application/json', '{"query":"{ viewer { id } }"}', { 'Content-Type': 'text/plain' }],
    ['plain text that says JSON', 415, 'must be', '{}', { 'Content-Type': 'text/plain; application/json' }],
    ['multipart', 415, 'must be', '--x--', { 'Content-Type': 'multipart/form-data; boundary=x' }],
    ['bare GraphQL', 415, 'must be', '{ viewer { id } }', { 'Content-Type': 'application/graphql' }],
    ['JSON in a list that begins otherwise', 415, 'must be', '{}', { 'Content-Type': 'text/plain, application/json' }],
    ['a type that only begins like JSON', 415, 'must be', '{}', { 'Content-Type': 'application/json-seq' }],
    ['of no type', 415, 'is missing', new Uint8Array([0x7b, 0x7d]), {}],
    ['another charset', 415, 'in UTF-8', '{}', { 'Content-Type': 'application/json; charset=utf-16' }],
    ['a compressed one', 415, 'must not be compressed', '{}', { ...JSON_TYPE, 'Content-Encoding': 'gzip' }],
    ['a batch', 400, 'batches are not supported', '[{"query":"{ viewer { id } }"}]'],
    ['no JSON', 400, 'is not JSON', '{"query":'],
    ['nothing', 400, 'is not JSON', ''],
    ['no UTF-8', 400, 'is not UTF-8', new Uint8Array([0x7b, 0xff, 0x7d])],
    ['a number', 400, 'must be an object', '7'],
    ['null', 400, 'must be an object', 'null'],
    ['no query', 400, 'must be an object with `query`', '{}'],
    ['a query that is no text', 400, 'must be an object with `query`', '{"query":{}}'],
    ['variables that are none', 400, '"variables" param to be empty or an object', '{"query":"{ viewer { id } }","variables":[]}'],
    [
      'nested lists',
      400,
      'nests lists and objects more than 100 levels deep',
      `{"query":"{ viewer { id } }","variables":{"x":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`,
    ],
    [
      'U+0000',
      400,
      'U+0000',
      JSON.stringify({ query: 'query ($x: String) { users(fullText: $x) { totalCount } }', variables: { x: 'a\0' } }),
    ],
    ['more than it may', 413, 'larger than', `"${'x'.repeat(1_048_576)}"`],
  ];
  it.each(refused)('that is %s is refused with %i and a sentence', async (_what, status, sentence, body, headers) => {
    const response = await send(body, headers);
    expect(response.status).toBe(status);
    const [error] = (await response.json()).errors;
    expect(error.message).toContain(sentence);
  });
});

describe('a GET', () => {
  const get = (search: Record<string, string>) => request(`${ENDPOINT}?${new URLSearchParams(search)}`, { headers: AUTHORIZED });

  it('asks, and changes nothing', async () => {
    expect(await (await get({ query: '{ viewer { admin } }' })).json()).toEqual({ data: { viewer: { admin: true } } });
    const response = await get({ query: 'mutation { createGroup(group: { name: "By GET" }) { errors { message } } }' });
    expect(response.status).toBe(405);
    expect((await response.json()).errors[0].message).toContain('Can only perform a mutation operation from a POST request');
    expect((await t.database.pool.query(`SELECT FROM groups WHERE name = 'By GET'`)).rowCount).toBe(0);
  });

  it.each([
    ['variables', '{', 'is not JSON'],
    ['variables', '[]', 'must be an object'],
    ['extensions', 'x', 'is not JSON'],
  ])('with %s %s is refused with a sentence', async (name, text, sentence) => {
    const response = await get({ query: '{ viewer { id } }', [name]: text });
    expect(response.status).toBe(400);
    expect((await response.json()).errors[0].message).toContain(sentence);
  });
});

describe('a query to the API', () => {
  const many = (count: number, text: (i: number) => string) => Array.from({ length: count }, (_, i) => text(i)).join(' ');
  it.each([
    [
      'depth',
      `{ viewer { ${'organization { viewer { '.repeat(12)} id ${'} }'.repeat(12)} } }`,
      'levels deep, fragments expanded; the limit is 20',
    ],
    [
      'fields',
      `{ viewer { ...F } } fragment F on User { ${many(40, () => '...G')} } fragment G on User { ${many(80, () => 'id')} }`,
      'the limit is 3000',
    ],
    [
      'cost',
      '{ users(first: 100) { nodes { groups(first: 100) { nodes { members(first: 100) { nodes { id } } } } } } }',
      'the limit is 100000',
    ],
    ['aliases', `{ viewer { ${many(501, (i) => `a${i}: id`)} } }`, 'has 501 aliases, fragments expanded; the limit is 500'],
    ['tokens', `{ viewer { ${many(10_001, () => 'id')} } }`, 'has more than 10000 tokens, which is the limit'],
    ['lines of comments', `${'#\n'.repeat(100_000)}{ viewer { id } }`, 'has more than 20000 lines, which is the limit'],
    ['lines of a string', `{ node(id: """${'\r '.repeat(100_000)}""") { id } }`, 'has more than 20000 lines, which is the limit'],
    ['root fields', `{ ${many(101, (i) => `a${i}: viewer { id }`)} }`, 'has 101 root fields'],
    [
      'introspections',
      `{ ${many(99, (i) => `a${i}: __schema { types { fields { args { type { name } } type { fields { type { name kind } } } } } }`)} }`,
      'introspection fields; the limit is 300000',
    ],
    ['a fragment within itself', '{ viewer { ...A } } fragment A on User { ...A }', 'Cannot spread fragment "A" within itself'],
    ['nesting', `{ viewer { ${'... { '.repeat(200)} id ${'}'.repeat(200)} } }`, 'nests more than 100 brackets'],
  ])('is refused beyond the limit of %s, with its place', async (_what, query, message) => {
    const { data, errors } = await ask(query);
    expect(data).toBeUndefined();
    expect(errors[0].message).toContain(message);
    expect(errors[0].locations).toHaveLength(1);
  });

  const members = 'nodes { groups(first: 100) { nodes { members(first: 100) { nodes { id } } } } }';
  it.each([
    ['pages', `query ($n: Int!) { users(first: $n) { ${members} } }`, { n: 2 }, { n: 100 }],
    ['lists', `query ($n: [ID!]!) { nodes(ids: $n) { ... on Group { members(first: 100) { ${members} } } } }`, { n: [] }, { n: ['x'] }],
  ])('has the cost that its own variables give its %s, however often its source was seen before', async (_what, query, few, many) => {
    expect((await ask(query, few)).errors).toBeUndefined();
    expect((await ask(query, many)).errors[0].message).toMatch(/costs \d{7},/);
    expect((await ask(query, few)).errors).toBeUndefined();
  });

  it('may ask about the schema, as explorers do', async () => {
    const { data, errors } = await ask(
      getIntrospectionQuery({ inputValueDeprecation: true, specifiedByUrl: true, schemaDescription: true }),
    );
    expect(errors).toBeUndefined();
    expect(data.__schema.types.length).toBeGreaterThan(100);
  });

  it('is refused each time that it is invalid, and answered each time that it is not', async () => {
    for (let i = 0; i < 3; i++) {
      expect((await ask('{ viewer { nothing } }')).errors[0].message).toContain('Cannot query field "nothing"');
      expect((await ask('{ viewer { admin } }')).data).toEqual({ viewer: { admin: true } });
      expect((await ask('{ viewer {')).errors[0].message).toContain('Syntax Error');
    }
  });

  it('with U+0000 in its text is a mistake that is told', async () => {
    expect((await ask('{ users(fullText: "a\\u0000") { totalCount } }')).errors[0].message).toBe(
      'The query contains the character U+0000, which Postgres cannot store.',
    );
  });
});

describe('every response', () => {
  const paths: [string, RequestInit?][] = [
    ['/'],
    ['/healthz'],
    ['/readyz'],
    [`${ENDPOINT}/explorer`],
    [ENDPOINT],
    [ENDPOINT, { headers: AUTHORIZED }],
    [`${ENDPOINT}/object/x`, { headers: AUTHORIZED }],
    ['/nothing'],
    ['/healthz', { method: 'DELETE' }],
    [ENDPOINT, { method: 'OPTIONS', headers: { Origin: ORIGIN, 'Access-Control-Request-Method': 'POST' } }],
  ];
  it.each(paths)('guards whoever reads it: %s %o', async (path, init) => {
    const { headers } = await request(path, init);
    expect(Object.fromEntries(headers)).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': expect.stringMatching(/^default-src 'none';.*frame-ancestors 'none'/),
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': expect.stringContaining('camera=()'),
      'referrer-policy': 'no-referrer',
      'strict-transport-security': 'max-age=31536000',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
  });

  it('also to what is no HTTP, or has too large a head', async () => {
    for (const [text, status] of [
      ['NONSENSE\r\n\r\n', 'HTTP/1.1 400 Bad Request'],
      [`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 'HTTP/1.1 431 '],
      ['GET / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n', 'HTTP/1.1 417 Expectation Failed'],
      ['CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', 'HTTP/1.1 405 Method Not Allowed'],
      ['GET // HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 'HTTP/1.1 400 Bad Request'],
    ] as const) {
      const answer = await raw(text);
      expect(answer).toContain(status);
      expect(answer).toContain('X-Content-Type-Options: nosniff');
      expect(answer).toContain('{"errors":[{"message":"');
    }
  });

  it('says of ourselves what is configured, whatever the request calls us', async () => {
    const answer = await raw(
      'GET / HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toContain('https://hooks.example.com');
    expect(answer).not.toContain('evil');
  });
});

describe('pages of other origins', () => {
  const preflight = (origin: string, path = ENDPOINT) =>
    request(path, {
      method: 'OPTIONS',
      headers: { Origin: origin, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'authorization' },
    });

  it('may use the API where the operator said so', async () => {
    const asked = await preflight(ORIGIN);
    expect([asked.status, asked.headers.get('access-control-allow-origin'), asked.headers.get('access-control-allow-methods')]).toEqual([
      204,
      ORIGIN,
      'GET, POST',
    ]);
    expect(asked.headers.get('access-control-allow-headers')).toContain('Authorization');
    expect(asked.headers.get('access-control-allow-credentials')).toBeNull();
    const used = await send('{"query":"{ viewer { admin } }"}', { ...JSON_TYPE, Origin: ORIGIN });
    expect([used.status, used.headers.get('access-control-allow-origin'), used.headers.get('vary')]).toEqual([200, ORIGIN, 'Origin']);
  });

  it.each(['https://evil.example', 'https://app.example.com.evil.example', 'http://app.example.com', 'null'])(
    'may not otherwise: %s',
    async (origin) => {
      const asked = await preflight(origin);
      expect(asked.status).toBe(403);
      expect((await asked.json()).errors[0].message).toContain('HOOKGRAPH_CORS_ORIGINS');
      const used = await send('{"query":"{ viewer { admin } }"}', { ...JSON_TYPE, Origin: origin });
      for (const response of [asked, used]) expect(response.headers.get('access-control-allow-origin')).toBeNull();
    },
  );

  it('learn nothing from other paths', async () => {
    expect((await preflight(ORIGIN, '/healthz')).status).toBe(405);
  });
});

describe('whoever sends slowly, or not all of it', () => {
  const head = `POST ${ENDPOINT} HTTP/1.1\r\nHost: x\r\nAuthorization: ${AUTHORIZED.Authorization}\r\nContent-Type: application/json\r\n`;
  let hurried: Api;
  beforeAll(async () => {
    hurried = await startApi(t.app, { host: '127.0.0.1', port: 0, arrival: { headMs: 200, requestMs: 400 } });
  });
  afterAll(() => hurried.stop());

  it.each([
    ['the head', head],
    ['the body', `${head}Content-Length: 100\r\n\r\n{"query":`],
  ])('loses the connection where %s never ends, and is told why', async (_what, text) => {
    const answer = await raw(text, hurried);
    expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(answer).toContain('X-Content-Type-Options: nosniff');
    expect(answer).toContain('{"errors":[{"message":"The request took too long to arrive."');
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });

  it('holds up no server that stops', async () => {
    const stopping = await startApi(t.app, { host: '127.0.0.1', port: 0 });
    const socket = connect(Number(new URL(stopping.url).port), '127.0.0.1');
    await new Promise<void>((resolve) =>
      socket.write(`${head}Content-Length: 100\r\nExpect: 100-continue\r\n\r\n{"query":`, () => resolve()),
    );
    await once(socket, 'data');
    socket.destroy();
    await stopping.stop();
  });
});
