import { expect, it } from 'vitest';
import { Lanes } from '../../../src/webhooks/send/lanes.js';

const A = 'https://a.example';

it('lets in as many as there is room for, and the others in order when somebody leaves', async () => {
  const lanes = new Lanes(2);
  const told: number[] = [];
  const wait = (number: number) => lanes.enter(A)?.then((isOpen) => isOpen && told.push(number));
  expect([lanes.enter(A), lanes.enter(A)]).toEqual([null, null]);
  const waiting = [wait(1), wait(2), wait(3)];
  expect(lanes.enter('https://b.example')).toBeNull();
  lanes.leave(A);
  await waiting[0];
  expect(told).toEqual([1]);
  lanes.leave(A);
  lanes.leave(A);
  await Promise.all(waiting);
  expect(told).toEqual([1, 2, 3]);
  lanes.leave(A);
  expect(lanes.enter(A)).toBeNull();
});

it('tells those who wait when it closes, and lets those end who are in', async () => {
  const lanes = new Lanes(1);
  expect(lanes.enter(A)).toBeNull();
  const waiting = lanes.enter(A);
  lanes.close();
  expect(await waiting).toBe(false);
  expect(await lanes.enter(A)).toBe(false);
  lanes.leave(A);
  expect(lanes.enter(A)).toBeNull();
});
