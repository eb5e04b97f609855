import { buildSchema, GraphQLError, type GraphQLObjectType, parse } from 'graphql';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/webhooks/index.js';
import { MAX_ANSWER_LENGTH, runQuery } from '../../../src/webhooks/payload/run-query.js';

/** Returns an engine whose schema has one field with this resolver. */
function engineOf(resolve: () => unknown, queryDeadlineMs = 1_000): Engine {
  const schema = buildSchema('scalar Any type Query { value: String list: [String!] any: Any }');
  for (const field of Object.values((schema.getQueryType() as GraphQLObjectType).getFields())) field.resolve = resolve;
  return {
    host: { schema: () => schema, faultOf: ({ message }: GraphQLError) => (message.startsWith('ours') ? 'ours' : 'node') },
    deadlines: { queryDeadlineMs },
    log: pino({ level: 'silent' }),
  } as unknown as Engine;
}

const run = (engine: Engine, query = '{ value }') =>
  runQuery(engine, { tenant: 'org', document: parse(query), contextValue: {}, variableValues: { nodeId: 'x', nodeType: 'User' } });

describe('a stored query', () => {
  it('is given up after its deadline, whatever it waits for', async () => {
    const engine = engineOf(() => new Promise(() => {}), 30);
    expect(await run(engine)).toEqual({ refused: 'The query took longer than 30 ms, which is the limit.', isLate: true });
  });

  it('is refused where its answer is larger than its limit, and not a character before', async () => {
    const fits = 'x'.repeat(MAX_ANSWER_LENGTH - '{"value":""}'.length);
    expect(await run(engineOf(() => fits))).toEqual({ data: { value: fits }, isWhole: true });
    expect(await run(engineOf(() => `${fits}x`))).toEqual({
      refused: `The query's result has more than ${MAX_ANSWER_LENGTH} characters as JSON, which is the limit.`,
    });
    expect(
      await run(
        engineOf(() => new Array(300_000).fill('x')),
        '{ list }',
      ),
    ).toMatchObject({ refused: expect.stringContaining('limit') });
  });

  it('is refused where its answer is nested too deeply for JSON', async () => {
    const nested = (levels: number) => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`) as unknown;
    expect(
      await run(
        engineOf(() => nested(900)),
        '{ any }',
      ),
    ).toMatchObject({ isWhole: true });
    for (const levels of [1100, 10_000])
      expect(
        await run(
          engineOf(() => nested(levels)),
          '{ any }',
        ),
      ).toMatchObject({ refused: expect.stringContaining('nested more than 1000 levels') });
  });

  it('tells what a resolver says to people, and nothing of what it threw otherwise', async () => {
    const told = engineOf(() => {
      throw new GraphQLError('first is 0, but it must be from 1 to 100.');
    });
    expect(await run(told)).toEqual({
      refused: 'first is 0, but it must be from 1 to 100. (at value)',
      place: { line: 1, column: 3 },
      isLate: false,
    });
    const untold = engineOf(() => {
      throw new TypeError('SELECT secret FROM /home/us/src/x.ts');
    });
    expect(await run(untold)).toEqual({
      refused: 'A resolver of this API failed. (at value)',
      place: { line: 1, column: 3 },
      isLate: false,
    });
    const ours = engineOf(() => {
      throw new Error('ours');
    });
    await expect(run(ours)).rejects.toMatchObject({
      message: 'Running the stored query failed (at value): ours',
      shown: 'A resolver of this API failed (at value). Its operator has to correct this.',
    });
  });
});
