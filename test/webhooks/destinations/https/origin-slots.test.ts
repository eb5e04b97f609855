import { afterEach, expect, it, vi } from 'vitest';
import { OriginSlots } from '../../../../src/webhooks/destinations/https/origin-slots.js';
import { until } from '../../../support/until.js';

const A = 'https://a.example';
const ACME = 'acme';

afterEach(() => void vi.useRealTimers());

it('gives free slots at once, and released slots in the order of the requests', async () => {
  const slots = new OriginSlots(2);
  const started: number[] = [];
  const wait = (number: number) => slots.take(A, ACME)?.then((isOpen) => isOpen && started.push(number));
  expect([slots.take(A, ACME), slots.take(A, ACME)]).toEqual([null, null]);
  const waiting = [wait(1), wait(2), wait(3)];
  expect(slots.take('https://b.example', ACME)).toBeNull();
  slots.release(A, ACME);
  await waiting[0];
  expect(started).toEqual([1]);
  slots.release(A, ACME);
  slots.release(A, ACME);
  await Promise.all(waiting);
  expect(started).toEqual([1, 2, 3]);
  slots.release(A, ACME);
  expect(slots.take(A, ACME)).toBeNull();
});

it('refuses waiting requests when it closes, and lets requests in progress end', async () => {
  const slots = new OriginSlots(1);
  expect(slots.take(A, ACME)).toBeNull();
  const waiting = slots.take(A, ACME);
  slots.close();
  expect(await waiting).toBe(false);
  expect(await slots.take(A, ACME)).toBe(false);
  slots.release(A, ACME);
  expect(slots.take(A, ACME)).toBeNull();
});

it('starts waiting requests together, when there are slots for all of them or after 5 ms', async () => {
  vi.useFakeTimers();
  const slots = new OriginSlots(3);
  for (let i = 0; i < 3; i++) slots.take(A, ACME);
  const started: number[] = [];
  for (const number of [1, 2, 3]) void slots.take(A, ACME)?.then(() => started.push(number));
  const release = async (count: number) => {
    for (let i = 0; i < count; i++) slots.release(A, ACME);
    await vi.advanceTimersByTimeAsync(0);
    return started.length;
  };
  expect(await release(2)).toBe(0);
  expect(await release(1)).toBe(3);
  for (const number of [4, 5, 6]) void slots.take(A, ACME)?.then(() => started.push(number));
  expect(await release(2)).toBe(3);
  await vi.advanceTimersByTimeAsync(5);
  expect(started).toEqual([1, 2, 3, 4, 5]);
});

it('keeps slots for a tenant that comes while another one holds all it may', async () => {
  const slots = new OriginSlots(10);
  const waiting = Array.from({ length: 20 }, () => slots.take(A, ACME));
  expect(waiting.filter((slot) => slot === null)).toHaveLength(10);
  expect(slots.take(A, 'globex')).toBeNull();
  expect(slots.take(A, 'initech')).toBeNull();
  expect(slots.take(A, 'hooli')).not.toBeNull();
});

it('starts the request of the waiting tenant that holds the fewest slots', async () => {
  const slots = new OriginSlots(7);
  const started: string[] = [];
  const take = (tenant: string) => void slots.take(A, tenant)?.then((isOpen) => isOpen && started.push(tenant));
  for (let i = 0; i < 12; i++) take(ACME);
  for (let i = 0; i < 3; i++) take('globex');
  for (let i = 0; i < 3; i++) take('initech');
  for (let i = 0; i < 5; i++) slots.release(A, ACME);
  await until('three have started', () => started.length === 3);
  expect(started).toEqual(['globex', 'initech', ACME]);
});

it('forgets an origin and its tenants when nothing is in progress', async () => {
  const slots = new OriginSlots(1);
  expect([slots.take(A, ACME), slots.take(A, 'globex')]).toEqual([null, null]);
  const waiting = slots.take(A, 'initech');
  for (const tenant of [ACME, 'globex']) slots.release(A, tenant);
  expect(await waiting).toBe(true);
  slots.release(A, 'initech');
  expect([slots.take(A, ACME), slots.take(A, 'globex')]).toEqual([null, null]);
});
