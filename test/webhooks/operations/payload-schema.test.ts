// Tests that the JSON Schema of a payload allows exactly what the query can answer: no extra field and no missing `null`.
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { buildSchema } from 'graphql';
import { expect, it } from 'vitest';
import { type JsonSchema, payloadSchema } from '../../../src/webhooks/operations/payload-schema.js';

const schema = buildSchema(`
  scalar DateTime scalar JSON scalar Strange
  enum Colour { RED GREEN }
  interface Node { id: ID! }
  interface Named { name: String }
  "A cat."
  type Cat implements Node & Named { id: ID! name: String lives: Int! colour: Colour! born: DateTime! friends: [Pet!]! notes: JSON odd: Strange! tags: [[String!]]! }
  type Dog implements Node & Named { id: ID! name: String bark: Float }
  type Fish implements Node { id: ID! wet: Boolean! }
  union Pet = Cat | Dog | Fish
  type Query { node(id: ID!): Node count: Int! }`);

const derive = (query: string | null) => payloadSchema(schema, query, 'Cat');
const of = (selection: string) =>
  (derive(`query ($nodeId: ID!) { node(id: $nodeId) { ... on Cat { ${selection} } } }`).properties as Record<string, JsonSchema>)
    .data as JsonSchema;
const fieldsOf = (selection: string) =>
  ((of(selection).properties as Record<string, JsonSchema>).node?.properties ?? {}) as Record<string, JsonSchema>;

/** Whether Ajv accepts an answer `{ data }`. */
function accepts(query: string | null, data: unknown): boolean {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
  addFormats.default(ajv);
  return ajv.compile(derive(query))({ data });
}

it('without a query, id and url', () => {
  expect(accepts(null, { id: 'x', url: 'https://x.example/y' })).toBe(true);
  expect(accepts(null, { id: 'x' })).toBe(false);
});

it('scalars, enums, lists and nulls are what the types say', () => {
  expect(fieldsOf('name lives colour born notes odd tags')).toMatchObject({
    name: { type: ['string', 'null'] },
    lives: { type: 'integer' },
    colour: { type: 'string', enum: ['RED', 'GREEN'] },
    born: { type: 'string', format: 'date-time' },
    notes: {},
    odd: {},
    tags: { type: 'array', items: { type: ['array', 'null'], items: { type: 'string' } } },
  });
  // The node may be deleted, or the owner may not read it.
  expect(of('name').properties).toMatchObject({ node: { type: ['object', 'null'], required: ['name'], additionalProperties: false } });
});

it('aliases name the fields, fragments are followed, and what is selected twice is merged', () => {
  const query = `query ($nodeId: ID!) { it: node(id: $nodeId) { ...A ... on Named { called: name } id } } fragment A on Cat { friends { ...B } } fragment B on Dog { bark }`;
  const answer = (friend: object) => ({ it: { called: null, id: '1', friends: [friend] } });
  expect(accepts(query, answer({ bark: 1.5 }))).toBe(true);
  expect(accepts(query, answer({}))).toBe(true);
  expect(accepts(query, answer({ bark: 'loud' }))).toBe(false);
  expect(accepts(query, { it: { called: null, friends: [] } })).toBe(false);
});

it('of a union each type has its shape, told apart by __typename', () => {
  const query =
    'query ($nodeId: ID!) { node(id: $nodeId) { ... on Cat { friends { __typename ... on Named { name } ... on Cat { lives } } } } }';
  const answer = (friend: object) => ({ node: { friends: [friend] } });
  expect(accepts(query, answer({ __typename: 'Cat', name: 'Tom', lives: 7 }))).toBe(true);
  expect(accepts(query, answer({ __typename: 'Dog', name: null }))).toBe(true);
  expect(accepts(query, answer({ __typename: 'Fish' }))).toBe(true);
  expect(accepts(query, answer({ __typename: 'Fish', name: 'Wanda' }))).toBe(false);
  expect(accepts(query, answer({ __typename: 'Cat', name: 'Tom' }))).toBe(false);
  // Types that differ only in their names share one shape.
  expect(fieldsOf('friends { __typename }').friends).toMatchObject({
    items: { properties: { __typename: { enum: ['Cat', 'Dog', 'Fish'] } } },
  });
});

it('what @include and @skip always leave out is not there, what they always let in is required, the rest may be there', () => {
  expect(Object.keys(fieldsOf('id name @include(if: false) lives @skip(if: false) colour @skip(if: true)'))).toEqual(['id', 'lives']);
  const query = 'query ($nodeId: ID!, $on: Boolean!) { node(id: $nodeId) { id ... on Cat @include(if: $on) { lives } } }';
  expect(accepts(query, { node: { id: '1' } })).toBe(true);
  expect(accepts(query, { node: { id: '1', lives: 9 } })).toBe(true);
});

it('a node that is not the one of the event may be of any type', () => {
  const query = '{ node(id: "x") { __typename id } count }';
  expect(accepts(query, { node: { __typename: 'Fish', id: '1' }, count: 1 })).toBe(true);
  expect(accepts(query, { node: null, count: 1 })).toBe(true);
  expect(accepts(query, null)).toBe(true);
  expect(accepts(query, { node: null })).toBe(false);
});
