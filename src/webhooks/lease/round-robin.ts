// Orders the subscriptions that may have due deliveries, round-robin by destination host.
import type { Cursor } from './claim.js';

/**
 * Milliseconds after which a cursor (the queue position at which the next claim starts) is dropped, because claims don't find deliveries
 * that became due at earlier positions.
 */
const CURSOR_LIFE_MS = 1000;

/** Holds a waiting subscription's cursor: the queue position at which its next claim starts, or `null` for the queue's beginning. */
export class Entry {
  constructor(
    private readonly cursor: Cursor | null = null,
    private readonly sinceMs = 0,
  ) {}

  /** Returns the cursor, or `null` when it is older than CURSOR_LIFE_MS. `nowMs` by `performance.now()`. */
  cursorAt(nowMs: number): Cursor | null {
    return this.cursor && nowMs - this.sinceMs <= CURSOR_LIFE_MS ? this.cursor : null;
  }

  /**
   * Returns the entry after a claim that started at `after` and ended at `cursor`. The age of the cursor counts from the latest claim that
   * started at the queue's beginning (`after` is `null`).
   */
  next(cursor: Cursor, after: Cursor | null, nowMs: number): Entry {
    return new Entry(cursor, after === null ? nowMs : this.sinceMs);
  }
}

type Queue = Map<string, Entry>;

/**
 * Keeps one queue of waiting subscriptions per destination host, so that a host without free slots is skipped at once. After a claim, the
 * subscription moves to the back of its queue, and the host's queue to the back of all queues.
 */
export class RoundRobin {
  private readonly queues = new Map<string | undefined, Queue>();
  /** Host of the queue in which each subscription waits. */
  private readonly hosts = new Map<string, string | undefined>();

  constructor(private readonly hostOf: (subscriptionId: string) => string | undefined) {}

  get size(): number {
    return this.hosts.size;
  }

  /**
   * Queues a subscription. Its next claim starts at its first due delivery. A subscription that already waits keeps its place in the queue.
   */
  wake(subscriptionId: string): void {
    if (this.hosts.get(subscriptionId) !== this.hostOf(subscriptionId)) this.remove(subscriptionId);
    this.put(subscriptionId, new Entry());
  }

  /** Moves the subscriptions whose host was unknown, which share one queue, to their host's queue once it is known. */
  learnHosts(): void {
    for (const [subscriptionId, entry] of this.queues.get(undefined) ?? []) {
      if (this.hostOf(subscriptionId) === undefined) continue;
      this.remove(subscriptionId);
      this.put(subscriptionId, entry);
    }
  }

  /** Returns the hosts in round-robin order, each with its queue of waiting subscriptions. */
  byHost(): Iterable<[host: string | undefined, Iterable<[subscriptionId: string, Entry]>]> {
    return this.queues;
  }

  queue(host: string | undefined): Iterable<[subscriptionId: string, Entry]> {
    return this.queues.get(host) ?? [];
  }

  /**
   * Replaces a subscription's entry after a claim. Does nothing if the subscription was woken since the claim began, because the claim may
   * not have seen its new deliveries.
   * @param had the entry from which the claim was planned
   * @param next the entry for the next claim; `null` when nothing more is due, which removes the subscription from its queue
   */
  advance(subscriptionId: string, had: Entry, next: Entry | null): void {
    const host = this.hosts.get(subscriptionId);
    if (this.queues.get(host)?.get(subscriptionId) !== had) return;
    this.remove(subscriptionId);
    if (next !== null) this.put(subscriptionId, next);
    const queue = this.queues.get(host);
    if (queue === undefined) return;
    this.queues.delete(host);
    this.queues.set(host, queue);
  }

  private put(subscriptionId: string, entry: Entry): void {
    const host = this.hostOf(subscriptionId);
    const queue = this.queues.get(host) ?? new Map<string, Entry>();
    queue.set(subscriptionId, entry);
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
