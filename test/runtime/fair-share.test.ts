import { setImmediate as tick } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createFairShare, type Execution, NoSlotError } from '../../src/runtime/fair-share.js';

/** Starts work that runs until `end` is called. */
function hold(execution: Execution, needs?: Parameters<Execution['run']>[1]) {
  let started = false;
  let release = () => {};
  const done = execution.run(() => {
    started = true;
    return new Promise<void>((resolve) => {
      release = resolve;
    });
  }, needs);
  return { done, started: () => started, end: () => release() };
}

const running = (all: ReturnType<typeof hold>[]) => all.filter((one) => one.started()).length;

describe('a turn', () => {
  it('is at once where there is room: the work starts before anything is awaited', async () => {
    const execution = createFairShare({ connections: 8, maxWaitMs: 1000 }).begin('a');
    const one = hold(execution);
    expect(one.started()).toBe(true);
    one.end();
    await one.done;
  });

  it('comes to a party while it leaves as much free as it takes, so that the next one always finds some', async () => {
    const fairShare = createFairShare({ connections: 16, maxWaitMs: 10_000 });
    const parties = ['a', 'b', 'c', 'd'].map((name) => Array.from({ length: 100 }, () => hold(fairShare.begin(name))));
    expect(parties.map(running)).toEqual([8, 4, 2, 1]);
    const late = hold(fairShare.begin('late'));
    expect(late.started()).toBe(true);
    const all = [...parties.flat(), late];
    for (const one of all) one.done.catch(() => {});
    while (running(all) < all.length) {
      for (const one of all) one.end();
      await tick();
    }
    for (const one of all) one.end();
    await Promise.all(all.map(({ done }) => done));
  });

  it('that gets free goes to whoever waits and has less', async () => {
    const fairShare = createFairShare({ connections: 8, maxWaitMs: 10_000 });
    const many = Array.from({ length: 10 }, () => hold(fairShare.begin('many')));
    const few = Array.from({ length: 5 }, () => hold(fairShare.begin('few')));
    expect([running(many), running(few)]).toEqual([4, 2]);
    for (const one of many.slice(0, 3)) {
      one.end();
      await tick();
    }
    expect([running(many), running(few)]).toEqual([5, 3]);
    for (const one of [...many, ...few]) one.done.catch(() => {});
  });

  it('comes first to what began first, so that it can end', async () => {
    const fairShare = createFairShare({ connections: 2, maxWaitMs: 10_000 });
    const [first, second] = [fairShare.begin('a'), fairShare.begin('a')];
    const one = hold(first);
    const [later, more] = [hold(second), hold(first)];
    one.end();
    await tick();
    expect([more.started(), later.started()]).toEqual([true, false]);
    for (const held of [later, more]) held.done.catch(() => {});
  });

  it('is one for all that are one statement: of the same key, in the same tick', async () => {
    const fairShare = createFairShare({ connections: 4, maxWaitMs: 10_000 });
    const same = Array.from({ length: 50 }, () => hold(fairShare.begin('a'), { key: 'User' }));
    const other = hold(fairShare.begin('a'), { key: 'Group' });
    expect([running(same), other.started()]).toEqual([50, true]);
    await tick();
    const later = [1, 2, 3].map(() => hold(fairShare.begin('a'), { key: 'User' }));
    expect(running(later)).toBe(0);
    for (const one of same) one.end();
    await Promise.all(same.map(({ done }) => done));
    await tick();
    expect(running(later)).toBe(3);
    for (const one of [other, ...later]) one.end();
    await Promise.all([other, ...later].map(({ done }) => done));
  });

  it('counts what reads many relations at once as many, and even more than there are as half of all', async () => {
    const fairShare = createFairShare({ connections: 8, maxWaitMs: 10_000 });
    const wide = hold(fairShare.begin('a'), { connections: 3 });
    const second = hold(fairShare.begin('a'), { connections: 3 });
    expect([wide.started(), second.started()]).toEqual([true, false]);
    const widest = hold(fairShare.begin('b'), { connections: 50 });
    expect(widest.started()).toBe(true);
    for (const one of [wide, second, widest]) one.done.catch(() => {});
  });

  it('that doesn’t come in time is given up, and nobody behind it suffers', async () => {
    const fairShare = createFairShare({ connections: 2, maxWaitMs: 20 });
    const busy = hold(fairShare.begin('a'));
    const execution = fairShare.begin('a');
    const waiting = hold(execution);
    await expect(waiting.done).rejects.toThrow(NoSlotError);
    // The execution has used up its waiting time, which is a total for all of its statements.
    const again = hold(execution);
    await expect(again.done).rejects.toThrow(NoSlotError);
    const patient = hold(fairShare.begin('a'));
    busy.end();
    await busy.done;
    await tick();
    expect(patient.started()).toBe(true);
    patient.end();
    await patient.done;
  });

  it('ends with its work, also where that fails', async () => {
    const fairShare = createFairShare({ connections: 2, maxWaitMs: 1000 });
    await expect(fairShare.begin('a').run(() => Promise.reject(new Error('boom')))).rejects.toThrow('boom');
    await expect(
      fairShare.begin('a').run(() => {
        throw new Error('at once');
      }),
    ).rejects.toThrow('at once');
    expect(await fairShare.begin('a').run(async () => 'fine')).toBe('fine');
  });
});
