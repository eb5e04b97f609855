import { buildSchema, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { emptyPaths, lostFields } from '../../../../src/webhooks/base/query/lost-fields.js';

const schema = buildSchema(`
  interface Node { id: ID! }
  type Line { id: Int price: Float @deprecated(reason: "Use cost.") }
  type Order implements Node { id: ID! lines: [Line!]! note: String @deprecated }
  type Query { node(id: ID!): Node order(id: Int!): Order }`);
const lost = (query: string) => lostFields(schema, parse(query)).map((path) => path.join('.'));

describe('fields that a schema lacks or deprecates', () => {
  it.each([
    ['{ order(id: 1) { id lines { id } } }', []],
    ['{ order(id: 1) { note lines { sku price } } }', ['order.note', 'order.lines.sku', 'order.lines.price']],
    ['{ mine: order(id: 1) { text: note } }', ['mine.text']],
    ['{ gone { a { b } } }', ['gone']],
    ['{ node(id: 1) { __typename ... on Order { note } } }', ['node.note']],
    ['{ node(id: 1) { ...F } } fragment F on Order { lines { ...L } } fragment L on Line { sku }', ['node.lines.sku']],
    ['{ node(id: 1) { ...F } } fragment F on Order { note ...F }', ['node.note']],
    ['{ node(id: 1) { ... on Parcel { weight } } }', ['node.weight']],
  ])('%s', (query, expected) => {
    expect(lost(query)).toEqual(expected);
  });
});

it('what a template reads at or below such a field would be empty', () => {
  const read = [['order'], ['order', 'note'], ['order', 'lines', 'sku', 'code'], ['order', 'lines'], []];
  expect(
    emptyPaths(
      [
        ['order', 'note'],
        ['order', 'lines', 'sku'],
      ],
      read,
    ),
  ).toEqual(['data.order.lines.sku.code', 'data.order.note']);
  expect(emptyPaths([['gone']], read)).toEqual([]);
});
