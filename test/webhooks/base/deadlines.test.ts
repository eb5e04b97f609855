// Tests which values are computed from the configured limits, and which limits are refused.
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/runtime/config.js';
import { VARIABLES } from '../../../src/runtime/config-variables.js';
import {
  BEGIN_WITHIN_MS,
  BOUNDS,
  deadlinesOf,
  LEAST_LEASE_MS,
  leaseMsOf,
  QUERY_WAIT_MS,
  RENDER_WAIT_MS,
} from '../../../src/webhooks/base/deadlines.js';

describe('the lease', () => {
  it('is 15 seconds where nothing is configured', () => {
    expect(deadlinesOf()).toMatchObject({ requestMs: 5000, connectMs: 4500, leaseMs: 15_000, probeLostMs: 20_000, perHost: 300 });
  });

  it.each([
    [100, 1],
    [5_000, 5_000],
    [60_000, 1],
    [1_000, 60_000],
    [60_000, 60_000],
  ])('outlasts an attempt with a request of %i ms and a query of %i ms', (requestMs, queryMs) => {
    const leaseMs = leaseMsOf({ requestMs, queryMs });
    expect(leaseMs).toBeGreaterThanOrEqual(BEGIN_WITHIN_MS + QUERY_WAIT_MS + queryMs + RENDER_WAIT_MS);
    expect(leaseMs).toBeGreaterThan(BEGIN_WITHIN_MS + requestMs + RENDER_WAIT_MS);
    expect(leaseMs).toBeGreaterThanOrEqual(LEAST_LEASE_MS);
  });
});

describe('limits', () => {
  it('follow the value that they are a part of', () => {
    expect(deadlinesOf({ requestMs: 1_000 }).connectMs).toBe(900);
    expect(deadlinesOf({ inProgress: 100 }).perSubscription).toBe(100);
    expect(deadlinesOf({ perOrigin: 5 }).perHost).toBe(8);
    expect(deadlinesOf({ queryMs: 1_000 }).queryDeadlineMs).toBe(1_000 + QUERY_WAIT_MS);
  });

  it.each([
    [{ requestMs: 60_001 }, 'requestMs (HOOKGRAPH_REQUEST_TIMEOUT_MS) is 60001, but must be a whole number from 100 to 60000'],
    [{ perOrigin: 0 }, 'perOrigin (HOOKGRAPH_MAX_PER_ORIGIN) is 0, but must be a whole number from 1 to 10000'],
    [{ inProgress: 1.5 }, 'inProgress (HOOKGRAPH_MAX_IN_PROGRESS) is 1.5, but must be a whole number from 1 to 100000'],
    [{ queryMs: Number.NaN }, 'queryMs (HOOKGRAPH_QUERY_TIMEOUT_MS) is NaN, but must be a whole number from 1 to 60000'],
    [{ requestMs: 2_000, connectMs: 2_000 }, 'connectMs (HOOKGRAPH_CONNECT_TIMEOUT_MS) is 2000, but must be less than requestMs'],
    [{ inProgress: 10, perSubscription: 11 }, 'perSubscription (HOOKGRAPH_MAX_PER_SUBSCRIPTION) is 11, but must be at most inProgress'],
  ])('%o are refused', (limits, message) => {
    expect(() => deadlinesOf(limits)).toThrow(message);
  });

  it('are refused all at once', () => {
    expect(() => deadlinesOf({ requestMs: 1, perOrigin: 0 })).toThrow(/requestMs.*; perOrigin/);
  });

  it('have the same defaults and bounds in the configuration', () => {
    const config = readConfig({});
    const variables = Object.values(VARIABLES);
    for (const { least, most, usual, variable } of Object.values(BOUNDS)) {
      const [key] = Object.entries(VARIABLES).find(([, { name }]) => name === variable) ?? [];
      expect(config[key as keyof typeof config], variable).toBe(usual);
      const parse = variables.find(({ name }) => name === variable)?.parse;
      expect(
        [least - 1, least, most, most + 1].map((value) => parse?.safeParse(String(value)).success),
        variable,
      ).toEqual([false, true, true, false]);
    }
    expect(readConfig({ HOOKGRAPH_REQUEST_TIMEOUT_MS: '2000' }).connectTimeoutMs).toBe(1800);
    expect(readConfig({ HOOKGRAPH_MAX_IN_PROGRESS: '50' }).maxPerSubscription).toBe(50);
  });
});
