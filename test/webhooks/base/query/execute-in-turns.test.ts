// Tests the parts in which a list of objects is completed, for one organization alone and beside other organizations.
import { buildSchema, parse } from 'graphql';
import { expect, it } from 'vitest';
import { loopShare } from '../../../../src/runtime/loop-share.js';
import { executeInTurns } from '../../../../src/webhooks/base/query/execute-in-turns.js';
import { until } from '../../../support/until.js';

const schema = buildSchema('type Query { things: [Thing!]! } type Thing { name: String first: Thing }');
/** Milliseconds that each object takes. */
const COSTS_MS = 0.4;
const NAMES = Array.from({ length: 99 }, (_, n) => `a${n}: name`).join(' ');

/** Executes a query for 100 objects, and returns how many were completed in each turn of the event loop. */
async function partsOf(query: string): Promise<number[]> {
  let [turn, isOver] = [0, false];
  const counts = new Map<number, number>();
  const next = () => {
    turn += 1;
    if (!isOver) setImmediate(next);
  };
  setImmediate(next);
  const name = () => {
    counts.set(turn, (counts.get(turn) ?? 0) + 1);
    for (const untilMs = performance.now() + COSTS_MS; performance.now() < untilMs; );
    return 'x';
  };
  const things = Array.from({ length: 100 }, () => ({ name, first: { name: 'y' } }));
  const { errors } = await executeInTurns(
    { schema, document: parse(query), rootValue: { things: async () => things }, contextValue: {} },
    loopShare.open('org', 'a stored query'),
  );
  isOver = true;
  expect(errors).toBeUndefined();
  return [...counts.values()];
}

it('completes a page of an organization alone at once', async () => {
  // Waits until the work of other test files, which share the loop, no longer counts.
  const isAlone = () => {
    loopShare.see('org');
    return loopShare.isAlone({ party: 'org' });
  };
  await until('the others are forgotten', isAlone);
  expect(await partsOf('{ things { name } }')).toEqual([100]);
  expect(await partsOf(`{ things { name first { ${NAMES} } } }`)).toEqual([100]);
});

it('completes fewer objects at once beside others, if each has many fields', async () => {
  loopShare.see('other');
  expect(await partsOf('{ things { name } }')).toEqual([100]);
  const parts = await partsOf(`{ things { name ...Wide } } fragment Wide on Thing { first { ${NAMES} } }`);
  expect(parts.length).toBeGreaterThan(1);
});
