// Limits the number of concurrent requests to one origin: each request takes a slot, and further requests wait in order for a free one.

/**
 * Waiting requests start in batches, because requests that start together share database reads, renderings and writes. A batch starts when
 * BATCH_SIZE slots are free, or enough for all waiting requests, and at the latest GATHER_MS milliseconds after a slot became free.
 */
const BATCH_SIZE = 100;
const GATHER_MS = 5;

interface Origin {
  /** Number of requests in progress. */
  inUse: number;
  waiting: ((isFree: boolean) => void)[];
  gathering: NodeJS.Timeout | undefined;
}

export class OriginSlots {
  private readonly origins = new Map<string, Origin>();
  private closed = false;

  constructor(private readonly limit: number) {}

  /**
   * Reserves a slot. Returns `null` when one is free at once. Otherwise returns a promise: `true` when a slot was reserved, `false` when
   * `close` was called first. Call `release` after the request.
   */
  take(key: string): Promise<boolean> | null {
    const origin = this.origins.get(key) ?? { inUse: 0, waiting: [], gathering: undefined };
    if (origin.inUse === 0) this.origins.set(key, origin);
    if (origin.inUse < this.limit && origin.waiting.length === 0) {
      origin.inUse += 1;
      return null;
    }
    if (this.closed) return Promise.resolve(false);
    return new Promise((resolve) => void origin.waiting.push(resolve));
  }

  release(key: string): void {
    const origin = this.origins.get(key);
    if (origin === undefined) return;
    origin.inUse -= 1;
    const { waiting } = origin;
    if (waiting.length === 0) {
      if (origin.inUse === 0) this.origins.delete(key);
    } else if (this.limit - origin.inUse >= Math.min(BATCH_SIZE, waiting.length)) this.fill(origin);
    else origin.gathering ??= setTimeout(() => this.fill(origin), GATHER_MS);
  }

  private fill(origin: Origin): void {
    clearTimeout(origin.gathering);
    origin.gathering = undefined;
    const free = Math.max(0, this.limit - origin.inUse);
    for (const resolve of origin.waiting.splice(0, free)) {
      origin.inUse += 1;
      resolve(true);
    }
  }

  /** Refuses all waiting requests, and later ones that would have to wait. */
  close(): void {
    this.closed = true;
    for (const [key, origin] of this.origins) {
      clearTimeout(origin.gathering);
      origin.gathering = undefined;
      for (const resolve of origin.waiting.splice(0)) resolve(false);
      if (origin.inUse === 0) this.origins.delete(key);
    }
  }
}
