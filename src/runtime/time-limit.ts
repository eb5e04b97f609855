// Limits how long a caller waits for a promise.

/** The code in a GraphQL error's extensions which says that a query exceeded a time limit. */
export const QUERY_TOO_SLOW = 'QUERY_TOO_SLOW';

/** The default result of `within` when the work takes too long. */
export const LATE = Symbol('late');

/**
 * Resolves to the work's result, or to `late` when the work takes longer than `limitMs` milliseconds. The work itself is
 * not cancelled.
 */
export async function within<T, L = typeof LATE>(limitMs: number, work: T | Promise<T>, late = LATE as L): Promise<T | L> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<L>((resolve) => {
    timer = setTimeout(() => resolve(late), Math.max(0, limitMs));
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
