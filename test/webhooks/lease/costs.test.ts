// Tests when costly deliveries of a tenant, and those of unknown cost, may start beside other tenants.
import { expect, it } from 'vitest';
import { Costs, type Taken } from '../../../src/webhooks/lease/costs.js';

const NOTHING: Taken = { queryMs: 0, characters: 0 };
const QUERY: Taken = { ...NOTHING, queryMs: 10 };
const BODY: Taken = { ...NOTHING, characters: 1_900_000 };
const ANY = Number.POSITIVE_INFINITY;
const beside = () => new Costs(() => false);

/** Costs that know a query of 10 ms and a body of 1.9 MB of `org`, and a moment at which no earlier charge counts. */
function known(): { costs: Costs; nowMs: number } {
  const costs = beside();
  for (let n = 0; n < 2; n++) {
    costs.note('query', 'org', QUERY, 0);
    costs.note('body', 'org', BODY, 0);
  }
  return { costs, nowMs: 10_000 };
}

it('lets ordinary deliveries start at any time', () => {
  const costs = beside();
  costs.note('cheap', 'org', { queryMs: 1, characters: 10_000 }, 0);
  costs.start('cheap', 'org', 0);
  expect(costs.mayStart('cheap', 'org', 0)).toBe(ANY);
  expect(costs.waitMs(0)).toBeNull();
});

it('spaces costly ones of a tenant, of all its subscriptions, so that they take a quarter of the loop', () => {
  const { costs, nowMs } = known();
  expect([costs.isCostly('query'), costs.isCostly('body')]).toEqual([true, true]);
  expect(costs.waitMs(nowMs)).toBeNull();
  // Several may start together while they are short.
  expect([costs.mayStart('query', 'org', nowMs), costs.mayStart('body', 'org', nowMs)]).toEqual([2, 1]);
  costs.start('query', 'org', nowMs);
  costs.start('query', 'org', nowMs);
  expect(costs.waitMs(nowMs)).toBe(80);
  expect([costs.mayStart('query', 'org', nowMs + 79), costs.mayStart('body', 'org', nowMs + 79)]).toEqual([0, 0]);
  expect(costs.mayStart('query', 'other', nowMs + 79)).toBe(2);
  expect(costs.mayStart('query', 'org', nowMs + 80)).toBe(2);
  expect(costs.waitMs(nowMs + 80)).toBeNull();
});

it('spaces those of many tenants so that they take half of the loop together', () => {
  const { costs, nowMs } = known();
  costs.waitMs(nowMs);
  for (const tenant of ['a', 'b', 'c', 'd']) costs.start('query', tenant, nowMs);
  expect(costs.mayStart('query', 'd', nowMs + 79)).toBe(0);
  expect(costs.mayStart('query', 'd', nowMs + 80)).toBe(2);
});

it('counts answers', () => {
  const costs = beside();
  costs.note('answer', 'org', NOTHING, 0);
  expect(costs.isCostly('answer')).toBe(false);
  costs.noteAnswer('answer', 125_000);
  expect(costs.isCostly('answer')).toBe(true);
  for (let n = 0; n < 2; n++) costs.noteAnswer('answer', 100);
  expect(costs.isCostly('answer')).toBe(false);
});

it('lets a tenant alone start any number of known cost', () => {
  const costs = new Costs((tenant) => tenant === 'org');
  for (let n = 0; n < 2; n++) costs.note('query', 'org', QUERY, 0);
  costs.start('query', 'org', 0);
  expect(costs.mayStart('query', 'org', 0)).toBe(ANY);
  expect(costs.mayStart('unknown', 'org', 0)).toBe(2);
});

it('believes a greater cost at the second time, and a smaller one slowly', () => {
  const { costs } = known();
  for (let n = 0; n < 4; n++) costs.note('query', 'org', NOTHING, 0);
  expect(costs.isCostly('query')).toBe(true);
  costs.note('query', 'org', NOTHING, 0);
  expect(costs.isCostly('query')).toBe(false);
  // A pause for garbage makes an ordinary one look costly once.
  costs.note('query', 'org', QUERY, 0);
  expect(costs.isCostly('query')).toBe(false);
  costs.note('query', 'org', QUERY, 0);
  expect(costs.isCostly('query')).toBe(true);
});

it('takes the first one of a process for less, once the second one is quick', () => {
  const costs = beside();
  costs.note('cold', 'org', QUERY, 0);
  expect(costs.isCostly('cold')).toBe(true);
  costs.note('cold', 'org', NOTHING, 0);
  expect(costs.isCostly('cold')).toBe(false);
});

it('finds out costly ones that are costly every second time only', () => {
  const costs = beside();
  for (let n = 0; n < 20; n++) costs.note('odd', 'org', n % 2 === 0 ? NOTHING : { ...NOTHING, queryMs: 40 }, 0);
  expect(costs.isCostly('odd')).toBe(true);
});

it('lets two of unknown cost of a tenant start together, and more as they turn out to be cheap', () => {
  const costs = beside();
  const start = (id: string) => costs.start(id, 'org', 0);
  const may = () => costs.mayStart('next', 'org', 0);
  expect(may()).toBe(2);
  start('a');
  start('b');
  expect(may()).toBe(0);
  expect(costs.mayStart('next', 'other', 0)).toBe(2);
  expect(costs.note('a', 'org', NOTHING, 0)).toBe(true);
  expect(costs.note('a', 'org', NOTHING, 0)).toBe(false);
  expect(may()).toBe(2);
  costs.note('b', 'org', NOTHING, 0);
  expect(may()).toBe(4);
  start('c');
  costs.note('c', 'org', QUERY, 0);
  expect(may()).toBe(2);
});

it('charges a tenant for all that had started before their cost was known', () => {
  const costs = beside();
  for (let n = 0; n < 4; n++) costs.start('query', undefined, 0);
  costs.note('query', 'org', QUERY, 0);
  expect(costs.waitMs(0)).toBe(160);
  for (let n = 0; n < 4; n++) costs.end('query');
});

it('goes on beside those that stay unknown, and counts those that end as cheap', () => {
  const costs = beside();
  costs.start('a', 'org', 0);
  costs.start('b', 'org', 0);
  expect(costs.waitMs(0)).toBe(250);
  expect([costs.mayStart('next', 'org', 250), costs.mayStart('next', 'org', 251)]).toEqual([0, 2]);
  costs.end('a');
  costs.end('b');
  expect(costs.mayStart('next', 'org', 0)).toBe(4);
  expect(costs.waitMs(0)).toBeNull();
});
