import { describe, expect, it } from 'vitest';
import {
  CIRCUIT_FAILURES,
  limited,
  mergePaceOutcomes,
  nextPace,
  type Pace,
  type PaceOutcome,
  paceAfterDisabled,
  probePauseMs,
  roomOf,
} from '../../../src/webhooks/base/pace.js';

const OK: PaceOutcome = { slowMs: null, opens: false, delivered: 1 };
const FAILED: PaceOutcome = { slowMs: null, opens: true, probed: true, delivered: 0 };
const slow = (slowMs: number): PaceOutcome => ({ slowMs, opens: false, delivered: 0 });
const T = 1_000_000_000;

/** Simulates sending to a receiver by these rules only, with a simulated clock. */
function simulate({
  seconds,
  takes,
  waitMs = 60_000,
}: {
  seconds: number;
  takes: (sentWithinSecond: number, nowMs: number) => 'OK' | 'SLOW' | 'FAIL';
  waitMs?: number;
}) {
  let pace = nextPace(null, slow(waitMs), T);
  let bucket = { allowance: 1, refilledAtMs: T };
  const sent: { at: number; came: string }[] = [];
  for (let now = T; now < T + seconds * 1000; now += 50) {
    if (pace === null) return { sent, pace };
    const { room, allowance } = roomOf(pace, bucket, 0, now);
    bucket = { allowance: allowance - room, refilledAtMs: now };
    for (let i = 0; i < room; i++) {
      const came = takes(sent.filter(({ at }) => at > now - 1000).length, now);
      sent.push({ at: now, came });
      pace = nextPace(pace, came === 'OK' ? OK : came === 'SLOW' ? slow(waitMs) : FAILED, now) ?? pace;
    }
  }
  return { sent, pace };
}

describe('a receiver that asks to slow down', () => {
  it('is left alone for as long as it asked, at least a second and at most an hour', () => {
    expect(nextPace(null, slow(60_000), T)).toMatchObject({ state: 'SLOWED', resumeAtMs: T + 60_000, perSecond: 1, throttledAtMs: T });
    expect(nextPace(null, slow(0), T)?.resumeAtMs).toBe(T + 1_000);
    expect(nextPace(null, slow(86_400_000), T)?.resumeAtMs).toBe(T + 3_600_000);
    const waiting = nextPace(null, slow(60_000), T) as Pace;
    expect(roomOf(waiting, { allowance: 1, refilledAtMs: T }, 0, T + 59_999).room).toBe(0);
    expect(roomOf(waiting, { allowance: 1, refilledAtMs: T }, 0, T + 60_000).room).toBe(1);
  });

  it('says so once, however many requests were under way', () => {
    const first = nextPace({ ...(nextPace(null, slow(1_000), T) as Pace), perSecond: 40 }, slow(5_000), T + 2_000) as Pace;
    expect(first).toMatchObject({ perSecond: 20, ceiling: 30 });
    const again = nextPace(first, slow(9_000), T + 2_100) as Pace;
    expect(again).toMatchObject({ perSecond: 20, ceiling: 30, resumeAtMs: T + 11_100 });
    expect(mergePaceOutcomes(slow(5), { ...FAILED, slowMs: 9 })).toEqual({ slowMs: 9, opens: true, probed: true, delivered: 0 });
  });

  it('and takes ten a second gets nearly that: 500 in four minutes, few refused', () => {
    const { sent, pace } = simulate({ seconds: 240, takes: (lately) => (lately < 10 ? 'OK' : 'SLOW') });
    expect(sent.filter(({ came }) => came === 'OK').length).toBeGreaterThan(500);
    expect(sent.filter(({ came }) => came === 'SLOW').length).toBeLessThan(8);
    expect(pace?.perSecond).toBeGreaterThan(3);
    expect(pace?.perSecond).toBeLessThan(12);
  });

  it('once, and takes everything afterwards, runs at full speed again within a minute', () => {
    const { sent, pace } = simulate({ seconds: 60, takes: () => 'OK', waitMs: 2_000 });
    expect(pace?.state === 'SLOWED' ? pace.perSecond : null).not.toBe(1);
    expect(sent.length).toBeGreaterThan(300);
  });
});

describe('a receiver that fails', () => {
  it('is probed with growing pauses', () => {
    expect([1, 2, 3, 4, 5, 6, 50].map(probePauseMs)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 25_000, 25_000]);
    const open = nextPace(null, FAILED, T) as Pace;
    expect(open).toMatchObject({ state: 'PROBING', resumeAtMs: T + 1_000, failures: 1 });
    expect(roomOf(open, { allowance: 9, refilledAtMs: T }, 0, T + 1_000).room).toBe(1);
    expect(roomOf(open, { allowance: 9, refilledAtMs: T }, 1, T + 1_000).room).toBe(0);
    // The outcome of another worker's earlier request changes nothing.
    expect(nextPace(open, { ...FAILED, probed: false }, T + 1_500)).toBe(open);
    expect(nextPace(open, FAILED, T + 1_500)).toMatchObject({ failures: 2, resumeAtMs: T + 3_500 });
  });

  it.each([
    ['at once', 20],
    ['after five seconds', 5_000],
  ])('%s for an hour has more than 100 errors in it, and no more than ten in its first twenty seconds', (_, takesMs) => {
    let pace = nextPace(null, FAILED, T) as Pace;
    const errors = Array<number>(CIRCUIT_FAILURES).fill(T);
    for (let now = T; now < T + 3_600_000; ) {
      now = pace.resumeAtMs + takesMs;
      errors.push(now);
      pace = nextPace(pace, FAILED, now) as Pace;
    }
    expect(errors.filter((at) => at < T + 3_600_000).length).toBeGreaterThan(100);
    expect(errors.filter((at) => at < T + 20_000).length).toBeLessThanOrEqual(10);
    expect(errors[100]).toBeGreaterThan(T + 30 * 60_000);
  });

  it('and works again goes on slowly, twice as fast each second, up to full speed', () => {
    let pace = nextPace(nextPace(null, FAILED, T), OK, T + 1_000);
    expect(pace).toMatchObject({ state: 'SLOWED', perSecond: 5, resumeAtMs: T + 1_000 });
    pace = nextPace(pace, OK, T + 2_000);
    expect(pace?.perSecond).toBe(10);
    for (let second = 3; second < 9 && pace; second++) pace = nextPace(pace, OK, T + second * 1_000);
    expect(pace).toBeNull();
  });

  it('again at some pace is not brought there at once the next time, and its pauses go on growing', () => {
    const working = { ...(nextPace(nextPace(null, FAILED, T), OK, T + 1_000) as Pace), perSecond: 40 };
    const open = nextPace(working, FAILED, T + 5_000) as Pace;
    expect(open).toMatchObject({ state: 'PROBING', failures: 2, ceiling: 30 });
  });
});

describe('a limit of the owner', () => {
  it('holds whatever else is found, and stays when that is over', () => {
    const own = limited({ perSecond: 10, concurrency: 3 }, T);
    expect(roomOf(own, { allowance: 1, refilledAtMs: T }, 0, T + 10_000).room).toBe(1);
    expect(roomOf({ ...own, limit: { perSecond: 500, concurrency: 3 } }, { allowance: 1, refilledAtMs: T }, 1, T + 10_000).room).toBe(2);
    expect(nextPace(own, OK, T)).toBe(own);
    const fast = { ...own, state: 'SLOWED' as const, perSecond: 190, changedAtMs: T };
    expect(nextPace(fast, OK, T + 1_000)).toMatchObject({ state: 'LIMITED', perSecond: null, limit: own.limit });
  });

  it('less than one a second spreads single deliveries', () => {
    const own = limited({ perSecond: 0.1, concurrency: null }, T);
    expect(roomOf(own, { allowance: 0, refilledAtMs: T }, 0, T + 9_000).room).toBe(0);
    expect(roomOf(own, { allowance: 0, refilledAtMs: T }, 0, T + 10_000).room).toBe(1);
  });
});

it('a subscription that a rule switched off starts slowly when it is enabled, and keeps waiting as it was told', () => {
  expect(paceAfterDisabled(null, null, T)).toMatchObject({ state: 'SLOWED', perSecond: 5, resumeAtMs: T });
  const told = nextPace(null, slow(60_000), T);
  expect(paceAfterDisabled(told, null, T + 1_000)).toMatchObject({ state: 'SLOWED', perSecond: 1, resumeAtMs: T + 60_000 });
});
