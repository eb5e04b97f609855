import { expect, it } from 'vitest';
import { type Turn, Turns } from '../../../src/webhooks/lease/round-robin.js';

const CURSOR = { dueAt: '2026-11-26 05:00:00+00', id: '1' };

const told = (turns: Turns): string[] =>
  [...turns.byHost()].map(([host, queue]) => `${host ?? 'unknown'}: ${[...queue].map(([id]) => id).join(' ')}`);
const turnOf = (turns: Turns, host: string | undefined, id: string): Turn => new Map(turns.queue(host)).get(id) as Turn;

it('sends whoever had a turn to the back, and its host too', () => {
  const turns = new Turns((id) => id.slice(0, 1));
  for (const id of ['a1', 'a2', 'b1', 'c1']) turns.wake(id);
  expect(told(turns)).toEqual(['a: a1 a2', 'b: b1', 'c: c1']);
  const first = turnOf(turns, 'a', 'a1');
  turns.end('a1', first, first.next(CURSOR));
  expect(told(turns)).toEqual(['b: b1', 'c: c1', 'a: a2 a1']);
  expect(turnOf(turns, 'a', 'a1').after()).toEqual(CURSOR);
  turns.end('b1', turnOf(turns, 'b', 'b1'), null);
  expect(told(turns)).toEqual(['c: c1', 'a: a2 a1']);
  expect(turns.size).toBe(3);
});

it('keeps one awake that was woken during its turn, and from the start of its queue', () => {
  const turns = new Turns(() => 'host');
  turns.wake('one');
  const had = turnOf(turns, 'host', 'one');
  turns.wake('one');
  turns.end('one', had, null);
  expect(told(turns)).toEqual(['host: one']);
  expect(turnOf(turns, 'host', 'one').after()).toBeNull();
});

it('follows a host that becomes known, or another one', () => {
  const hosts = new Map([['b', 'host']]);
  const turns = new Turns((id) => hosts.get(id));
  for (const id of ['a', 'b', 'c', 'd']) turns.wake(id);
  expect(told(turns)).toEqual(['unknown: a c d', 'host: b']);
  for (const id of ['a', 'c']) hosts.set(id, 'host');
  expect(told(turns)).toEqual(['unknown: d', 'host: b a c']);
  for (const id of ['a', 'b']) hosts.set(id, 'elsewhere');
  turns.wake('a');
  const had = turnOf(turns, 'host', 'b');
  turns.end('b', had, had.next(CURSOR));
  expect(told(turns)).toEqual(['unknown: d', 'elsewhere: a b', 'host: c']);
  expect(turns.size).toBe(4);
});
