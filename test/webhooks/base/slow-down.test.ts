// Tests which responses ask to slow down, and how long they ask to wait.
import { expect, it } from 'vitest';
import { readSlowDown } from '../../../src/webhooks/base/slow-down.js';
import { retryAfterMs } from '../../../src/webhooks/verdict/retry-delay.js';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const asked = (headers: Record<string, string>) => retryAfterMs(readSlowDown(429, headers)?.retryAfter, NOW);

it('429 asks to slow down, 503 with Retry-After alone, and other statuses only where the sender knows', () => {
  expect(readSlowDown(429, {})).toEqual({});
  expect(readSlowDown(503, { 'retry-after': '7' })).toEqual({ retryAfter: '7' });
  expect(readSlowDown(503, { 'retry-after': ' ' })).toBeNull();
  expect(readSlowDown(503, { 'ratelimit-reset': '7' })).toBeNull();
  expect(readSlowDown(500, { 'retry-after': '7' })).toBeNull();
  expect(readSlowDown(400, {}, true)).toEqual({});
});

it.each<[string, Record<string, string>, number | null]>([
  ['Retry-After before any other', { 'retry-after': '7', 'ratelimit-reset': '90' }, 7_000],
  ['RateLimit-Reset', { 'ratelimit-limit': '100', 'ratelimit-remaining': '0', 'ratelimit-reset': '30' }, 30_000],
  ['RateLimit of draft 7', { ratelimit: 'limit=100, remaining=0, reset=30' }, 30_000],
  ['RateLimit of draft 10', { ratelimit: '"default";r=0;t=30' }, 30_000],
  ['RateLimit, of the quotas that are used up', { ratelimit: '"burst";r=0;t=2, "hour;t=9";r=0;t=50, "day";r=12;t=40000' }, 50_000],
  ['X-RateLimit-Reset as a moment in seconds', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW / 1000 + 45) }, 45_000],
  ['X-RateLimit-Reset as a moment in milliseconds', { 'x-ratelimit-reset': String(NOW + 45_500) }, 45_500],
  ['X-RateLimit-Reset as seconds to wait', { 'x-ratelimit-reset': '45' }, 45_000],
  ['X-RateLimit-Reset as a date', { 'x-ratelimit-reset': '2026-11-22T12:00:45Z' }, 45_000],
  ['X-Rate-Limit-Reset', { 'x-rate-limit-reset': String(NOW / 1000 + 45) }, 45_000],
  ['X-RateLimit-Reset-After', { 'x-ratelimit-reset-after': '1.5', 'x-ratelimit-reset': String(NOW / 1000 + 45) }, 1_500],
  ['Retry-After-Ms', { 'retry-after-ms': '2500' }, 2_500],
  ['X-MS-Retry-After-MS', { 'x-ms-retry-after-ms': '2500' }, 2_500],
  ['nothing where requests remain', { 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': '45' }, null],
  ['nothing where requests remain, by RateLimit', { ratelimit: '"default";r=3;t=30' }, null],
  ['nothing of what is unreadable', { 'x-ratelimit-reset': 'soon', 'retry-after-ms': '-', ratelimit: 'r, t' }, null],
  ['no moment that time does not have', { 'x-ratelimit-reset': '9'.repeat(30) }, 8.64e15 - NOW],
])('reads %s', (_, headers, expected) => {
  expect(asked(headers)).toBe(expected);
});
