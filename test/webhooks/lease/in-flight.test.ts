// Tests the counts of deliveries in progress.
import { expect, it } from 'vitest';
import { InFlight } from '../../../src/webhooks/lease/in-flight.js';

it('counts a slot in all, for its subscription and at its host until it is released', () => {
  const inFlight = new InFlight();
  const slots = [inFlight.take('a', 'host'), inFlight.take('a', 'host'), inFlight.take('b', 'host')];
  expect([inFlight.total, inFlight.of('a'), inFlight.of('b'), inFlight.at('host')]).toEqual([3, 2, 1, 3]);
  for (const slot of slots) inFlight.release(slot);
  expect([inFlight.total, inFlight.of('a'), inFlight.of('b'), inFlight.at('host')]).toEqual([0, 0, 0, 0]);
});

it('counts slots of unknown hosts together, and at their host once it is known', () => {
  const inFlight = new InFlight();
  const early = inFlight.take('a', undefined);
  inFlight.take('a', undefined);
  const other = inFlight.take('b', undefined);
  expect([inFlight.at(undefined), inFlight.at('host')]).toEqual([3, 0]);
  inFlight.learnHosts((id) => (id === 'a' ? 'host' : undefined));
  expect([inFlight.at(undefined), inFlight.at('host'), inFlight.of('a')]).toEqual([1, 2, 2]);
  inFlight.release(early);
  inFlight.release(other);
  inFlight.learnHosts(() => 'host');
  expect([inFlight.total, inFlight.at(undefined), inFlight.at('host')]).toEqual([1, 0, 1]);
});
