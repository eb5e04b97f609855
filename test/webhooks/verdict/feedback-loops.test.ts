// Tests when a node counts as being in a feedback loop, and how long its notifications wait.
import { expect, it } from 'vitest';
import { FeedbackLoops, ROUNDS } from '../../../src/webhooks/verdict/feedback-loops.js';
import { ANSWERED_WITHIN_MS } from '../../../src/webhooks/verdict/loop-probe.js';

const START = 1_800_000_000_000;
const of = (id: number, createdAtMs: number, nodeKey = '7') => ({
  id: String(id),
  subscriptionId: 's',
  typename: 'Space',
  nodeKey,
  createdAtMs,
});

/** Claims `rounds` deliveries, each 10 ms after its creation and created `gapMs` after the last was sent. Returns time and waits. */
function turn(loops: FeedbackLoops, rounds: number, gapMs = 30): { nowMs: number; waits: (number | undefined)[] } {
  let nowMs = START;
  const waits: (number | undefined)[] = [];
  for (let id = 0; id < rounds; id++) {
    const createdAtMs = nowMs + gapMs;
    nowMs = createdAtMs + 10;
    const slowed = loops.check(of(id, createdAtMs), nowMs);
    waits.push(slowed?.waitMs);
    if (!slowed) continue;
    nowMs += slowed.waitMs;
    expect(loops.check(of(id, createdAtMs), nowMs)).toBeNull();
  }
  return { nowMs, waits };
}

it('a node whose notifications cause the next ones waits from the 30th round on, longer and longer, up to a minute', () => {
  const { waits } = turn(new FeedbackLoops(), ROUNDS + 9);
  expect(waits.slice(0, ROUNDS).filter(Boolean)).toEqual([]);
  expect(waits.slice(ROUNDS)).toEqual([990, 1990, 3990, 7990, 15_990, 31_990, 59_990, 59_990, 59_990]);
});

it('tells a loop once as new', () => {
  const loops = new FeedbackLoops();
  const { nowMs } = turn(loops, ROUNDS);
  expect(loops.check(of(100, nowMs + 1), nowMs + 2)).toMatchObject({ isNew: true });
  expect(loops.check(of(100, nowMs + 1), nowMs + 2000)).toBeNull();
  expect(loops.check(of(101, nowMs + 2001), nowMs + 2002)).toMatchObject({ isNew: false });
});

it('is none where the changes come rarely, or without waiting for the notification, or about other nodes', () => {
  expect(turn(new FeedbackLoops(), 3 * ROUNDS, ANSWERED_WITHIN_MS).waits.filter(Boolean)).toEqual([]);
  const loops = new FeedbackLoops();
  for (let id = 0; id < 3 * ROUNDS; id++) expect(loops.check(of(id, START + id * 10), START + id * 10 + 15)).toBeNull();
  for (let id = 0; id < 3 * ROUNDS; id++) expect(loops.check(of(id, START + id * 30, String(id)), START + id * 30 + 10)).toBeNull();
});

it('ends when another change comes while one waits', () => {
  const loops = new FeedbackLoops();
  const { nowMs } = turn(loops, ROUNDS);
  expect(loops.check(of(100, nowMs + 1), nowMs + 2)).not.toBeNull();
  expect(loops.check(of(101, nowMs + 100), nowMs + 101)).toBeNull();
});

it('makes a delivery wait once, whichever worker claims it next', () => {
  const [one, other] = [new FeedbackLoops(), new FeedbackLoops()];
  const { nowMs } = turn(one, ROUNDS);
  turn(other, ROUNDS);
  const delivery = of(100, nowMs + 1);
  const { waitMs = 0 } = one.check(delivery, nowMs + 2) ?? {};
  expect(waitMs).toBeGreaterThan(900);
  expect(other.check(delivery, nowMs + 2 + waitMs)).toBeNull();
});

it('an acquitted node begins again', () => {
  const loops = new FeedbackLoops();
  const { nowMs } = turn(loops, ROUNDS);
  const delivery = of(100, nowMs + 1);
  expect(loops.check(delivery, nowMs + 2)).not.toBeNull();
  loops.acquit(delivery, nowMs + 2);
  expect(loops.check(of(101, nowMs + 3), nowMs + 4)).toBeNull();
});
