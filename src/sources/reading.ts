// Bounds what the statements of one execution take: their tenant's share of the connections, and a time in all.
import { GraphQLError } from 'graphql';
import { createStopwatch, type Visit } from '../runtime/fair-share.js';
import type { Reading } from './source.js';

export interface ReadingOptions {
  visit: Visit;
  /** Greatest time of all statements of one execution. */
  timeoutMs: number;
}

/** A query that takes too long is its author's mistake: it fails with a sentence, and its further statements aren't tried. */
export function startReading({ visit, timeoutMs }: ReadingOptions): Reading {
  // Time in the database alone: how busy this process is, is nobody's mistake.
  const reads = createStopwatch();
  let tooLong: GraphQLError | null = null;
  const check = () => {
    if (reads.ms() > timeoutMs) tooLong ??= new GraphQLError(`The query took longer than ${timeoutMs} ms, which is the limit`);
    if (tooLong) throw tooLong;
  };
  return async (work, needs) => {
    try {
      return await visit.run(() => {
        check();
        return reads.during(work());
      }, needs);
    } catch (error) {
      if (isCancelled(error)) tooLong ??= new GraphQLError(`The database gave up on the query after ${timeoutMs} ms, which is the limit`);
      throw tooLong ?? error;
    }
  };
}

const QUERY_CANCELLED = '57014';

/** pg's error, or the one that a driver adapter or an ORM wraps around it. */
function isCancelled(error: unknown, depth = 0): boolean {
  if (typeof error !== 'object' || error === null || depth > 4) return false;
  const { code, originalCode, cause, meta } = error as {
    code?: unknown;
    originalCode?: unknown;
    cause?: unknown;
    meta?: { driverAdapterError?: unknown };
  };
  if (code === QUERY_CANCELLED || originalCode === QUERY_CANCELLED) return true;
  return isCancelled(cause, depth + 1) || isCancelled(meta?.driverAdapterError, depth + 1);
}
