import { describe, expect, it } from 'vitest';
import { clampRetryAfterMs, RETRIES, retryDelayMs } from '../../../src/webhooks/verdict/retry-delay.js';

describe('retryDelayMs', () => {
  it('waits n⁴ + 15 + rand(0..30)·(n+1) seconds', () => {
    expect(retryDelayMs(0, 0)).toBe(15_000);
    expect(retryDelayMs(0, 0.9999)).toBe(45_000);
    expect(retryDelayMs(3, 0)).toBe((81 + 15) * 1000);
    expect(retryDelayMs(3, 0.9999)).toBe((81 + 15 + 30 * 4) * 1000);
    expect(retryDelayMs(3, 0.5)).toBe((81 + 15 + 15 * 4) * 1000);
  });

  it('adds up to about 21 days over 25 retries', () => {
    const days = Array.from({ length: RETRIES }, (_, n) => retryDelayMs(n, 0.5)).reduce((sum, ms) => sum + ms, 0) / 86_400_000;
    expect(days).toBeGreaterThan(20);
    expect(days).toBeLessThan(22);
  });
});

describe('clampRetryAfterMs', () => {
  const now = Date.parse('2026-11-22T12:00:00Z');

  it.each([
    ['nothing', undefined, 20_000],
    ['less than the step', '1', 20_000],
    ['between', '30', 30_000],
    ['more than twice the step', '9999', 40_000],
    ['a date', 'Sun, 22 Nov 2026 12:00:25 GMT', 25_000],
    ['a past date', 'Sun, 22 Nov 2020 12:00:25 GMT', 20_000],
    ['something unreadable', 'soon', 20_000],
  ])('clamps %s to one to two times the step', (_, value, expected) => {
    expect(clampRetryAfterMs(value, 20_000, now)).toBe(expected);
  });
});
