// Tests each decision of the renderer: which process to use, when to start another, what follows a death, which subscriptions are slow.
import { describe, expect, it } from 'vitest';
import { chooseProcess, fateOf, isSuspect, mayStartAnother } from '../../../../src/webhooks/base/templates/plan-rendering.js';
import { SlowSubscriptions } from '../../../../src/webhooks/base/templates/slow-subscriptions.js';

describe('chooseProcess', () => {
  it.each([
    ['opens the first process', [], false, 'open'],
    ['takes the one with the fewest jobs', [7, 3, 5], false, 1],
    ['waits until half of the slots are free', [9, 12], false, 'wait'],
    ['takes one whose half is just free', [9, 8], false, 1],
    ['opens another one when it is wanted and all have work', [4, 9], true, 'open'],
    ['opens none while one has little work', [3, 9], true, 0],
  ] as const)('%s', (_what, loads, wanted, choice) => expect(chooseProcess(loads, wanted)).toBe(choice));
});

describe('mayStartAnother', () => {
  const calm = { running: 1, max: 2, crowdedSinceMs: Number.POSITIVE_INFINITY, lastDeathMs: Number.NEGATIVE_INFINITY };
  it.each([
    ['nobody waits', {}, false],
    ['jobs wait for 100 ms', { crowdedSinceMs: 1900 }, false],
    ['jobs wait for longer', { crowdedSinceMs: 1899 }, true],
    ['as many run as may', { crowdedSinceMs: 0, running: 2 }, false],
    ['one died within a minute, beyond the maximum', { lastDeathMs: 1000, max: 1 }, true],
    ['two run after a death', { lastDeathMs: 1000, running: 2 }, false],
    ['one died long ago', { lastDeathMs: -58_000 }, false],
  ])('when %s', (_what, state, wanted) => expect(mayStartAnother({ ...calm, ...state }, 2000)).toBe(wanted));
});

describe('fateOf', () => {
  const overran = { by: 'template', culprit: 2, message: '' } as const;
  const exploded = { by: 'template', message: '' } as const;
  const unknown = { by: 'unknown', message: '' } as const;
  it.each([
    ['the culprit was alone: it is over its limit', overran, { id: 2, alone: true }, 0, 'limit'],
    ['the culprit was among others: it has to show it alone', overran, { id: 2, alone: false }, 0, 'alone'],
    ['another job was beside the culprit', overran, { id: 1, alone: false }, 0, 'together'],
    ['any of several may be the cause', exploded, { id: 1, alone: false }, 0, 'alone'],
    ['the cause is unknown', unknown, { id: 1, alone: false }, 2, 'together'],
    ['the cause is unknown, and the job was alone', unknown, { id: 1, alone: true }, 2, 'alone'],
    ['the third process dies of an unknown cause', unknown, { id: 1, alone: false }, 3, 'reject'],
  ] as const)('when %s', (_what, death, job, deaths, fate) => expect(fateOf(death, job, deaths)).toBe(fate));

  it('suspects the culprit, or all when none is known, and nobody where no template is to blame', () => {
    const ids = (death: Parameters<typeof isSuspect>[0]) => [1, 2].filter((id) => isSuspect(death, { id }));
    expect([ids(overran), ids(exploded), ids(unknown)]).toEqual([[2], [1, 2], []]);
  });
});

describe('SlowSubscriptions', () => {
  it('has a marked subscription for a minute, and each trial', () => {
    const slow = new SlowSubscriptions();
    slow.mark({ tenant: 'a', key: '1' }, 0);
    expect([slow.has({ tenant: 'a', key: '1' }, 60_000), slow.has({ tenant: 'a', key: '2' }, 0)]).toEqual([true, false]);
    expect(slow.has({ tenant: 'a', key: '1' }, 60_001)).toBe(false);
    expect(slow.has({ tenant: 'b', key: '1', isTrial: true }, 0)).toBe(true);
  });

  it('has all subscriptions of a tenant with five slow ones, and no other tenant', () => {
    const slow = new SlowSubscriptions();
    for (const key of ['1', '2', '3', '4']) slow.mark({ tenant: 'a', key }, 0);
    expect(slow.has({ tenant: 'a', key: '6' }, 0)).toBe(false);
    slow.mark({ tenant: 'a', key: '5' }, 0);
    expect([slow.has({ tenant: 'a', key: '6' }, 0), slow.has({ tenant: 'b', key: '6' }, 0)]).toEqual([true, false]);
  });
});
