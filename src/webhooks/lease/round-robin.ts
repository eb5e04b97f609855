// Orders the subscriptions that may have due deliveries, round-robin by destination host.
import type { Cursor } from './claim.js';

/** Milliseconds after which a cursor is dropped, because it hides rows that became due before its position. */
const CURSOR_LIFE_MS = 1000;

/** Holds the position (cursor) at which the next claim of a waiting subscription starts. */
export class Entry {
  constructor(
    private readonly cursor: Cursor | null = null,
    private readonly sinceMs = 0,
  ) {}

  /** Returns the cursor, or `null` when it is older than CURSOR_LIFE_MS. `nowMs` by `Date.now()`. */
  cursorAt(nowMs: number): Cursor | null {
    return this.cursor && nowMs - this.sinceMs <= CURSOR_LIFE_MS ? this.cursor : null;
  }

  /** Returns the entry that follows a claim from `after` to `cursor`. The age counts from the first claim, which had no cursor. */
  next(cursor: Cursor, after: Cursor | null, nowMs: number): Entry {
    return new Entry(cursor, after === null ? nowMs : this.sinceMs);
  }
}

type Queue = Map<string, Entry>;

/**
 * Keeps one queue per host, so that a host without free slots is skipped at once. After a claim, the subscription moves to the back
 * of its queue, and the host's queue to the back of all queues.
 */
export class RoundRobin {
  private readonly queues = new Map<string | undefined, Queue>();
  /** Host of the queue in which each subscription waits. */
  private readonly hosts = new Map<string, string | undefined>();

  constructor(private readonly hostOf: (subscriptionId: string) => string | undefined) {}

  get size(): number {
    return this.hosts.size;
  }

  /** Queues a subscription with a new entry, which starts without a cursor. A waiting subscription keeps its place. */
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

  /** Returns the queues in round-robin order. */
  byHost(): Iterable<[host: string | undefined, Iterable<[subscriptionId: string, Entry]>]> {
    return this.queues;
  }

  queue(host: string | undefined): Iterable<[subscriptionId: string, Entry]> {
    return this.queues.get(host) ?? [];
  }

  /**
   * Replaces a subscription's entry after a claim. Does nothing if the subscription was woken since the claim began.
   * @param had the entry of the claim
   * @param next the entry for the next claim; `null` when nothing more is due
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
