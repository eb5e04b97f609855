import { GraphQLInt, GraphQLList, GraphQLObjectType, GraphQLSchema, parse } from 'graphql';
import { expect, it } from 'vitest';
import { loopShare } from '../../../../src/runtime/loop-share.js';
import { executeInTurns } from '../../../../src/webhooks/base/query/execute-in-turns.js';

/** Number of fields that the event loop has resolved in one stretch, and the most. */
let [run, most] = [0, 0];
function resolved(): number {
  if (run === 0) {
    process.nextTick(() => {
      run = 0;
    });
  }
  run += 1;
  most = Math.max(most, run);
  return 1;
}
const Item = new GraphQLObjectType({ name: 'Item', fields: { value: { type: GraphQLInt, resolve: resolved } } });
const query = new GraphQLObjectType({
  name: 'Query',
  fields: { items: { type: new GraphQLList(Item), resolve: async () => Array.from({ length: 100 }, () => ({})) } },
});
const schema = new GraphQLSchema({ query });
const aliases = Array.from({ length: 90 }, (_, index) => `a${index}: value`).join(' ');

it.each([
  ['a few objects of a list at a time, when many fields of each were asked for', `{ items { ${aliases} } }`, 9_000, 1_000],
  ['those of fragments counted', `{ items { ...all } } fragment all on Item { ... on Item { ${aliases} } }`, 9_000, 1_000],
  ['a page at once, when few were', '{ items { value b: value c: value } }', 300, 300],
])('completes %s', async (_what, source, count, atMost) => {
  [run, most] = [0, 0];
  const result = await executeInTurns({ schema, document: parse(source), contextValue: {} }, loopShare.open('acme', 'a query'));
  expect(result.errors).toBeUndefined();
  const items = result.data?.items as object[];
  expect(items.flatMap((item) => Object.keys(item))).toHaveLength(count);
  expect(most).toBeLessThanOrEqual(atMost);
  expect(most).toBeGreaterThan(atMost / 2);
});
