// Tests that the API masks values of the request that an error message would repeat.
import { buildSchema, graphqlSync } from 'graphql';
import { expect, test } from 'vitest';
import { maskError } from '../../src/graphql/http/mask-error.js';

const schema = buildSchema('input In { secret: String inner: In } type Query { take(in: In): Int }');
const shown = (source: string, variableValues?: Record<string, unknown>) =>
  graphqlSync({ schema, source, variableValues }).errors?.map((error) => maskError(error));

test.each([
  [{ secret: ['hunter2; at "x"'] }, 'Variable "$in" got invalid value at "in.secret"; String cannot represent a non string value'],
  [
    { inner: { secret: { a: 'hunter2' } } },
    'Variable "$in" got invalid value at "in.inner.secret"; String cannot represent a non string value',
  ],
  [{ secret: 'hunter2; "', nope: 1 }, 'Variable "$in" got invalid value; Field "nope" is not defined by type "In".'],
])('a variable of a wrong type is named with its place, and not repeated: %j', (value, message) => {
  const [error] = shown('query ($in: In) { take(in: $in) }', { in: value }) ?? [];
  expect(error?.message).toBe(message);
});

test('nor is a value in the document, whose place is told', () => {
  const [error] = shown('{ take(in: { secret: ["hunter2"] }) }') ?? [];
  expect(error).toMatchObject({ message: 'String cannot represent a non string value', locations: [{ line: 1, column: 22 }] });
});

test('other mistakes are told as they are', () => {
  expect(shown('{ nope }')?.map(({ message }) => message)).toEqual(['Cannot query field "nope" on type "Query".']);
});
