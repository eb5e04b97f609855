// Reads from a response whether its sender asks to slow down, and for how long.

/** A request to slow down, of a receiver or of its token endpoint. */
export interface SlowDown {
  /** The wait, in a form of the header `Retry-After`: seconds, several of them, or a date. Absent when the response names none. */
  retryAfter?: string;
}

type Headers = Record<string, string>;

/**
 * Returns the request to slow down in a response; `null` when it has none. A 503 without `Retry-After` has none: it is treated like a 500.
 * @param isThrottled whether the response asks for it in other words, as AWS does
 */
export function readSlowDown(status: number, headers: Headers, isThrottled = false): SlowDown | null {
  const named = (headers['retry-after'] ?? '').trim();
  if (status !== 429 && !isThrottled && !(status === 503 && named !== '')) return null;
  const retryAfter = named || readReset(headers);
  return retryAfter === undefined ? {} : { retryAfter };
}

/**
 * Returns the wait that other headers name, in a form of `Retry-After`. `RateLimit` and `RateLimit-Reset` are of several drafts of
 * https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/; the others are widespread without a standard.
 */
function readReset(headers: Headers): string | undefined {
  const milliseconds = headers['retry-after-ms'] ?? headers['x-ms-retry-after-ms'];
  if (milliseconds !== undefined && /^\s*\d/.test(milliseconds)) return String(Number.parseFloat(milliseconds) / 1000);
  const remaining = headers['x-ratelimit-remaining'] ?? headers['x-rate-limit-remaining'] ?? headers['ratelimit-remaining'];
  // Where the quota isn't used up, another limit was exceeded, about which these headers say nothing.
  if (Number(remaining ?? 0) > 0) return undefined;
  const reset =
    headers['x-ratelimit-reset-after'] ?? headers['ratelimit-reset'] ?? headers['x-ratelimit-reset'] ?? headers['x-rate-limit-reset'];
  if (reset !== undefined) return momentOrWait(reset);
  return headers.ratelimit === undefined ? undefined : readRateLimit(headers.ratelimit);
}

/** Reads a text that is a moment in seconds or milliseconds since 1970 if the number is large, and otherwise what `Retry-After` may be. */
function momentOrWait(reset: string): string {
  const number = Number(reset);
  if (!(number >= 1e9)) return reset;
  return new Date(Math.min(number < 1e11 ? number * 1000 : number, 8.64e15)).toISOString();
}

/** Reads `"default";r=0;t=30` with one item a quota, and `limit=100, remaining=0, reset=30` of older drafts. */
function readRateLimit(text: string): string | undefined {
  const plain = text.replace(/"[^"]*"/g, '');
  const quotas = plain.includes('reset=') ? [plain] : plain.split(',');
  const waits = quotas.flatMap((quota) => {
    const remaining = /\b(?:r|remaining)=(\d+)/.exec(quota)?.[1];
    const seconds = /\b(?:t|reset)=(\d+)/.exec(quota)?.[1];
    return seconds === undefined || Number(remaining ?? 0) > 0 ? [] : [seconds];
  });
  return waits.length === 0 ? undefined : waits.join(',');
}
