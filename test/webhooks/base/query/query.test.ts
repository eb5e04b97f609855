import { buildSchema, type DocumentNode, GraphQLError, getIntrospectionQuery } from 'graphql';
import { describe, expect, it } from 'vitest';
import { checkQuery, limitErrors, parseWithin } from '../../../../src/webhooks/base/query/query.js';
import { requestLimits } from '../../../../src/webhooks/base/query/query-limits.js';
import { inventData } from '../../../../src/webhooks/base/templates/template-data.js';
import { leastCpuMs } from '../../../support/cost.js';

const schema = buildSchema(`
  interface Node { id: ID! }
  enum Kind { BIG SMALL }
  scalar DateTime
  type User implements Node { id: ID! name: String age: Int kind: Kind friends: [User!]! at: DateTime best: User }
  type Group implements Node { id: ID! name: String }
  union Member = Group | User
  type Users { nodes: [User!]! totalCount: Int! }
  extend type User { friendsOf(first: Int, last: Int): Users }
  type Query {
    node(id: ID!): Node nodes(ids: [ID!]!): [Node]! typed(type: String!): String members: [Member]
    users(first: Int, last: Int, fullText: String): Users few(first: Int = 2): Users
  }
  type Mutation { x: Int }
  type Subscription { x: Int }
`);
const limits = { fields: 1000, depth: 12, cost: 25_000 };
const problemsOf = (source: string) => checkQuery(schema, source, limits).problems ?? [];

describe('a stored query', () => {
  it.each([
    'query ($nodeId: ID!) { node(id: $nodeId) { id ... on User { name } } }',
    'query ($nodeId: ID!, $nodeType: String) { node(id: $nodeId) { id } }',
    'query Named($nodeId: ID!, $nodeType: String!) { node(id: $nodeId) { id } typed(type: $nodeType) }',
    'query { members { __typename } node(id: "x") { id } ... @include(if: true) { members { __typename } } }',
    '{ members { ... on Group { name } ...U } } fragment U on User { friends { name } }',
  ])('is accepted: %s', (source) => {
    expect(problemsOf(source)).toEqual([]);
  });

  const refusals: [string, string, { line: number; column: number }][] = [
    ['', 'Unexpected <EOF>', { line: 1, column: 1 }],
    ['{ node(id: 1) { id }', 'Expected Name, found <EOF>', { line: 1, column: 21 }],
    ['{\n  node(id: "x") { nmae }\n}', 'Cannot query field "nmae"', { line: 2, column: 19 }],
    ['mutation { x }', 'must be a query, not a mutation', { line: 1, column: 1 }],
    ['subscription { x }', 'must be a query, not a subscription', { line: 1, column: 1 }],
    ['query A { members { __typename } }\nquery B { members { __typename } }', 'the second of 2', { line: 2, column: 1 }],
    ['fragment F on User { id }', 'must contain a query operation', { line: 1, column: 1 }],
    ['query ($nodeId: ID!, $other: Int) { node(id: $nodeId) { id } }', "$other, which the server doesn't supply", { line: 1, column: 22 }],
    ['query ($constructor: ID) { node(id: $constructor) { id } }', '$constructor', { line: 1, column: 8 }],
    ['query ($nodeId: [ID!]!) { node(id: $nodeId) { id } }', 'with the wrong type: the server supplies ID!', { line: 1, column: 17 }],
    ['query ($nodeId: ID) { node(id: $nodeId) { id } }', 'expecting type "ID!"', { line: 1, column: 8 }],
    ['{ members { ...A } } fragment A on User { best { ...A } }', 'Cannot spread fragment "A" within itself', { line: 1, column: 50 }],
  ];
  it.each(refusals.map(([source, message, place]) => ({ source, message, place, told: source.slice(0, 60) })))(
    'is refused: $told',
    ({ source, message, place }) => {
      const [problem] = problemsOf(source);
      expect(problem).toMatchObject({ field: 'query', place });
      expect(problem?.message).toContain(message);
      expect(problem?.message).toContain(`(line ${place.line}, column ${place.column})`);
    },
  );

  it('is shown with a caret under the mistake', () => {
    expect(problemsOf('{\n  node(id: "x") { nmae }\n}')[0]?.message).toBe(
      'Cannot query field "nmae" on type "Node" (line 2, column 19)\n2 |   node(id: "x") { nmae }\n                      ^',
    );
  });

  it('has at most two lines for each token, since comments and lines of strings are none', () => {
    for (const [end, problem] of [
      ['\n', null],
      ['\r\n', null],
      ['\r', null],
      ['\n#', { message: expect.stringContaining('has more than 10000 lines, which is the limit'), place: { line: 10_001, column: 1 } }],
    ] as const) {
      const count = problem === null ? 9_999 : 10_000;
      const [found = null] = problemsOf(`{ members { __typename } }${end.repeat(count)}`);
      if (problem === null) expect(found).toBeNull();
      else expect(found).toMatchObject(problem);
    }
  });

  const many = (count: number, text: (i: number) => string) => Array.from({ length: count }, (_, i) => text(i)).join(' ');
  const nest = (open: string, count: number, close: string, inner = '') => open.repeat(count) + inner + close.repeat(count);
  const nested = (first: string) => `{ users${first} { nodes { friendsOf${first} { nodes { friendsOf${first} { nodes { id } } } } } } }`;

  const beyond: [string, string, string, string][] = [
    [
      'characters',
      `{ members { __typename } } #${'x'.repeat(32_768)}`,
      'has 32796 characters; the limit is 32768',
      'xxxxxxxxxxxxxxxxxxxxxxxxxx',
    ],
    ['tokens', `{ ${many(2500, (i) => `a${i}:id`)} }`, 'has more than 5000 tokens, which is the limit', ':'],
    ['brackets', `{ nodes(ids: ${nest('[', 4000, '')}`, 'nests more than 50 brackets, which is the limit', '[[['],
    ['brackets of objects', `{ users(by: ${nest('{a:', 1500, '')}`, 'nests more than 50 brackets', '{a:'],
    ['brackets of fields', `{ members ${nest('{ a ', 1200, '}')} }`, 'nests more than 50 brackets', '{ a'],
    [
      'a literal',
      `{ users(fullText: "${'x'.repeat(5000)}") { nodes { id } } }`,
      'contains a string of 5000 characters; the limit is 4096',
      '"xx',
    ],
    ['a number', `{ users(first: ${'9'.repeat(5000)}) { nodes { id } } }`, 'contains a number of 5000 characters', '999'],
    ['a name', `{ ${'x'.repeat(5000)} }`, 'contains a name of 5000 characters', 'xxx'],
    [
      'a list',
      `{ nodes(ids: [${many(101, (i) => `"${i}"`)}]) { id } }`,
      'contains a list of more than 100 values, which is the limit',
      '"100"',
    ],
    ['directives', `{ ${many(51, () => 'members @a { id }')} }`, 'has more than 50 directives, which is the limit', '@a'],
    ['aliases', `{ node(id: 1) { ${many(101, (i) => `a${i}: id`)} } }`, 'has 101 aliases, fragments expanded; the limit is 100', 'node('],
    ['root fields', `{ ${many(21, (i) => `a${i}: __typename`)} }`, 'has 21 root fields, fragments expanded; the limit is 20', 'a0'],
    [
      'fields',
      `{ node(id: 1) { ...F } members { ...F } } fragment F on User { ${many(500, () => 'id')} }`,
      'selects 1002 fields, fragments expanded; the limit is 1000',
      'node(',
    ],
    [
      'depth',
      `{ node(id: 1) { ... on User ${nest('{ best ', 12, '}', '{ id }')} } }`,
      '14 levels deep, fragments expanded; the limit is 12',
      'best { id',
    ],
    [
      'cost',
      nested('(first: 100)'),
      'costs 1020202, where each field counts once per item of the pages and lists above it; the limit is 25000',
      'users(',
    ],
    [
      'cost where pages say nothing',
      `{ users { nodes { friendsOf { nodes { friendsOf { nodes { id age } } } } } } }`,
      'costs 32552',
      'users {',
    ],
    ['cost of the last ones', nested('(last: 100)'), 'costs 1020202', 'users('],
    [
      'cost through fragments',
      '{ users(first: 100) { ...A } } fragment A on Users { nodes { friendsOf(first: 100) { ...B } } } fragment B on Users { nodes { id name age } }',
      'costs 30202',
      'users(',
    ],
    [
      'cost of one of many',
      '{ node(id: 1) { id } nodes(ids: ["1", "2", "3"]) { ... on User { friendsOf(first: 100) { nodes { friendsOf(first: 100) { nodes { id } } } } } } }',
      'costs 30609',
      'nodes(',
    ],
    [
      'cost without end',
      `{ users(first: 99999999999999999999) { nodes { friendsOf(first: 99999999999999999999) { nodes { id } } } } }`,
      'costs 1000000000000000,',
      'friendsOf',
    ],
    ['repeats', `{ node(id: 1) { ${many(400, () => 'id')} } }`, 'would compare more than 2000 pairs, which is the limit', 'id'],
    [
      'repeats through fragments',
      `{ node(id: 1) { ${many(80, (i) => `...F${i}`)} } } ${many(80, (i) => `fragment F${i} on User { id name }`)}`,
      'more than 2000 pairs',
      'id',
    ],
    [
      'repeats below repeats',
      `{ members { ...F ...F } } fragment F on User { ${many(60, () => 'best { id }')} ${many(60, () => 'best { name }')} }`,
      'more than 2000 pairs',
      'best',
    ],
    [
      'introspection',
      '{ members { __typename } __schema { types { name } } }',
      'uses introspection, which only requests to the API may use',
      '__schema',
    ],
    ['introspection of a type', '{ t: __type(name: "User") { name } }', 'uses introspection', 't: __type'],
    ['U+0000', '{ users(fullText: "a\\u0000") { nodes { id } } }', 'contains the character U+0000, which Postgres cannot store', '"a'],
    [
      'a fragment within itself',
      '{ members { ...A } } fragment A on User { ...B } fragment B on User { best { ...A } }',
      'Cannot spread fragment "A" within itself via "B"',
      '...A',
    ],
    ['a fragment of nobody', '{ members { __typename } } fragment A on User { id }', 'Fragment "A" is never used', 'fragment A'],
    [
      'a fragment twice',
      '{ members { ...A } } fragment A on User { id } fragment A on User { id }',
      'There can be only one fragment named "A"',
      'fragment A on User { id }',
    ],
  ];
  it.each(beyond.map(([what, source, message, start]) => ({ what, source, message, start })))(
    'is refused beyond the limit of $what, which is named with its place',
    ({ source, message, start }) => {
      const [problem] = problemsOf(source);
      expect(problem?.message).toContain(message);
      expect(problem).toMatchObject({ field: 'query', place: { line: 1 } });
      expect(source.slice((problem?.place?.column ?? 0) - 1, (problem?.place?.column ?? 0) - 1 + start.length)).toBe(start);
      expect(problem?.message).toMatch(/\n +\^$/);
    },
  );

  it.each([
    [
      'every limit just reached',
      `{ node(id: 1) { ... on User ${nest('{ best ', 10, '}', '{ id }')} } nodes(ids: [${many(100, () => '"1"')}]) { id } }`,
    ],
    ['two greatest pages', '{ users(first: 100) { nodes { friendsOf(first: 100) { nodes { id } } } } }'],
    [
      'three small pages',
      '{ users(first: 10) { nodes { friendsOf(first: 10) { nodes { friendsOf(first: 10) { nodes { id name age } } } } } } }',
    ],
    [
      'a page whose size the schema says',
      '{ few { nodes { friendsOf(first: 100) { nodes { friendsOf(first: 100) { nodes { id } } } } } } }',
    ],
    ['a total that no page multiplies', '{ users(first: 100) { totalCount nodes { friendsOf(first: 100) { totalCount } } } }'],
    ['__typename', '{ __typename members { __typename } }'],
  ])('is accepted with %s', (_what, source) => {
    expect(problemsOf(source)).toEqual([]);
  });

  const chain = (each: (i: number) => string, count: number) => many(count, (i) => `fragment F${i} on User { ${each(i)} }`);
  const hostile: [string, string][] = [
    [
      'fragments that double 99 times',
      `{ members { ...F0 } } ${chain((i) => `a: best { ...F${i + 1} } ...F${i + 1}`, 99)} fragment F99 on User { id }`,
    ],
    ['a ring of fragments', `{ members { ...F0 } } ${chain((i) => `...F${(i + 1) % 90}`, 90)}`],
    ['fragments that all spread each other', `{ members { ...F0 } } ${chain(() => many(36, (j) => `...F${j}`), 36)}`],
    ['fragments that nobody spreads', `{ members { __typename } } ${chain((i) => `id ...F${i + 1}`, 99)} fragment F99 on User { id }`],
    ['one key, again and again', `{ members { ... on User { ${many(800, () => 'best { id name }')} } } }`],
    ['inline fragments, again and again', `{ members { ${many(440, () => '... on User { best { name } }')} } }`],
    ['unknown fields', `{ members { ... on User { ${many(900, (i) => `nam${i}`)} } } }`],
    ['an open bracket', '{'.repeat(4000)],
    ['a comment', `# ${'x'.repeat(32_000)}`],
  ];
  it.each(hostile)('costs milliseconds to refuse: %s', (_what, source) => {
    expect(problemsOf(source).length).toBeGreaterThan(0);
    expect(leastCpuMs(() => problemsOf(source))).toBeLessThan(250);
  });

  it('of an API counts the pages that the variables ask for, and nothing beyond the operation that asks', () => {
    const allowed = requestLimits(1000);
    const errors = (source: string, variables: Record<string, unknown>) => {
      const document = parseWithin(source, allowed);
      return document instanceof GraphQLError
        ? [document.message]
        : limitErrors(schema, document, allowed, variables).map((one) => one.message);
    };
    const paged =
      'query ($n: Int, $ids: [ID!]! = []) { users(first: $n) { nodes { friendsOf(first: $n) { nodes { id } } } } nodes(ids: $ids) { id } }';
    expect(errors(paged, { n: 10 })).toEqual([]);
    expect(errors(paged, { n: 100 })).toEqual([expect.stringContaining('costs 10203')]);
    expect(errors(paged, { n: 1, ids: new Array(2000).fill('1') })).toEqual([expect.stringContaining('costs 2006')]);
    // An invalid page size is refused later; here it counts as a page of default size.
    expect(errors(paged, { n: 'x', ids: 7 })).toEqual([]);
    expect(errors('query ($n: Int = 50) { users(first: $n) { nodes { friendsOf(first: $n) { nodes { id } } } } }', {})).toEqual([
      expect.stringContaining('costs 2602'),
    ]);
    // Tests variables with unusual names, and variables that have only a default.
    const named =
      'query ($constructor: Int = 100) { users(first: $constructor) { nodes { friendsOf(first: $constructor) { nodes { id } } } } }';
    expect(errors(named, {})).toEqual([expect.stringContaining('costs 10202')]);
    const many = `query ($ids: [ID!] = [${'"1" '.repeat(999)}]) { nodes(ids: $ids) { id name: __typename } }`;
    expect(errors(many, {})).toEqual([expect.stringContaining('costs 1999')]);
    // A variable's value that looks like part of a document isn't treated as one.
    for (const n of [{ kind: 'Variable', name: { value: 'n' } }, { kind: 'Variable' }, { kind: 'IntValue' }])
      expect(errors(paged, { n })).toEqual([]);
    expect(errors(getIntrospectionQuery({ inputValueDeprecation: true, specifiedByUrl: true }), {})).toEqual([]);
  });
});

describe('invented data', () => {
  it('has the shape of the answer, and the type of the topic where the schema leaves it open', () => {
    const { document } = checkQuery(
      schema,
      'query ($nodeId: ID!) { it: node(id: $nodeId) { __typename id ... on User { name age kind at friends { name } best { id } best { name } ...F } ... on Group { groupName: name } } members { __typename } } fragment F on Node { id }',
      limits,
    );
    expect(inventData(schema, document as DocumentNode, 'User').data).toEqual({
      it: {
        __typename: 'User',
        id: expect.any(String),
        name: expect.stringContaining('"'),
        age: 1,
        kind: 'BIG',
        at: expect.stringContaining('T'),
        friends: [{ name: expect.any(String) }],
        best: { id: expect.any(String), name: expect.any(String) },
      },
      members: [{ __typename: 'User' }],
    });
  });
});
