// Property: the audit finds no contradiction, whatever is written, committed late, prepared, rolled back, lost with its connection,
// refused, disabled, replayed, forgotten, no longer kept and pruned, in any order. Each event is delivered to each subscription, or skipped
// or held with a reason. Ordered subscriptions get the notifications of a node in order, and LATEST_ONLY its last one. No value of a
// forgotten node is left.
//
// `npm run property -- --runs 200 --seed 7` runs more steps. A failure prints the shortest list of steps that still fails.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type EngineWorld, startEngineWorld } from '../support/engine-world.js';
import { Run, WRITERS } from './run-steps.js';

/** Number of subscriptions of a run. The last two are ordered; they get no replays and resends, which don't follow the order. */
const SUBSCRIPTIONS = { all: 5, ordered: 2 };
const { PROPERTY_RUNS: runs = '5', PROPERTY_SEED: seed = '20261130' } = process.env;

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterAll(() => world.close());

const byAWriter = (...what: string[]) => what.flatMap((step) => Array.from({ length: WRITERS }, (_, number) => `${step} by ${number}`));
const ofASubscription = (count: number, ...what: string[]) =>
  what.flatMap((step) => Array.from({ length: count }, (_, number) => `${step} of ${number}`));

const step = fc.oneof(
  { weight: 24, arbitrary: fc.constantFrom(...byAWriter('insert', 'update', 'delete')) },
  { weight: 16, arbitrary: fc.constantFrom(...byAWriter('commit', 'commit', 'commit', 'rollback', 'prepare')) },
  { weight: 8, arbitrary: fc.constantFrom('receiver fails', 'receiver throttles', 'receiver hangs up', 'receiver works', 'make due') },
  { weight: 8, arbitrary: fc.constantFrom(...ofASubscription(SUBSCRIPTIONS.all, 'disable', 'enable')) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      ...ofASubscription(SUBSCRIPTIONS.all - SUBSCRIPTIONS.ordered, 'replay missed', 'replay all', 'cancel replay', 'resend'),
    ),
  },
  { weight: 2, arbitrary: fc.constantFrom('forget', 'lose connections') },
  { weight: 8, arbitrary: fc.constantFrom('relay', 'relay', 'stop worker', 'start worker') },
  // These steps are rare, because whatever is missing from the time before them counts as forgotten.
  { weight: 1, arbitrary: fc.constantFrom('prune', 'retain') },
);

it(`the books balance after any steps (seed ${seed}, ${runs} runs)`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }), async (steps) => {
      expect(await Run.of(world, steps)).toEqual([]);
    }),
    { numRuns: Number(runs), seed: Number(seed), endOnFailure: false },
  );
});
