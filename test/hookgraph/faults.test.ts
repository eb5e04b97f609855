import { buildSchema, type ExecutionResult, execute, GraphQLError, type GraphQLObjectType, parse } from 'graphql';
import { DatabaseError } from 'pg';
import { describe, expect, it } from 'vitest';
import { faultOf } from '../../src/hookgraph/faults.js';
import { NoSlotError } from '../../src/runtime/fair-share.js';
import { WebhooksError } from '../../src/webhooks/index.js';

/** Returns the fault of the error that a resolver of this type throws, or that its result causes. */
async function faultAt(type: string, resolve: () => unknown): Promise<string | undefined> {
  const schema = buildSchema(
    `enum Color { RED } interface Named { name: String } type Thing implements Named { field: ${type} name: String } type Query { thing: Thing root: String! }`,
  );
  const fields = (schema.getType('Thing') as GraphQLObjectType).getFields();
  if (fields.field) fields.field.resolve = resolve;
  const { errors = [] } = (await execute({
    schema,
    document: parse(/^(Thing|Named)/.test(type) ? '{ thing { field { name } } }' : '{ thing { field } }'),
    rootValue: { thing: { name: 'x' } },
  })) as ExecutionResult;
  return errors.map(faultOf)[0];
}
const thrown = (error: unknown) =>
  faultAt('String', () => {
    throw error;
  });
const sql = (code: string, message = 'x') => Object.assign(new DatabaseError(message, 1, 'error'), { code });
const prisma = (code: string, message = 'x', meta: object = {}) =>
  Object.assign(new Error(message), { name: 'PrismaClientKnownRequestError', code, meta });

describe('the operator corrects', () => {
  it.each([
    ['an undefined column', sql('42703')],
    ['an undefined table', sql('42P01')],
    ['a missing right', sql('42501')],
    ['an enum value that the database does not know', sql('22P02', 'invalid input value for enum call_state: "PAUSED"')],
    ['an undefined column in Prisma', prisma('P2022')],
    ['an undefined table in Prisma', prisma('P2021')],
    ['a raw query that fails in Prisma', prisma('P2010', 'x', { code: '42703' })],
    ['an enum value that Prisma does not know', prisma('P2023', `Value 'PAUSED' not found in enum 'CallState'`)],
    ['a lost connection', sql('57P01')],
    ['a full pool', new NoSlotError('busy')],
    ['an unreachable service', Object.assign(new Error('x'), { code: 'ECONNREFUSED' })],
    ['an exception of a resolver', new TypeError('x is not a function')],
    ['what is no error at all', 'a text'],
    ['an error that the server calls internal', new GraphQLError('x', { extensions: { code: 'INTERNAL_SERVER_ERROR' } })],
  ])('%s', async (_, error) => expect(await thrown(error)).toBe('ours'));

  it.each([
    ['an enum value that the schema does not know', 'Color', 'BLUE'],
    ['a value where the schema has a list', '[String]', 5],
    ['an object without a known type', 'Named', { name: 'x' }],
    ['null where the schema forbids it', 'String!', null],
  ])('%s', async (_, type, value) => expect(await faultAt(type, () => value)).toBe('ours'));
});

describe('the subscriber sees', () => {
  it.each([
    ['a refused right', 'data', new GraphQLError('x', { extensions: { code: 'FORBIDDEN' } })],
    ['a refused right by name', 'data', Object.assign(new Error('x'), { name: 'ForbiddenError' })],
    ['a node that is not found', 'node', new GraphQLError('x', { extensions: { code: 'NOT_FOUND' } })],
    ['a status as the code', 'node', new GraphQLError('x', { extensions: { code: 404 } })],
    ['an exception with a code for callers', 'node', Object.assign(new Error('x'), { extensions: { code: 'NOT_FOUND' } })],
    ['an error without a code', 'node', new GraphQLError('first is 0')],
    ['an error of Hookgraph', 'node', new WebhooksError('X', 'x')],
    ['a value that does not fit', 'node', sql('22P02', 'invalid input syntax for type uuid: "x"')],
    ['a value that does not fit in Prisma', 'node', prisma('P2023', 'Error creating UUID')],
    ['a required row that Prisma does not find', 'node', prisma('P2025')],
  ])('%s', async (_, fault, error) => expect(await thrown(error)).toBe(fault));

  it('a root field that finds nothing', async () => {
    const schema = buildSchema('type Query { root: String! }');
    const { errors = [] } = (await execute({ schema, document: parse('{ root }') })) as ExecutionResult;
    expect(errors.map(faultOf)).toEqual(['node']);
  });
});
