// Tests the order in which subscriptions are claimed, and how long a cursor is valid.
import { expect, it } from 'vitest';
import type { Target } from '../../../src/webhooks/lease/in-flight.js';
import { Entry, RoundRobin } from '../../../src/webhooks/lease/round-robin.js';

const CURSOR = { dueAt: '2026-11-26 05:00:00+00', id: '1' };
const LATER = { dueAt: '2026-11-26 05:00:01+00', id: '2' };

const TARGETS = new Map<string, Target>();
function at(host: string): Target {
  const target = TARGETS.get(host) ?? { host, tenant: 'acme' };
  TARGETS.set(host, target);
  return target;
}
const targetOf = (host: string | undefined) => (host === undefined ? undefined : at(host));

const orderOf = (waiting: RoundRobin): string[] => {
  waiting.learnTargets();
  return [...waiting.byTarget()].map(([target, queue]) => `${target?.host ?? 'unknown'}: ${[...queue].map(([id]) => id).join(' ')}`);
};
const entryOf = (waiting: RoundRobin, host: string | undefined, id: string): Entry =>
  new Map(waiting.byTarget()).get(targetOf(host))?.get(id) as Entry;

it('moves a claimed subscription to the back, and its host too', () => {
  const waiting = new RoundRobin((id) => at(id.slice(0, 1)));
  for (const id of ['a1', 'a2', 'b1', 'c1']) waiting.wake(id);
  expect(orderOf(waiting)).toEqual(['a: a1 a2', 'b: b1', 'c: c1']);
  const first = entryOf(waiting, 'a', 'a1');
  waiting.advance('a1', first, first.next(CURSOR, null, 0));
  expect(orderOf(waiting)).toEqual(['b: b1', 'c: c1', 'a: a2 a1']);
  expect(entryOf(waiting, 'a', 'a1').cursorAt(0)).toEqual(CURSOR);
  waiting.advance('b1', entryOf(waiting, 'b', 'b1'), null);
  expect(orderOf(waiting)).toEqual(['c: c1', 'a: a2 a1']);
  expect(waiting.size).toBe(3);
});

it('keeps a subscription that was woken during its claim, and starts at the head of its queue', () => {
  const waiting = new RoundRobin(() => at('host'));
  waiting.wake('one');
  const had = entryOf(waiting, 'host', 'one');
  waiting.wake('one');
  waiting.advance('one', had, null);
  expect(orderOf(waiting)).toEqual(['host: one']);
  expect(entryOf(waiting, 'host', 'one').cursorAt(0)).toBeNull();
});

it('follows a host that becomes known, or changes', () => {
  const hosts = new Map([['b', 'host']]);
  const waiting = new RoundRobin((id) => targetOf(hosts.get(id)));
  for (const id of ['a', 'b', 'c', 'd']) waiting.wake(id);
  expect(orderOf(waiting)).toEqual(['unknown: a c d', 'host: b']);
  for (const id of ['a', 'c']) hosts.set(id, 'host');
  expect(orderOf(waiting)).toEqual(['unknown: d', 'host: b a c']);
  for (const id of ['a', 'b']) hosts.set(id, 'elsewhere');
  waiting.wake('a');
  const had = entryOf(waiting, 'host', 'b');
  waiting.advance('b', had, had.next(CURSOR, null, 0));
  expect(orderOf(waiting)).toEqual(['unknown: d', 'elsewhere: a b', 'host: c']);
  expect(waiting.size).toBe(4);
});

it('drops a cursor a second after the first one, however often it moved', () => {
  const first = new Entry().next(CURSOR, null, 10_000);
  expect(first.cursorAt(11_000)).toEqual(CURSOR);
  const second = first.next(LATER, first.cursorAt(10_900), 11_100);
  expect(second.cursorAt(11_100)).toBeNull();
  expect(second.next(CURSOR, second.cursorAt(11_100), 11_200).cursorAt(12_200)).toEqual(CURSOR);
});
