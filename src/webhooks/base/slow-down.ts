// Reads from a response whether its sender asks to slow down, and for how long.

/** A request from a receiver or its token endpoint to slow down. */
export interface SlowDown {
  /** The wait, in a format of the header `Retry-After`: seconds, a list of seconds, or a date. Absent when the response names no wait. */
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
 * Returns the wait that other headers name, in a format of `Retry-After`. `RateLimit` and `RateLimit-Reset` come from several drafts of
 * https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/; the other headers are widespread without a standard.
 */
function readReset(headers: Headers): string | undefined {
  const milliseconds = headers['retry-after-ms'] ?? headers['x-ms-retry-after-ms'];
  if (milliseconds !== undefined && /^\s*\d/.test(milliseconds)) return String(Number.parseFloat(milliseconds) / 1000);
  const remaining = headers['x-ratelimit-remaining'] ?? headers['x-rate-limit-remaining'] ?? headers['ratelimit-remaining'];
  // If this quota isn't used up, the request exceeded another limit, about which these headers say nothing.
  if (Number(remaining ?? 0) > 0) return undefined;
  const reset =
    headers['x-ratelimit-reset-after'] ?? headers['ratelimit-reset'] ?? headers['x-ratelimit-reset'] ?? headers['x-rate-limit-reset'];
  if (reset !== undefined) return momentOrWait(reset);
  return headers.ratelimit === undefined ? undefined : readRateLimit(headers.ratelimit);
}

/** Converts a large number, which is a time in seconds or milliseconds since 1970, to a date. Returns other values unchanged. */
function momentOrWait(reset: string): string {
  const number = Number(reset);
  if (!(number >= 1e9)) return reset;
  return new Date(Math.min(number < 1e11 ? number * 1000 : number, 8.64e15)).toISOString();
}

/** Reads one item per quota, e.g. `"default";r=0;t=30`, or the form of older drafts: `limit=100, remaining=0, reset=30`. */
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
