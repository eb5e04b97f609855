// Tests when costly deliveries of a tenant may start beside other tenants.
import { expect, it } from 'vitest';
import { Costs } from '../../../src/webhooks/lease/costs.js';

const QUERY = { queryMs: 10, characters: 0 };
const beside = () => new Costs(() => false);

it('lets ordinary and unknown deliveries start at any time', () => {
  const costs = beside();
  costs.note('cheap', { queryMs: 1, characters: 10_000 });
  costs.start('cheap', 'org', 0);
  expect(costs.mayStart('cheap', 'org', 0)).toBe(Number.POSITIVE_INFINITY);
  expect(costs.mayStart('unknown', 'org', 0)).toBe(Number.POSITIVE_INFINITY);
  expect(costs.waitMs(0)).toBeNull();
});

it('spaces costly ones of a tenant, of all its subscriptions, so that they take a quarter of the loop', () => {
  const costs = beside();
  costs.note('query', QUERY);
  costs.note('body', { queryMs: 0, characters: 1_900_000 });
  expect([costs.isCostly('query'), costs.isCostly('body')]).toEqual([true, true]);
  // Some may start together, as long as they are short.
  expect([costs.mayStart('query', 'org', 0), costs.mayStart('body', 'org', 0)]).toEqual([2, 1]);
  costs.start('query', 'org', 0);
  costs.start('query', 'org', 0);
  expect(costs.waitMs(0)).toBe(80);
  expect([costs.mayStart('query', 'org', 79), costs.mayStart('body', 'org', 79)]).toEqual([0, 0]);
  expect(costs.mayStart('query', 'other', 79)).toBe(2);
  expect(costs.mayStart('query', 'org', 80)).toBe(2);
  expect(costs.waitMs(80)).toBeNull();
});

it('lets a tenant alone start any number', () => {
  const costs = new Costs((tenant) => tenant === 'org');
  costs.note('query', QUERY);
  costs.start('query', 'org', 0);
  expect(costs.mayStart('query', 'org', 0)).toBe(Number.POSITIVE_INFINITY);
});

it('believes a greater cost at once, and a smaller one slowly', () => {
  const costs = beside();
  costs.note('query', QUERY);
  for (let n = 0; n < 4; n++) costs.note('query', { queryMs: 0, characters: 0 });
  expect(costs.isCostly('query')).toBe(true);
  costs.note('query', { queryMs: 0, characters: 0 });
  expect(costs.isCostly('query')).toBe(false);
  costs.note('query', QUERY);
  expect(costs.isCostly('query')).toBe(true);
});
