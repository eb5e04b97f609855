import { setImmediate as tick } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { NoSlotError } from '../../src/runtime/fair-share.js';
import { type Account, LoopShare } from '../../src/runtime/loop-share.js';

/** Creates a share whose clock advances only when a test says so. */
function createShare() {
  const clock = { ms: 0 };
  return { clock, share: new LoopShare(() => clock.ms) };
}

describe('the loop', () => {
  it('is given at once while nobody waits and the slice lasts, and at a later iteration after it', async () => {
    const { clock, share } = createShare();
    const account = share.open('a', 'work');
    expect(share.turn(account)).toBeUndefined();
    clock.ms += 10;
    let other = false;
    setImmediate(() => {
      other = true;
    });
    const turn = share.turn(account);
    expect(turn).toBeInstanceOf(Promise);
    await turn;
    expect(other).toBe(true);
  });

  it('is counted for whoever used it, with the promises that the work resolves', async () => {
    const { clock, share } = createShare();
    const [one, two] = [share.open('a', 'one'), share.open('b', 'two')];
    await share.later(one);
    clock.ms += 3;
    await null;
    clock.ms += 4;
    await share.later(two);
    clock.ms += 5;
    await tick();
    clock.ms += 100;
    share.enter(one);
    expect([one.ms, two.ms]).toEqual([7, 5]);
  });

  it('is remembered for work of no party, without the pieces of parties in it, and delays no party', async () => {
    const { clock, share } = createShare();
    const account = share.open('a', 'work');
    share.note('claiming', () => {
      clock.ms += 30;
      share.measure('b', 'masking', () => {
        clock.ms += 25;
      });
    });
    expect(share.longestSince(0)).toEqual({ what: 'claiming', party: null, ms: 30, endedAtMs: 55 });
    share.measure('b', 'masking', () => {
      clock.ms += 40;
    });
    expect(share.longestSince(0)).toMatchObject({ what: 'masking', party: 'b', ms: 40 });
    // Time of the account counts again after `note`.
    share.enter(account);
    clock.ms += 2;
    share.note('relaying', () => {
      clock.ms += 100;
    });
    clock.ms += 3;
    await tick();
    expect(account.ms).toBe(5);
  });

  it('goes first to the party that used least, however many pieces another one has', async () => {
    const { clock, share } = createShare();
    const order: string[] = [];
    const wait = (account: Account, ms: number) =>
      share.later(account).then(() => {
        order.push(account.party);
        clock.ms += ms;
      });
    const [many, few] = [share.open('many', 'work'), share.open('few', 'work')];
    const all = [...Array.from({ length: 100 }, () => wait(many, 5)), ...Array.from({ length: 5 }, () => wait(few, 1))];
    await Promise.all(all);
    // One piece of the party `many` costs as much as the five pieces of the party `few`.
    expect(order.slice(0, 6).filter((party) => party === 'few')).toHaveLength(5);
    expect(order).toHaveLength(105);
  });

  it('is refused to what waited for others too long, and not to what waited for itself', async () => {
    const { clock, share } = createShare();
    const busy = share.open('a', 'work');
    const own = share.open('b', 'work', 50);
    const parts = Array.from({ length: 4 }, () => share.later(own).then(() => (clock.ms += 20)));
    await Promise.all(parts);
    const late = share.later(own);
    late.catch(() => {});
    share.enter(busy);
    clock.ms += 60;
    await expect(late).rejects.toThrow(NoSlotError);
  });

  it('is refused to what nobody needs any more, except between two writes', async () => {
    const { share } = createShare();
    const [read, write] = [share.open('a', 'read'), share.open('a', 'write')];
    read.isOver = true;
    write.isOver = true;
    write.mustEnd = true;
    await expect(share.turn(read)).rejects.toThrow(NoSlotError);
    await share.turn(write);
  });

  it('knows whether a party is alone, also beside others that are only seen', () => {
    const { clock, share } = createShare();
    const account = share.open('a', 'work');
    share.enter(account);
    // Others may be about to come.
    expect(share.isAlone({ party: 'a' })).toBe(false);
    clock.ms += 1_001;
    expect(share.isAlone({ party: 'a' })).toBe(true);
    share.see('b');
    share.enter(account);
    expect(share.isAlone({ party: 'a' })).toBe(false);
    clock.ms += 1_001;
    share.see('a');
    expect([share.isAlone({ party: 'a' }), share.isAlone({ party: 'b' })]).toEqual([true, false]);
  });

  it('comes at once to a party that is alone, also while its own pieces wait, but not while those of others do', async () => {
    const { clock, share } = createShare();
    const [own, further] = [share.open('a', 'work'), share.open('a', 'work')];
    share.enter(own);
    clock.ms += 1_001;
    const waiting = share.later(own);
    expect(share.turnBesideOthers(further)).toBeUndefined();
    const other = share.later(share.open('b', 'work'));
    const late = share.turnBesideOthers(further);
    expect(late).toBeInstanceOf(Promise);
    await Promise.all([waiting, other, late]);
  });

  it('says what ran longest of late', async () => {
    const { clock, share } = createShare();
    share.measure('a', 'long work', () => (clock.ms += 300));
    share.measure('b', 'short work', () => (clock.ms += 30));
    expect(share.longestSince(0)).toEqual({ what: 'long work', party: 'a', ms: 300, endedAtMs: 300 });
    expect(share.longestSince(301)).toBeNull();
  });
});
