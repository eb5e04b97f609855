// The short form of `npm run chaos`: a few faults under load; after each fault, the books are checked.
import { expect, it } from 'vitest';
import { testDatabase } from '../support/database.js';
import { createRandom } from './random.js';
import { runChaos } from './run-chaos.js';

it('balances the books after reset connections, and after a subscription was disabled and enabled', async () => {
  const db = await testDatabase({ seeded: true });
  try {
    const { findings, steps, requests } = await runChaos({
      server: { url: db.url, crash: null, failOver: null },
      seed: 7,
      faults: ['reset', 'disable'],
      organizations: 2,
      workers: 1,
      writers: 1,
      lastsMs: { least: 200, most: 500 },
      isOver: (count) => count === 2,
    });
    expect(findings).toEqual([]);
    expect(steps.toSorted()).toEqual(['disable', 'reset']);
    expect(requests).toBeGreaterThan(0);
  } finally {
    await db.close();
  }
});

it('has the same order for the same seed', () => {
  const numbers = (seed: number) => Array.from({ length: 5 }, createRandom(seed).bind(null, 1000));
  expect(numbers(7)).toEqual(numbers(7));
  expect(numbers(7)).not.toEqual(numbers(8));
});
