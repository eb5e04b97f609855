import { buildSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { checkQuery } from '../../../src/webhooks/base/query.js';
import { inventData } from '../../../src/webhooks/base/template-data.js';

const schema = buildSchema(`
  interface Node { id: ID! }
  enum Kind { BIG SMALL }
  scalar DateTime
  type User implements Node { id: ID! name: String age: Int kind: Kind friends: [User!]! at: DateTime best: User }
  type Group implements Node { id: ID! name: String }
  union Member = Group | User
  type Query { node(id: ID!): Node typed(type: String!): String members: [Member] }
  type Mutation { x: Int }
  type Subscription { x: Int }
`);
const limits = { fields: 1000, depth: 12 };
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
    ['mutation { x }', 'must be a query: a mutation', { line: 1, column: 1 }],
    ['subscription { x }', 'must be a query: a subscription', { line: 1, column: 1 }],
    ['query A { members { __typename } }\nquery B { members { __typename } }', 'the second of 2', { line: 2, column: 1 }],
    ['fragment F on User { id }', 'must hold a query operation', { line: 1, column: 1 }],
    ['query ($nodeId: ID!, $other: Int) { node(id: $nodeId) { id } }', "$other, which the server doesn't supply", { line: 1, column: 22 }],
    ['query ($constructor: ID) { node(id: $constructor) { id } }', '$constructor', { line: 1, column: 8 }],
    ['query ($nodeId: [ID!]!) { node(id: $nodeId) { id } }', 'a type that the server', { line: 1, column: 17 }],
    ['query ($nodeId: ID) { node(id: $nodeId) { id } }', 'expecting type "ID!"', { line: 1, column: 8 }],
    ['{ members { ...A } } fragment A on User { best { ...A } }', 'Cannot spread fragment "A" within itself', { line: 1, column: 50 }],
    [`{ node(id: 1) { ... on User ${'{ best '.repeat(12)} { id } ${'}'.repeat(12)} } }`, '14 levels deep', { line: 1, column: 1 }],
    [`{ ${Array.from({ length: 1001 }, (_, i) => `a${i}: __typename`).join(' ')} }`, '1001 fields', { line: 1, column: 1 }],
    [
      '{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }',
      'Maximum introspection depth exceeded',
      { line: 1, column: 3 },
    ],
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

  it('costs little to refuse, however hostile', () => {
    const doubling = Array.from(
      { length: 60 },
      (_, i) => `fragment F${i} on User { a: best { ...F${i + 1} } b: best { ...F${i + 1} } }`,
    ).join(' ');
    const hostile = [
      `{ members { ...F0 } } ${doubling} fragment F60 on User { id }`,
      `{ members { ${'...A '.repeat(1500)} } } fragment A on User { name }`,
      '{'.repeat(4000),
      `{ members { ... on User ${'{ best '.repeat(1600)}`,
      `{ ${'a: __typename '.repeat(1600)} }`,
    ];
    for (const source of hostile) {
      const started = performance.now();
      const problems = problemsOf(source);
      expect(performance.now() - started).toBeLessThan(1500);
      if (!source.includes('...A')) expect(problems.length).toBeGreaterThan(0);
    }
    expect(problemsOf(hostile[0] as string)[0]?.message).toMatch(/fields, fragments expanded; the limit is 1000/);
  });
});

describe('invented data', () => {
  it('has the shape of the answer, and the type of the topic where the schema leaves it open', () => {
    const { document } = checkQuery(
      schema,
      'query ($nodeId: ID!) { it: node(id: $nodeId) { __typename id ... on User { name age kind at friends { name } best { id } best { name } ...F } ... on Group { groupName: name } } members { __typename } } fragment F on Node { id }',
      limits,
    );
    expect(inventData(schema, document ?? null, 'User').data).toEqual({
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
    expect(inventData(schema, null, 'User').data).toEqual({ id: expect.any(String), url: expect.stringContaining('https://') });
  });
});
