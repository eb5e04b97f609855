import { afterEach, expect, it, vi } from 'vitest';
import { OriginSlots } from '../../../../src/webhooks/destinations/https/origin-slots.js';

const A = 'https://a.example';

afterEach(() => void vi.useRealTimers());

it('gives free slots at once, and released slots in the order of the requests', async () => {
  const slots = new OriginSlots(2);
  const started: number[] = [];
  const wait = (number: number) => slots.take(A)?.then((isOpen) => isOpen && started.push(number));
  expect([slots.take(A), slots.take(A)]).toEqual([null, null]);
  const waiting = [wait(1), wait(2), wait(3)];
  expect(slots.take('https://b.example')).toBeNull();
  slots.release(A);
  await waiting[0];
  expect(started).toEqual([1]);
  slots.release(A);
  slots.release(A);
  await Promise.all(waiting);
  expect(started).toEqual([1, 2, 3]);
  slots.release(A);
  expect(slots.take(A)).toBeNull();
});

it('refuses waiting requests when it closes, and lets requests in progress end', async () => {
  const slots = new OriginSlots(1);
  expect(slots.take(A)).toBeNull();
  const waiting = slots.take(A);
  slots.close();
  expect(await waiting).toBe(false);
  expect(await slots.take(A)).toBe(false);
  slots.release(A);
  expect(slots.take(A)).toBeNull();
});

it('starts waiting requests together, when there are slots for all of them or after 5 ms', async () => {
  vi.useFakeTimers();
  const slots = new OriginSlots(3);
  for (let i = 0; i < 3; i++) slots.take(A);
  const started: number[] = [];
  for (const number of [1, 2, 3]) void slots.take(A)?.then(() => started.push(number));
  const release = async (count: number) => {
    for (let i = 0; i < count; i++) slots.release(A);
    await vi.advanceTimersByTimeAsync(0);
    return started.length;
  };
  expect(await release(2)).toBe(0);
  expect(await release(1)).toBe(3);
  for (const number of [4, 5, 6]) void slots.take(A)?.then(() => started.push(number));
  expect(await release(2)).toBe(3);
  await vi.advanceTimersByTimeAsync(5);
  expect(started).toEqual([1, 2, 3, 4, 5]);
});
