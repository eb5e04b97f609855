// How many retries came before -> how long to wait for the next.

/** Retries of a delivery by the installation's schedule: about 21 days in all. */
export const RETRIES = 25;

/**
 * Milliseconds before retry `retry` (0-based): `n⁴ + 15 + rand(0..30)·(n+1)` seconds, the schedule of the Scope guide.
 * @param random 0 ≤ x < 1
 */
export function retryDelayMs(retry: number, random: number): number {
  return 1000 * (retry ** 4 + 15 + Math.floor(random * 31) * (retry + 1));
}

/**
 * The wait that a receiver asked for by `Retry-After` (seconds or an HTTP date, RFC 9110 section 10.2.3), clamped to one
 * to two times `stepMs`; `stepMs` where it asked for nothing that can be read.
 */
export function clampRetryAfterMs(retryAfter: string | undefined, stepMs: number, nowMs: number): number {
  if (retryAfter === undefined) return stepMs;
  const askedMs = /^\d+$/.test(retryAfter.trim()) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - nowMs;
  return Number.isFinite(askedMs) ? Math.min(Math.max(askedMs, stepMs), 2 * stepMs) : stepMs;
}
