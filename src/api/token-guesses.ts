// Limits token guessing: delays the responses to a network that tries unknown tokens, and later refuses its requests
// before the database is queried.
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Authentication } from '../auth/api-token.js';

/** Maximum number of unknown tokens of one network per period. Further requests are refused until the period ends. */
export const GUESS_LIMIT = { count: 30, withinSeconds: 60 };

/**
 * Number of a network's unknown tokens per period that are answered without delay. Each further one is delayed by
 * DELAY_STEP_MS more, up to MAX_DELAY_MS.
 */
const UNDELAYED = 5;
const DELAY_STEP_MS = 100;
const MAX_DELAY_MS = 1000;

/** Number of buckets into which networks are hashed, to limit the memory. A secret salt hides which networks share a bucket. */
const BUCKETS = 2 ** 16;

/** Maximum number of remembered hashes of recently valid tokens. */
const MAX_KNOWN = 10_000;

export interface TokenGuesses {
  /** Whether the token was valid recently. */
  isKnown(hash: string): boolean;
  /**
   * Returns the result of `lookUp`, or the milliseconds for which the network is refused. Always looks a recently valid
   * token up, so that a client that shares an attacker's network keeps working.
   */
  limit(network: string, hash: string, lookUp: () => Promise<Authentication>): Promise<Authentication | { waitMs: number }>;
}

export function createTokenGuesses(): TokenGuesses {
  const limiter = new RateLimiterMemory({ points: GUESS_LIMIT.count, duration: GUESS_LIMIT.withinSeconds });
  const salt = randomBytes(16);
  const known = new Set<string>();
  /** Makes concurrent requests of one network with the same unknown token count as one attempt. */
  const pending = new Map<string, Promise<RateLimiterRes>>();

  const bucketOf = (network: string) => String(createHash('sha256').update(salt).update(network).digest().readUInt32BE() % BUCKETS);

  /** Counts the attempt before the look-up, so that concurrent guesses are counted too. */
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
