// Tokens that are tried in, the look-ups that are worth one out: whoever guesses is slowed, then refused before the database is asked.
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Authentication } from '../auth/api-token.js';

export const GUESSES = { count: 30, withinSeconds: 60 };

/** So many are answered at once; each further one waits longer, up to a second. */
const UNSLOWED = 5;
const SLOWED_BY_MS = 100;
const MOST_MS = 1000;

/** Networks are counted in so many buckets, whose number bounds the memory; which ones share is a secret of the process. */
const BUCKETS = 2 ** 16;

/** Tokens that opened the API lately, by their hash. */
const MOST_KNOWN = 10_000;

export interface Guesses {
  /** Whether the token opened the API lately. */
  isKnown(hash: string): boolean;
  /**
   * Answers what `lookUp` does, or how long nothing is looked up that comes from there. A token that opened the API lately is looked
   * up whatever its neighbours do: one behind the address of an attacker goes on working, and a new one waits.
   */
  tried(network: string, hash: string, lookUp: () => Promise<Authentication>): Promise<Authentication | { waitMs: number }>;
}

export function createGuesses(): Guesses {
  const limiter = new RateLimiterMemory({ points: GUESSES.count, duration: GUESSES.withinSeconds });
  const salt = randomBytes(16);
  const known = new Set<string>();
  /** A client that starts many requests with a token that is new here has tried one. */
  const underWay = new Map<string, Promise<RateLimiterRes>>();

  const bucketOf = (network: string) => String(createHash('sha256').update(salt).update(network).digest().readUInt32BE() % BUCKETS);

  /** Counted before the look-up, so that guesses sent at once are counted too. */
  async function counted(bucket: string, hash: string): Promise<{ count: number; release: () => void; first: boolean }> {
    const key = `${bucket} ${hash}`;
    const already = underWay.get(key);
    const counting = already ?? limiter.consume(bucket);
    if (!already) underWay.set(key, counting);
    const release = () => void (already || underWay.delete(key));
    try {
      return { count: (await counting).consumedPoints, release, first: !already };
    } catch (error) {
      release();
      throw error;
    }
  }

  return {
    isKnown: (hash) => known.has(hash),
    async tried(network, hash, lookUp) {
      if (known.has(hash)) {
        const found = await lookUp();
        if (!found.viewer) known.delete(hash);
        return found;
      }
      const bucket = bucketOf(network);
      try {
        const { count, release, first } = await counted(bucket, hash);
        try {
          const found = await lookUp();
          if (found.tokenId === null) {
            await sleep(Math.min(Math.max(count - UNSLOWED, 0) * SLOWED_BY_MS, MOST_MS));
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
  if (known.size > MOST_KNOWN && oldest) known.delete(oldest);
}
