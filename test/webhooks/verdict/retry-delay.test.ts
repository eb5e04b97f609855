import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clampRetryAfterMs, RETRIES, retryAfterMs, retryDelayMs } from '../../../src/webhooks/verdict/retry-delay.js';

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

describe.each(['UTC', 'America/New_York'])('Retry-After on a machine in %s', (zone) => {
  beforeEach(() => void vi.stubEnv('TZ', zone));
  afterEach(() => void vi.unstubAllEnvs());
  const now = Date.parse('2026-11-22T12:00:00Z');

  it.each([
    ['nothing', undefined, null, 20_000],
    ['less than the step', '1', 1_000, 20_000],
    ['seconds', '60', 60_000, 60_000],
    ['more than an hour', '9999', 9_999_000, 3_600_000],
    ['a date', 'Sun, 22 Nov 2026 12:00:25 GMT', 25_000, 25_000],
    ['a past date', 'Sun, 22 Nov 2020 12:00:25 GMT', 0, 20_000],
    ['something unreadable', 'soon', null, 20_000],
    ['a fraction of seconds', ' 30.5 ', 30_500, 30_500],
    ['a negative number', '-5', 0, 20_000],
    ['several values', '60, 120', 120_000, 120_000],
    ['more than any number', '9'.repeat(400), Number.MAX_SAFE_INTEGER, 3_600_000],
    ['numbers that are none', '1.2.3, -', null, 20_000],
    ['a unit', '60s', null, 20_000],
    ['a date of RFC 850', 'Sunday, 22-Nov-26 12:00:25 GMT', 25_000, 25_000],
    ['a date of asctime, which is in UTC', 'Sun Nov 22 12:00:25 2026', 25_000, 25_000],
    ['a moment', '2026-11-22T14:00:25+02:00', 25_000, 25_000],
    ['a moment without a zone', '2026-11-22T12:00:25', 25_000, 25_000],
  ])('of %s is read, and heeded from the step to an hour', (_, value, asked, waits) => {
    expect(retryAfterMs(value, now)).toBe(asked);
    expect(clampRetryAfterMs(retryAfterMs(value, now), 20_000)).toBe(waits);
  });

  it('is heeded up to twice a step that is more than half an hour', () => {
    expect(clampRetryAfterMs(86_400_000, 7_200_000)).toBe(14_400_000);
  });
});
