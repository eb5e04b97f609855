import { afterEach, expect, it, vi } from 'vitest';
import { Lanes } from '../../../../src/webhooks/destinations/https/origin-slots.js';

const A = 'https://a.example';

afterEach(() => void vi.useRealTimers());

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

it('lets those who wait in together, when there is room for all of them or after a moment', async () => {
  vi.useFakeTimers();
  const lanes = new Lanes(3);
  for (let i = 0; i < 3; i++) lanes.enter(A);
  const told: number[] = [];
  for (const number of [1, 2, 3]) void lanes.enter(A)?.then(() => told.push(number));
  const leave = async (count: number) => {
    for (let i = 0; i < count; i++) lanes.leave(A);
    await vi.advanceTimersByTimeAsync(0);
    return told.length;
  };
  expect(await leave(2)).toBe(0);
  expect(await leave(1)).toBe(3);
  for (const number of [4, 5, 6]) void lanes.enter(A)?.then(() => told.push(number));
  expect(await leave(2)).toBe(3);
  await vi.advanceTimersByTimeAsync(5);
  expect(told).toEqual([1, 2, 3, 4, 5]);
});
