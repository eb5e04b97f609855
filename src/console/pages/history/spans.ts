// Translates spans such as "last hour" to times.

export type Span = '1h' | '24h' | '7d' | '30d';

const HOURS: Record<Span, number> = { '1h': 1, '24h': 24, '7d': 168, '30d': 720 };
const MINUTE_MS = 60_000;

/** Returns the start of a span, rounded down to the minute, so that a repeated request within a minute is the same request. */
export const startOf = (span: Span, nowMs = Date.now()): string =>
  new Date(Math.floor((nowMs - HOURS[span] * 3_600_000) / MINUTE_MS) * MINUTE_MS).toISOString();
