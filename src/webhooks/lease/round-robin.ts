// Orders the subscriptions that may have due deliveries, round-robin by target: the tenant and the destination host.
import type { Cursor } from './claim.js';
import { addTo, type Target } from './in-flight.js';

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

export type Queue = ReadonlyMap<string, Entry>;

/**
 * Keeps one queue of waiting subscriptions per target, so that a target without free slots is skipped at once, and no tenant's number of
 * subscriptions delays the others. After a claim, the subscription moves to the back of its queue, and the queue to the back of all queues.
 */
export class RoundRobin {
  private readonly queues = new Map<Target | undefined, Map<string, Entry>>();
  /** By subscription id: the target in whose queue the subscription waits. */
  private readonly targets = new Map<string, Target | undefined>();
  private readonly countByHost = new Map<string | undefined, number>();

  constructor(private readonly targetOf: (subscriptionId: string) => Target | undefined) {}

  /** Number of waiting subscriptions. */
  get size(): number {
    return this.targets.size;
  }

  /** Number of queues. */
  get width(): number {
    return this.queues.size;
  }

  /** Returns the number of tenants with subscriptions that wait for this host. */
  tenantsAt(host: string | undefined): number {
    return this.countByHost.get(host) ?? 0;
  }

  /**
   * Queues a subscription. Its next claim starts at its first due delivery. A subscription that already waits keeps its place in the queue.
   */
  wake(subscriptionId: string): void {
    if (this.targets.get(subscriptionId) !== this.targetOf(subscriptionId)) this.remove(subscriptionId);
    this.put(subscriptionId, new Entry());
  }

  /** Moves the subscriptions whose target was unknown, which share one queue, to their target's queue once it is known. */
  learnTargets(): void {
    for (const [subscriptionId, entry] of this.queues.get(undefined) ?? []) {
      if (this.targetOf(subscriptionId) === undefined) continue;
      this.remove(subscriptionId);
      this.put(subscriptionId, entry);
    }
  }

  /** Returns the targets in round-robin order, each with its queue of waiting subscriptions. */
  byTarget(): Iterable<[target: Target | undefined, Queue]> {
    return this.queues;
  }

  /**
   * Replaces a subscription's entry after a claim. Does nothing if the subscription was woken since the claim began, because the claim may
   * not have seen its new deliveries.
   * @param had the entry from which the claim was planned
   * @param next the entry for the next claim; `null` when nothing more is due, which removes the subscription from its queue
   */
  advance(subscriptionId: string, had: Entry, next: Entry | null): void {
    const target = this.targets.get(subscriptionId);
    if (this.queues.get(target)?.get(subscriptionId) !== had) return;
    this.remove(subscriptionId);
    if (next !== null) this.put(subscriptionId, next);
    const queue = this.queues.get(target);
    if (queue === undefined) return;
    this.queues.delete(target);
    this.queues.set(target, queue);
  }

  private put(subscriptionId: string, entry: Entry): void {
    const target = this.targetOf(subscriptionId);
    const queue = this.queues.get(target) ?? new Map<string, Entry>();
    if (queue.size === 0) {
      this.queues.set(target, queue);
      addTo(this.countByHost, target?.host, 1);
    }
    queue.set(subscriptionId, entry);
    this.targets.set(subscriptionId, target);
  }

  remove(subscriptionId: string): void {
    const target = this.targets.get(subscriptionId);
    const queue = this.queues.get(target);
    this.targets.delete(subscriptionId);
    if (!queue?.delete(subscriptionId) || queue.size > 0) return;
    this.queues.delete(target);
    addTo(this.countByHost, target?.host, -1);
  }
}
