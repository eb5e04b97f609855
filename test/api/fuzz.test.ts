// Runs random and mutated documents over the schema: each is answered or refused in time, and no answer reveals internals.
import fc from 'fast-check';
import { type GraphQLField, type GraphQLObjectType, getNamedType, isObjectType } from 'graphql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkQuery } from '../../src/webhooks/base/query/query.js';
import { ADMIN_TOKEN, type ServedApp, servedApp } from '../support/app.js';
import { schema } from '../support/sample.js';

const SEED = 20_261_125;
const LIMITS = { fields: 1000, depth: 12, cost: 25_000 };
/** CPU milliseconds that no document takes, unless the time of a check grows exponentially; then it takes minutes. */
const HANGS_MS = 10_000;
const LEAKS = /node_modules|prisma|\bat .+\.[jt]s:\d|SELECT |"public"|\/src\/|\bECONN|Internal|RangeError|TypeError/i;

let t: ServedApp;
beforeAll(async () => {
  t = await servedApp();
});
afterAll(() => t.close());

const value = fc.oneof(
  fc.integer().map(String),
  fc.constantFrom(
    'null',
    'true',
    '$nodeId',
    '$x',
    'ASC',
    '""',
    '"\\u0000"',
    '"\\ud800"',
    '1e999',
    '{}',
    '[]',
    '[[[]]]',
    '{a: {b: [1]}}',
    '"""x"""',
  ),
  fc.string({ maxLength: 20 }).map((text) => JSON.stringify(text)),
);

function field(type: GraphQLObjectType, depth: number): fc.Arbitrary<string> {
  const known = Object.values(type.getFields());
  return fc
    .constantFrom(...known)
    .chain((one) =>
      fc
        .tuple(fc.option(fc.constantFrom('a', 'b', '__proto__', 'constructor')), argumentsOf(one), below(one, depth))
        .map(([alias, args, inner]) => `${alias === null ? '' : `${alias}: `}${one.name}${args}${inner}`),
    );
}

function argumentsOf({ args }: GraphQLField<unknown, unknown>): fc.Arbitrary<string> {
  if (args.length === 0) return fc.constant('');
  return fc
    .array(fc.tuple(fc.constantFrom(...args.map(({ name }) => name)), value), { maxLength: 3 })
    .map((given) => (given.length > 0 ? `(${given.map(([name, text]) => `${name}: ${text}`).join(' ')})` : ''));
}

function below({ type }: GraphQLField<unknown, unknown>, depth: number): fc.Arbitrary<string> {
  const named = getNamedType(type);
  if (!isObjectType(named))
    return 'getFields' in named || 'getTypes' in named
      ? fc.constantFrom(' { __typename ...F }', ' { id ... on User { name } }')
      : fc.constant('');
  if (depth === 0) return fc.constant(' { __typename }');
  return fc
    .array(
      fc.oneof({ weight: 5, arbitrary: field(named, depth - 1) }, fc.constantFrom('...F', '__typename', '... @skip(if: true) { id }')),
      { minLength: 1, maxLength: 4 },
    )
    .map((inner) => ` { ${inner.join(' ')} }`);
}

const document = fc
  .tuple(
    fc.constantFrom('{', 'query ($nodeId: ID!) {', 'query ($x: Int = 5) {', 'query {', 'subscription {'),
    fc.array(field(schema.getQueryType() as GraphQLObjectType, 3), { minLength: 1, maxLength: 4 }),
    fc.constantFrom(
      '',
      ' fragment F on Node { id }',
      ' fragment F on User { id ...F }',
      ' fragment F on User { groups { nodes { ...G } } } fragment G on Group { id }',
    ),
  )
  .map(([head, fields, fragments]) => `${head} ${fields.join(' ')} }${fragments}`);

/** Inserts, removes or duplicates some characters. */
const mutated = fc
  .tuple(
    document,
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 3 }),
          fc.constantFrom('{', '}', '(', '[', '"', '"""', '#', '...', '@', '$', ':', '\u0000', '\ufeff'),
        ),
      ),
      { minLength: 1, maxLength: 6 },
    ),
  )
  .map(([source, edits]) =>
    edits.reduce((text, [at, piece]) => {
      const place = at % (text.length + 1);
      return at % 3 === 0
        ? text.slice(0, place) + text.slice(place + 3)
        : at % 3 === 1
          ? text.slice(0, place) + piece + text.slice(place)
          : text.slice(0, place) + text.slice(Math.max(0, place - 20));
    }, source),
  );

const source = fc.oneof(
  { weight: 3, arbitrary: document },
  { weight: 3, arbitrary: mutated },
  fc.string({ unit: 'binary', maxLength: 200 }),
);

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

it('checks any stored query without a crash, a hang or a leak', () => {
  checkQuery(schema, '{ viewer { id } }', LIMITS);
  fc.assert(
    fc.property(source, (text) => {
      const before = cpuMs();
      const { problems = [] } = checkQuery(schema, text, LIMITS);
      expect(cpuMs() - before).toBeLessThan(HANGS_MS);
      for (const { field: at, message, place } of problems) {
        expect(at).toBe('query');
        expect(message.split('\n')[0]).not.toMatch(/node_modules|\/src\/|RangeError|TypeError|Maximum call stack/);
        expect(place).toBeDefined();
      }
    }),
    { seed: SEED, numRuns: 500 },
  );
});

it('answers any request to the API without a 500, a hang or a leak', async () => {
  await fc.assert(
    fc.asyncProperty(
      source,
      fc.dictionary(fc.constantFrom('nodeId', 'x', '__proto__'), fc.jsonValue({ maxDepth: 2 })),
      async (query, variables) => {
        const before = cpuMs();
        const response = await fetch(`${t.api.url}/api/v3/graphql`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', Authorization: `Token token=${ADMIN_TOKEN}` },
          body: JSON.stringify({ query, variables }),
        });
        const text = await response.text();
        expect(cpuMs() - before).toBeLessThan(HANGS_MS);
        expect([200, 400]).toContain(response.status);
        const { errors = [] } = JSON.parse(text);
        for (const { message, extensions } of errors) {
          expect(extensions?.code, query).not.toBe('INTERNAL_SERVER_ERROR');
          // A message may quote the request, so a query that matches LEAKS itself is exempt.
          if (!LEAKS.test(query)) expect(message).not.toMatch(LEAKS);
        }
      },
    ),
    { seed: SEED, numRuns: 150 },
  );
});
