// Tests the counts of deliveries in progress.
import { expect, it } from 'vitest';
import { InFlight, type Target } from '../../../src/webhooks/lease/in-flight.js';

const TARGET: Target = { host: 'host', tenant: 'acme' };
const at = (inFlight: InFlight, target: Target | undefined) => new Map(inFlight.targets()).get(target) ?? 0;

it('counts a slot in all, for its subscription and at its target until it is released', () => {
  const inFlight = new InFlight();
  const slots = [inFlight.take('a', TARGET), inFlight.take('a', TARGET), inFlight.take('b', TARGET)];
  expect([inFlight.total, inFlight.of('a'), inFlight.of('b'), at(inFlight, TARGET)]).toEqual([3, 2, 1, 3]);
  for (const slot of slots) inFlight.release(slot);
  expect([inFlight.total, inFlight.of('a'), inFlight.of('b'), at(inFlight, TARGET)]).toEqual([0, 0, 0, 0]);
});

it('counts slots of unknown targets together, and at their target once it is known', () => {
  const inFlight = new InFlight();
  const early = inFlight.take('a', undefined);
  inFlight.take('a', undefined);
  const other = inFlight.take('b', undefined);
  expect([at(inFlight, undefined), at(inFlight, TARGET)]).toEqual([3, 0]);
  inFlight.learnTargets((id) => (id === 'a' ? TARGET : undefined));
  expect([at(inFlight, undefined), at(inFlight, TARGET), inFlight.of('a')]).toEqual([1, 2, 2]);
  inFlight.release(early);
  inFlight.release(other);
  inFlight.learnTargets(() => TARGET);
  expect([inFlight.total, at(inFlight, undefined), at(inFlight, TARGET)]).toEqual([1, 0, 1]);
});
