import { expect, it } from 'vitest';
import { MAX_OPERATIONS } from '../../../src/webhooks/base/recording/find-texts.js';
import { redactEcho } from '../../../src/webhooks/request/redact-echo.js';
import { SearchBudgets } from '../../../src/webhooks/request/search-budgets.js';

const SECRETIVE = { secretTexts: ['a'.repeat(4_000)], auth: null };
const hostile = () => ({ kind: 'REPLY', headers: { 'retry-after': '120', 'x-a': 'a'.repeat(60_000) }, body: 'a'.repeat(65_536) });

function createBudgets() {
  const clock = { ms: 0 };
  const budgets = new SearchBudgets(() => clock.ms);
  /** Returns how many operations one search of a hostile response uses. */
  const search = (tenant: string) =>
    budgets.use(tenant, (budget) => {
      const before = budget.left;
      const answer = redactEcho(SECRETIVE, hostile(), [], budget);
      expect(answer).toMatchObject({ headers: { 'retry-after': '120', 'x-a': '[not recorded]' }, body: '[not recorded]' });
      return before - Math.max(0, budget.left);
    });
  return { clock, search };
}

it('gives each search of a tenant less, the more its responses have cost', () => {
  const { clock, search } = createBudgets();
  expect(Array.from({ length: 5 }, () => search('a'))).toEqual(Array(5).fill(MAX_OPERATIONS));
  expect(Array.from({ length: 3 }, () => search('a'))).toEqual(Array(3).fill(50_000));
  expect(search('b')).toBe(MAX_OPERATIONS);
  clock.ms += 100;
  expect(search('a')).toBe(MAX_OPERATIONS / 2);
  clock.ms += 10_000;
  expect(Array.from({ length: 6 }, () => search('a'))).toEqual([...Array(5).fill(MAX_OPERATIONS), 50_000]);
});

it('leaves responses alone that cost little', () => {
  const budgets = new SearchBudgets(() => 0);
  const usual = { kind: 'REPLY', headers: {}, body: 'all is well '.repeat(5_000) };
  const secretive = { secretTexts: ['a-secret-of-somebody'], auth: null };
  for (let i = 0; i < 50; i++) expect(budgets.use('a', (budget) => redactEcho(secretive, usual, [], budget))).toBe(usual);
});
