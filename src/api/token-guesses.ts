// Limits token guessing: delays the responses to a network that tries unknown tokens, and later refuses its requests
// before the database is queried.
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Authentication } from '../auth/api-token.js';

/** Maximum number of unknown tokens of one network per period. Its further unknown tokens are refused until the period ends. */
export const GUESS_LIMIT = { count: 30, withinSeconds: 60 };

/**
 * Number of unknown tokens that one network may send per period without delay. The response to each further unknown token
 * is delayed DELAY_STEP_MS longer than the previous one, up to MAX_DELAY_MS.
 */
const UNDELAYED = 5;
const DELAY_STEP_MS = 100;
const MAX_DELAY_MS = 1000;

/** Number of counters. Networks are hashed to counters, which limits the memory; a secret salt hides which of them share one. */
const BUCKETS = 2 ** 16;

/** Maximum number of remembered hashes of recently valid tokens. */
const MAX_KNOWN = 10_000;

export interface TokenGuesses {
  /** Whether the token was valid recently. */
  isKnown(hash: string): boolean;
  /**
   * Calls `lookUp` and returns its result. If the network has sent too many unknown tokens, returns instead the milliseconds
   * until it may try again. Always looks a recently valid token up, so that a client in an attacker's network keeps working.
   */
  limit(network: string, hash: string, lookUp: () => Promise<Authentication>): Promise<Authentication | { waitMs: number }>;
}

export function createTokenGuesses(): TokenGuesses {
  const limiter = new RateLimiterMemory({ points: GUESS_LIMIT.count, duration: GUESS_LIMIT.withinSeconds });
  const salt = randomBytes(16);
  const known = new Set<string>();
  /** Counts in progress, by network and token: concurrent requests of one network with the same unknown token count once. */
  const pending = new Map<string, Promise<RateLimiterRes>>();

  const bucketOf = (network: string) => String(createHash('sha256').update(salt).update(network).digest().readUInt32BE() % BUCKETS);

  /** Counts a token as unknown before the database is queried, so that concurrent guesses are counted too. */
  async function countAttempt(bucket: string, hash: string): Promise<{ count: number; release: () => void; first: boolean }> {
    const key = `${bucket} ${hash}`;
    const already = pending.get(key);
    const counting = already ?? limiter.consume(bucket);
    if (!already) pending.set(key, counting);
    const release = () => void (already || pending.delete(key));
    try {
      return { count: (await counting).consumedPoints, release, first: !already };
    } catch (error) {
      release();
      throw error;
    }
  }

  return {
    isKnown: (hash) => known.has(hash),
    async limit(network, hash, lookUp) {
      if (known.has(hash)) {
        const found = await lookUp();
        if (!found.viewer) known.delete(hash);
        return found;
      }
      const bucket = bucketOf(network);
      try {
        const { count, release, first } = await countAttempt(bucket, hash);
        try {
          const found = await lookUp();
          if (found.tokenId === null) {
            await sleep(Math.min(Math.max(count - UNDELAYED, 0) * DELAY_STEP_MS, MAX_DELAY_MS));
            return found;
          }
          if (first) await limiter.reward(bucket);
          if (found.viewer) remember(known, hash);
          return found;
        } finally {
          release();
        }
      } catch (error) {
        if (error instanceof RateLimiterRes) return { waitMs: error.msBeforeNext };
        throw error;
      }
    },
  };
}

function remember(known: Set<string>, hash: string): void {
  known.add(hash);
  const [oldest] = known;
  if (known.size > MAX_KNOWN && oldest) known.delete(oldest);
}
