// Tests each decision of the drain: shares, plans, extras, when to claim, and where to continue.
import { describe, expect, it } from 'vitest';
import type { DeliveryInHand } from '../../../src/webhooks/lease/claim.js';
import { Costs } from '../../../src/webhooks/lease/costs.js';
import { InFlight, type Target } from '../../../src/webhooks/lease/in-flight.js';
import {
  advancesAfter,
  type ClaimPlan,
  isQuiet,
  isWorthwhile,
  planClaim,
  shareOf,
  WORTHWHILE,
} from '../../../src/webhooks/lease/plan-claim.js';
import { Entry, RoundRobin } from '../../../src/webhooks/lease/round-robin.js';

const BOUNDS = { total: 1000, perSubscription: 300, perHost: 300 };

const TARGETS = new Map<string, Target>();

/** Reads the target from an id: its first letter is the host, a capital letter at its end the tenant. `?` at the start: no target. */
function targetOf(id: string): Target | undefined {
  if (id.startsWith('?')) return undefined;
  const [host, tenant] = [id.charAt(0), /[A-Z]$/.exec(id)?.[0] ?? 'acme'];
  const key = host + tenant;
  const target = TARGETS.get(key) ?? { host, tenant };
  TARGETS.set(key, target);
  return target;
}

function waitingFor(...ids: string[]): RoundRobin {
  const waiting = new RoundRobin(targetOf);
  for (const id of ids) waiting.wake(id);
  return waiting;
}

function inProgress(counts: Record<string, number>): InFlight {
  const inFlight = new InFlight();
  for (const [id, count] of Object.entries(counts)) for (let i = 0; i < count; i++) inFlight.take(id, targetOf(id));
  return inFlight;
}

it('claims costly deliveries of one subscription of a tenant at once, beside those of other tenants', () => {
  const costs = new Costs(() => false);
  for (const id of ['a1A', 'b1A', 'c1B']) costs.note(id, id.at(-1) as string, { queryMs: 10, characters: 0 }, -10_000);
  costs.note('d1A', 'A', { queryMs: 0, characters: 0 }, -10_000);
  const plan = (nowMs: number) => countsOf(planClaim(waitingFor('a1A', 'b1A', 'c1B', 'd1A'), inProgress({}), BOUNDS, nowMs, costs));
  expect(plan(0)).toEqual({ a1A: 2, c1B: 2, d1A: 300 });
  costs.start('a1A', 'A', 0);
  expect(plan(39)).toEqual({ c1B: 2, d1A: 300 });
  expect(plan(40)).toEqual({ a1A: 2, c1B: 2, d1A: 300 });
});

it('claims two deliveries of unknown cost of a tenant at once, of whichever subscriptions', () => {
  const costs = new Costs(() => false);
  const plan = () => countsOf(planClaim(waitingFor('a1A', 'b1A', 'c1B'), inProgress({}), BOUNDS, 0, costs));
  expect(plan()).toEqual({ a1A: 2, c1B: 2 });
  costs.start('a1A', 'A', 0);
  expect(plan()).toEqual({ a1A: 1, c1B: 2 });
});

it('claims fewer of a subscription whose queries are late, and again as many when they are in time', () => {
  const inFlight = inProgress({ a1: 200 });
  for (const nowMs of [0, 10, 999]) inFlight.narrow('a1', nowMs);
  expect(inFlight.limitOf('a1')).toBe(100);
  expect(planClaim(waitingFor('a1'), inFlight, BOUNDS, 0).total).toBe(0);
  for (let second = 1; second < 9; second++) inFlight.narrow('a1', 1000 * second);
  expect(inFlight.limitOf('a1')).toBe(4);
  for (let i = 0; i < 965; i++) inFlight.widen('a1');
  expect(inFlight.limitOf('a1')).toBe(100);
  for (let i = 0; i < 1000; i++) inFlight.widen('a1');
  expect(inFlight.limitOf('a1')).toBe(Number.POSITIVE_INFINITY);
  expect(countsOf(planClaim(waitingFor('a1'), inFlight, BOUNDS, 0))).toEqual({ a1: 100 });
});

const countsOf = ({ wants }: Pick<ClaimPlan, 'wants'>): Record<string, number> =>
  Object.fromEntries(wants.map(({ subscriptionId, count }) => [subscriptionId, count]));

describe('shareOf', () => {
  it.each([
    ['half of the free slots', 0, 100, 50],
    ['half of what is free or its own', 20, 100, 40],
    ['nothing more when it has half', 50, 50, 0],
    ['a first slot even when none is free', 0, 0, 1],
    ['no second slot then', 1, 0, 0],
  ])('gives %s', (_what, own, free, share) => expect(shareOf(own, free)).toBe(share));
});

describe('isWorthwhile and isQuiet', () => {
  it('takes many free slots while much is in progress, and few otherwise', () => {
    expect(isWorthwhile(WORTHWHILE - 1, 1000)).toBe(false);
    expect(isWorthwhile(WORTHWHILE, 1000)).toBe(true);
    expect(isWorthwhile(3, 4)).toBe(false);
    expect(isWorthwhile(4, 4)).toBe(true);
    expect(isWorthwhile(0, 0)).toBe(true);
  });

  it('claims at once for a woken subscription unless much is in progress', () => {
    expect([isQuiet(0), isQuiet(WORTHWHILE - 1), isQuiet(WORTHWHILE)]).toEqual([true, true, false]);
  });
});

describe('planClaim', () => {
  it('gives each subscription a portion, then the remaining slots to those that may take more', () => {
    const queues = waitingFor(...Array.from({ length: 20 }, (_, i) => `a${i}`));
    const plan = planClaim(queues, inProgress({}), { ...BOUNDS, perHost: 480 }, 0);
    expect(plan.wants).toHaveLength(20);
    expect(plan.total).toBe(480);
    expect(Object.values(countsOf(plan))).toEqual(Array(20).fill(24));
  });

  it('lets one subscription take its limit when it waits alone', () => {
    expect(countsOf(planClaim(waitingFor('a1'), inProgress({}), BOUNDS, 0))).toEqual({ a1: 300 });
    expect(countsOf(planClaim(waitingFor('a1'), inProgress({ a1: 290 }), BOUNDS, 0))).toEqual({ a1: 10 });
    expect(planClaim(waitingFor('a1'), inProgress({ a1: 300 }), BOUNDS, 0)).toEqual({ wants: [], total: 0 });
  });

  it('leaves a slot to a subscription that has none', () => {
    const bounds = { total: 32, perSubscription: 100, perHost: 100 };
    expect(countsOf(planClaim(waitingFor('a', 'b', 'c'), inProgress({}), bounds, 0))).toEqual({ a: 16, b: 8, c: 4 });
    expect(countsOf(planClaim(waitingFor('d'), inProgress({ a: 16, b: 8, c: 4 }), bounds, 0))).toEqual({ d: 2 });
  });

  it('skips a host without free slots, and counts what it plans itself', () => {
    const bounds = { total: 100, perSubscription: 15, perHost: 10 };
    expect(countsOf(planClaim(waitingFor('a1', 'b1'), inProgress({ a9: 10 }), bounds, 0))).toEqual({ b1: 10 });
    const plan = planClaim(waitingFor('a1', 'a2', 'b1'), inProgress({ a9: 4 }), bounds, 0);
    expect(plan.wants.filter(({ target }) => target?.host === 'a').reduce((sum, { count }) => sum + count, 0)).toBe(6);
  });

  it('takes few of each subscription whose host is unknown, and of all together as many as one host', () => {
    const bounds = { total: 100, perSubscription: 20, perHost: 10 };
    expect(countsOf(planClaim(waitingFor('?1', '?2', '?3', '?4'), inProgress({}), bounds, 0))).toEqual({ '?1': 4, '?2': 4, '?3': 2 });
    expect(countsOf(planClaim(waitingFor('?1', '?2'), inProgress({ '?1': 3, '?9': 4 }), bounds, 0))).toEqual({ '?1': 1, '?2': 2 });
  });

  it('starts where the last claim ended, while that cursor counts', () => {
    const cursor = { dueAt: '2026-11-26 05:00:00+00', id: '1' };
    const queues = waitingFor('a1');
    const had = [...queues.byTarget()][0]?.[1].get('a1') as Entry;
    queues.advance('a1', had, had.next(cursor, null, 5000));
    expect(planClaim(queues, inProgress({}), BOUNDS, 6000).wants[0]?.after).toEqual(cursor);
    expect(planClaim(queues, inProgress({}), BOUNDS, 6001).wants[0]?.after).toBeNull();
  });
});

describe('the extras of a plan', () => {
  const many = (host: string, tenant = '') => Array.from({ length: 60 }, (_, i) => `${host}${i}${tenant}`);
  const extrasOf = ({ wants, total }: ClaimPlan) => {
    let planned = 0;
    return wants.filter(({ count }) => {
      planned += count;
      return planned > total;
    });
  };

  it('are other subscriptions of the only target, up to 50', () => {
    const extras = extrasOf(planClaim(waitingFor(...many('a')), inProgress({}), { ...BOUNDS, perHost: 48 }, 0));
    expect(extras).toHaveLength(50);
    expect(extras.slice(0, 2).map(({ subscriptionId }) => subscriptionId)).toEqual(['a2', 'a3']);
    expect(extras[0]?.count).toBe(24);
  });

  it('are none for several hosts, for an unknown one, or for no want', () => {
    expect(extrasOf(planClaim(waitingFor(...many('a'), 'b1'), inProgress({}), { ...BOUNDS, perHost: 48 }, 0))).toEqual([]);
    expect(extrasOf(planClaim(waitingFor(...many('?')), inProgress({}), { ...BOUNDS, perHost: 48 }, 0))).toEqual([]);
    expect(planClaim(waitingFor(...many('a')), inProgress({ a99: 48 }), { ...BOUNDS, perHost: 48 }, 0)).toEqual({ wants: [], total: 0 });
  });

  it('take no slot that is kept for another tenant', () => {
    const plan = planClaim(waitingFor(...many('a', 'X'), 'a1Y'), inProgress({}), BOUNDS, 0);
    expect(plan.total).toBe(300);
    expect(extrasOf(plan)).toEqual([]);
  });
});

describe('the tenants of a host', () => {
  it('keep slots for one that comes while another one has all it may', () => {
    const busy = inProgress({ a1X: 300 });
    expect(countsOf(planClaim(waitingFor('a2X', 'a1Y'), busy, BOUNDS, 0))).toEqual({ a1Y: 30 });
    const both = inProgress({ a1X: 300, a1Y: 30 });
    expect(countsOf(planClaim(waitingFor('a2X', 'a1Y', 'a1Z'), both, BOUNDS, 0))).toEqual({ a1Z: 15 });
  });

  it('get equal parts, whatever the number of their subscriptions and the order in which they wait', () => {
    const many = Array.from({ length: 500 }, (_, i) => `a${i}X`);
    const partOf = (queues: RoundRobin, load: InFlight) => countsOf(planClaim(queues, load, BOUNDS, 0)).a1Y;
    expect(partOf(waitingFor(...many, 'a1Y'), inProgress({}))).toBe(150);
    expect(partOf(waitingFor(...many, 'a1Y'), inProgress({ a1X: 150, a1Y: 30 }))).toBe(120);
    expect(partOf(waitingFor(...many, 'a1Y'), inProgress({ a1Y: 150, a1X: 30 }))).toBeUndefined();
  });

  it('keep slots of the process, however many hosts one of them has', () => {
    const bounds = { total: 100, perSubscription: 50, perHost: 50 };
    const hanging = inProgress(Object.fromEntries(Array.from('abcdefghij', (host) => [`${host}1X`, 10])));
    expect(countsOf(planClaim(waitingFor('k1X', 'l1Y'), hanging, bounds, 0))).toEqual({ l1Y: 5 });
  });
});

describe('advancesAfter', () => {
  const entries = new Map(['a', 'b', 'c'].map((id) => [id, new Entry()]));
  const plan = (total: number, count = 2): ClaimPlan => ({
    wants: [...entries].map(([subscriptionId, entry]) => ({ subscriptionId, count, after: null, target: undefined, entry })),
    total,
  });
  const batch = (...ids: string[]) => ids.map((subscriptionId, i) => ({ subscriptionId, id: String(i), dueAt: 'now' }) as DeliveryInHand);
  const outcomes = (claimed: ClaimPlan, delivered: DeliveryInHand[]) =>
    advancesAfter(claimed, delivered, 0).map(({ subscriptionId, next }) => `${subscriptionId} ${next?.cursorAt(0)?.id ?? 'done'}`);

  it('continues after the last delivery of a subscription that gave all it was asked for', () => {
    expect(outcomes(plan(9), batch('a', 'a', 'b', 'b', 'c', 'c'))).toEqual(['a 1', 'b 3', 'c 5']);
  });

  it('ends the wait of one that gave fewer', () => {
    expect(outcomes(plan(9), batch('a', 'b', 'b'))).toEqual(['a done', 'b 2', 'c done']);
  });

  it('leaves those alone that a full claim did not reach, and lets the last one continue', () => {
    expect(outcomes(plan(3), batch('a', 'a', 'b'))).toEqual(['a 1', 'b 2']);
    expect(outcomes(plan(1), batch('b'))).toEqual(['a done', 'b 0']);
  });
});
