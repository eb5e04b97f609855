// Tests when an owner's nodes count as being in an overlapping feedback loop, and how long their notifications wait.
import { expect, it } from 'vitest';
import { ANSWERED_WITHIN_MS, FIRST_PROBE_PAUSE_MS } from '../../../src/webhooks/verdict/loop-probe.js';
import { MANY, OverlappingLoops } from '../../../src/webhooks/verdict/overlapping-loops.js';

const START = 1_800_000_000_000;
const TEN_MINUTES = 600_000;

interface Due {
  id: number;
  subscriptionId: string;
  createdAtMs: number;
  dueMs: number;
}

/** Sends each delivery when due, and adds those that `onSent` returns. Returns the numbers of sends and waits, and the longest delay. */
function simulate(due: Due[], onSent: (sent: Due, nowMs: number) => Pick<Due, 'subscriptionId' | 'createdAtMs'>[] = () => []) {
  const loops = new OverlappingLoops();
  let [nextId, sent, longestMs, waits] = [due.length, 0, 0, 0];
  for (;;) {
    const next = due.reduce<Due | undefined>((first, one) => (first && first.dueMs <= one.dueMs ? first : one), undefined);
    if (next === undefined || next.dueMs > START + TEN_MINUTES) return { sent, longestMs, waits };
    const { id, subscriptionId, createdAtMs, dueMs: nowMs } = next;
    const slowed = loops.check({ id: String(id), subscriptionId, nodeKey: '1', createdAtMs }, 'owner', nowMs);
    if (slowed) {
      next.dueMs += slowed.waitMs;
      waits += 1;
      continue;
    }
    due.splice(due.indexOf(next), 1);
    sent += 1;
    longestMs = Math.max(longestMs, nowMs - createdAtMs);
    for (const added of onSent(next, nowMs)) due.push({ ...added, id: nextId++, dueMs: added.createdAtMs + 5 });
  }
}
const many = (count: number, gapMs: number): Due[] =>
  Array.from({ length: count }, (_, id) => ({
    ...{ id, subscriptionId: 's' },
    ...{ createdAtMs: START + id * gapMs, dueMs: START + id * gapMs + 20 },
  }));

it('a node whose notifications each cause two more is sent one at a time, with growing pauses', () => {
  const { sent } = simulate(many(1, 0), (_, nowMs) => [20, 25].map((ms) => ({ subscriptionId: 's', createdAtMs: nowMs + ms })));
  expect(sent).toBeGreaterThanOrEqual(MANY - 1);
  expect(sent).toBeLessThan(MANY + 20);
});

it('two nodes of which each notification causes one of both wait together', () => {
  const { sent } = simulate(many(1, 0), (_, nowMs) =>
    ['s', 'other'].map((subscriptionId, at) => ({ subscriptionId, createdAtMs: nowMs + 20 + at * 400 })),
  );
  expect(sent).toBeLessThan(3 * MANY);
});

it('many changes at once, of which none is an answer, wait once', () => {
  const { sent, longestMs } = simulate(many(10 * MANY, 1));
  expect(sent).toBe(10 * MANY);
  expect(longestMs).toBeLessThan(FIRST_PROBE_PAUSE_MS + ANSWERED_WITHIN_MS + 100);
});

it('changes that come one after the other without waiting for answers wait some seconds now and then', () => {
  const { sent, longestMs, waits } = simulate(many(10 * MANY, 10));
  expect(sent).toBe(10 * MANY);
  // The last deliveries wait longest, because no later ones follow them, which would show that they aren't answers.
  expect(longestMs).toBeLessThan(FIRST_PROBE_PAUSE_MS + ANSWERED_WITHIN_MS + 100);
  expect(waits).toBeLessThan(sent / 2);
});

it('changes that go on for minutes wait ever more rarely', () => {
  const [first, later] = [20 * MANY, 40 * MANY].map((count) => simulate(many(count, 50)).waits) as [number, number];
  expect(first).toBeGreaterThan(0);
  expect(later - first).toBeLessThan(first);
});

it('changes of a node that come rarely never wait', () => {
  expect(simulate(many(2 * MANY, ANSWERED_WITHIN_MS + 50)).waits).toBe(0);
});
