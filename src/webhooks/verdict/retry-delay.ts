// Computes how long to wait before a retry.
import { clamp, SLOW_DOWN_MS } from '../base/pace.js';

/** Number of retries in the default schedule, which lasts about 20.5 days. */
export const RETRIES = 25;

/**
 * Returns the milliseconds to wait before retry n, counted from 0: `n⁴ + 15 + rand(0..30)·(n+1)` seconds, the schedule of
 * docs/wire-formats.md#retries.
 * @param random 0 ≤ x < 1
 */
export function retryDelayMs(retry: number, random: number): number {
  return 1000 * (retry ** 4 + 15 + Math.floor(random * 31) * (retry + 1));
}

/**
 * Returns the milliseconds to wait that the header `Retry-After` names, as seconds or an HTTP date (RFC 9110, section 10.2.3); `null` when
 * the header is missing or invalid. Some servers write fractions of a second or negative numbers. Proxies may repeat the header; then the
 * longest wait counts.
 */
export function retryAfterMs(retryAfter: string | undefined, nowMs: number): number | null {
  const text = retryAfter?.trim() ?? '';
  const numbers = /^[-+\d., ]+$/.test(text) ? text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part))) : [];
  const askedMs = numbers.length > 0 ? Math.max(...numbers) * 1000 : dateMs(text) - nowMs;
  return Number.isNaN(askedMs) ? null : clamp(askedMs, 0, Number.MAX_SAFE_INTEGER);
}

/** Parses an HTTP date in any of its three forms. One of them has no zone and is in UTC. Returns `NaN` for anything else. */
function dateMs(text: string): number {
  if (!/[a-z]{3}.*:|T.*:/i.test(text)) return Number.NaN;
  return Date.parse(/(?:GMT|UTC|Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}${text.includes('T') ? 'Z' : ' GMT'}`);
}

/**
 * Returns the wait that the receiver requested (`askedMs`), but at least the scheduled delay `stepMs`, and at most one hour or twice the
 * scheduled delay, whichever is longer. Without a request, returns `stepMs`.
 */
export function clampRetryAfterMs(askedMs: number | null, stepMs: number): number {
  return askedMs === null ? stepMs : Math.min(Math.max(askedMs, stepMs), Math.max(SLOW_DOWN_MS.most, 2 * stepMs));
}
