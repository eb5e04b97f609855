// Tests when a loop of a worker counts as stuck.
import { expect, it } from 'vitest';
import { createLoops } from '../../../src/webhooks/base/loops.js';

const STALL_MS = 5_000;

it('calls a loop stuck when it has not completed for its interval and a while', () => {
  let nowMs = 0;
  const loops = createLoops(STALL_MS, () => nowMs);
  const relay = loops.start('relay', 0);
  const capture = loops.start('capture', 60_000);
  const stuck = () => loops.states().flatMap(({ name, isStalled }) => (isStalled ? [name] : []));
  nowMs = STALL_MS;
  expect(stuck()).toEqual([]);
  nowMs += 1;
  expect(stuck()).toEqual(['relay']);
  relay.completed();
  expect(loops.states()).toEqual([
    { name: 'relay', ageMs: 0, isStalled: false },
    { name: 'capture', ageMs: STALL_MS + 1, isStalled: false },
  ]);
  nowMs = 60_001 + STALL_MS;
  expect(stuck()).toEqual(['relay', 'capture']);
  relay.rests();
  expect(loops.states()[0]).toEqual({ name: 'relay', ageMs: 0, isStalled: false });
  relay.ended();
  capture.ended();
  expect(loops.states()).toEqual([]);
});

it('keeps a loop that another worker of this process started meanwhile', () => {
  const loops = createLoops(STALL_MS, () => 0);
  const first = loops.start('relay', 0);
  loops.start('relay', 0);
  first.ended();
  expect(loops.states()).toHaveLength(1);
});
