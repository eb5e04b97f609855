// Enforces each token's rate limit, by requests and by the processor time that they use, and creates the RateLimit headers.
import { BurstyRateLimiter, RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

/**
 * Length of a burst period in seconds. In each period, a token may send up to `perSecond * BURST_SECONDS` requests beyond
 * its steady rate.
 */
const BURST_SECONDS = 60;

/**
 * Milliseconds of the event loop that a token may use, on average, for each request that its rate limit allows. Most requests take less.
 * Only the total of a burst period is limited.
 */
const MS_PER_REQUEST = 5;

export interface Spent {
  /** Milliseconds until the client may retry; `null` when the request is within the limit. */
  waitMs: number | null;
  /** The exceeded limit: number of requests, or milliseconds of the event loop. `null` when no limit is exceeded. */
  beyond: 'REQUESTS' | 'TIME' | null;
  /**
   * The headers RateLimit and RateLimit-Policy.
   * https://www.ietf.org/archive/id/draft-ietf-httpapi-ratelimit-headers-10.html defines them.
   */
  headers: Record<string, string>;
}

export interface Budget {
  /** Counts a request before it runs. */
  spend(hash: string): Promise<Spent>;
  /** Counts the milliseconds of the event loop that a request has used. */
  charge(hash: string, ms: number): Promise<void>;
}

/** Counts in memory, per token. The caller passes only hashes of tokens that exist. `perSecond` 0 means no limit. */
export function createBudget(perSecond: number): Budget {
  if (perSecond === 0) return { spend: async () => ({ waitMs: null, beyond: null, headers: {} }), charge: async () => {} };
  const steady = new RateLimiterMemory({ points: perSecond, duration: 1 });
  const burst = new RateLimiterMemory({ points: perSecond * BURST_SECONDS, duration: BURST_SECONDS });
  const both = new BurstyRateLimiter(steady, burst);
  const time = new RateLimiterMemory({ points: perSecond * BURST_SECONDS * MS_PER_REQUEST, duration: BURST_SECONDS });
  const policy = `"second";q=${steady.points};w=1, "burst";q=${burst.points};w=${BURST_SECONDS}`;

  async function headersOf(hash: string): Promise<Record<string, string>> {
    const [second, minute] = await Promise.all([steady.get(hash), burst.get(hash)]);
    const state = (name: string, limiter: RateLimiterMemory, now: RateLimiterRes | null) =>
      `"${name}";r=${now?.remainingPoints ?? limiter.points};t=${Math.ceil((now?.msBeforeNext ?? 0) / 1000)}`;
    return { 'RateLimit-Policy': policy, RateLimit: `${state('second', steady, second)}, ${state('burst', burst, minute)}` };
  }

  return {
    async spend(hash) {
      const used = await time.get(hash);
      if (used && used.consumedPoints > time.points) return { waitMs: used.msBeforeNext, beyond: 'TIME', headers: await headersOf(hash) };
      try {
        await both.consume(hash);
        return { waitMs: null, beyond: null, headers: await headersOf(hash) };
      } catch (error) {
        if (!(error instanceof RateLimiterRes)) throw error;
        return { waitMs: error.msBeforeNext, beyond: 'REQUESTS', headers: await headersOf(hash) };
      }
    },
    async charge(hash, ms) {
      await time.penalty(hash, Math.round(ms));
    },
  };
}
