// Orders the subscriptions that may have due deliveries, round-robin by destination host.
import type { Cursor } from './claim.js';

/** Maximum time in milliseconds for which a cursor may hide a row that became due before it. */
const CURSOR_LIFE_MS = 1000;

/** A subscription's wait for its next claim, with the cursor after which that claim starts. */
export class Turn {
  constructor(
    private cursor: Cursor | null = null,
    private readonly sinceMs = 0,
  ) {}

  /** Returns the cursor, or `null` when it is older than CURSOR_LIFE_MS. */
  after(): Cursor | null {
    if (this.cursor && Date.now() - this.sinceMs > CURSOR_LIFE_MS) this.cursor = null;
    return this.cursor;
  }

  /** Returns the subscription's next turn, which starts after `cursor`. The age counts from the first cursor. */
  next(cursor: Cursor): Turn {
    return new Turn(cursor, this.cursor === null ? Date.now() : this.sinceMs);
  }
}

type Queue = Map<string, Turn>;

/**
 * Keeps one queue per host, so that a host without free slots is skipped at once. After a claim, the subscription moves to the back
 * of its queue, and the host's queue to the back of all queues.
 */
export class Turns {
  private readonly queues = new Map<string | undefined, Queue>();
  /** Host of the queue in which each subscription waits. */
  private readonly hosts = new Map<string, string | undefined>();

  constructor(private readonly hostOf: (subscriptionId: string) => string | undefined) {}

  get size(): number {
    return this.hosts.size;
  }

  /** Queues a subscription with a new turn, which starts without a cursor. A waiting subscription keeps its place. */
  wake(subscriptionId: string): void {
    if (this.hosts.get(subscriptionId) !== this.hostOf(subscriptionId)) this.remove(subscriptionId);
    this.put(subscriptionId, new Turn());
  }

  /** Returns the queues in order. Subscriptions whose host is unknown share one queue, and leave it here once their host is known. */
  byHost(): Iterable<[host: string | undefined, Queue]> {
    for (const [subscriptionId, turn] of this.queues.get(undefined) ?? []) {
      if (this.hostOf(subscriptionId) === undefined) continue;
      this.remove(subscriptionId);
      this.put(subscriptionId, turn);
    }
    return this.queues;
  }

  queue(host: string | undefined): Iterable<[subscriptionId: string, Turn]> {
    return this.queues.get(host) ?? [];
  }

  /**
   * Ends a turn. Does nothing if the subscription was woken since the turn `had` began.
   * @param next the subscription's next turn; `null` when nothing more is due
   */
  end(subscriptionId: string, had: Turn, next: Turn | null): void {
    const host = this.hosts.get(subscriptionId);
    if (this.queues.get(host)?.get(subscriptionId) !== had) return;
    this.remove(subscriptionId);
    if (next !== null) this.put(subscriptionId, next);
    const queue = this.queues.get(host);
    if (queue === undefined) return;
    this.queues.delete(host);
    this.queues.set(host, queue);
  }

  private put(subscriptionId: string, turn: Turn): void {
    const host = this.hostOf(subscriptionId);
    const queue = this.queues.get(host) ?? new Map<string, Turn>();
    queue.set(subscriptionId, turn);
    this.queues.set(host, queue);
    this.hosts.set(subscriptionId, host);
  }

  remove(subscriptionId: string): void {
    const host = this.hosts.get(subscriptionId);
    const queue = this.queues.get(host);
    this.hosts.delete(subscriptionId);
    queue?.delete(subscriptionId);
    if (queue?.size === 0) this.queues.delete(host);
  }
}
