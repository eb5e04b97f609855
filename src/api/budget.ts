// Enforces each token's rate limit, and creates the RateLimit headers.
import { BurstyRateLimiter, RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

/**
 * Length of a burst period in seconds. In each period, a token may send up to `perSecond * BURST_SECONDS` requests beyond
 * its steady rate.
 */
const BURST_SECONDS = 60;

export interface Spent {
  /** Milliseconds until the client may retry; `null` when the request is within the limit. */
  waitMs: number | null;
  /**
   * The headers RateLimit and RateLimit-Policy.
   * https://www.ietf.org/archive/id/draft-ietf-httpapi-ratelimit-headers-10.html defines them.
   */
  headers: Record<string, string>;
}

export interface Budget {
  spend(hash: string): Promise<Spent>;
}

/** Counts requests per token in memory. The caller passes only hashes of tokens that exist. `perSecond` 0 means no limit. */
export function createBudget(perSecond: number): Budget {
  if (perSecond === 0) return { spend: async () => ({ waitMs: null, headers: {} }) };
  const steady = new RateLimiterMemory({ points: perSecond, duration: 1 });
  const burst = new RateLimiterMemory({ points: perSecond * BURST_SECONDS, duration: BURST_SECONDS });
  const both = new BurstyRateLimiter(steady, burst);
  const policy = `"second";q=${steady.points};w=1, "burst";q=${burst.points};w=${BURST_SECONDS}`;

  async function headersOf(hash: string): Promise<Record<string, string>> {
    const [second, minute] = await Promise.all([steady.get(hash), burst.get(hash)]);
    const state = (name: string, limiter: RateLimiterMemory, now: RateLimiterRes | null) =>
      `"${name}";r=${now?.remainingPoints ?? limiter.points};t=${Math.ceil((now?.msBeforeNext ?? 0) / 1000)}`;
    return { 'RateLimit-Policy': policy, RateLimit: `${state('second', steady, second)}, ${state('burst', burst, minute)}` };
  }

  return {
    async spend(hash) {
      try {
        await both.consume(hash);
        return { waitMs: null, headers: await headersOf(hash) };
      } catch (error) {
        if (!(error instanceof RateLimiterRes)) throw error;
        return { waitMs: error.msBeforeNext, headers: await headersOf(hash) };
      }
    },
  };
}
