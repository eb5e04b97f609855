// Advances ordered subscriptions in this worker: when the relay has made deliveries for them, when attempts were recorded, and in a sweep,
// which finds what a dead worker has left.
import type { Pool } from 'pg';
import { logFailure } from '../../runtime/failure-log.js';
import type { Logger } from '../../runtime/logger.js';
import { advance, type Occasion, scanOrdered } from '../base/store/ordered-deliveries.js';

export interface OrderingLoop {
  /** Call it when these subscriptions have new deliveries. Ignores those that are not ordered. */
  wake(subscriptionIds: readonly string[]): void;
  /** Whether `attempted` must be called for deliveries of this subscription. */
  isOrdered(subscriptionId: string): boolean;
  /** Call it when a result of this delivery is recorded. */
  attempted(subscriptionId: string, deliveryId: string): void;
  /** Sweeps all ordered subscriptions with open deliveries. Call it regularly. */
  sweep(): Promise<void>;
  /** Stops the loop, and resolves when all its work has ended. */
  stop(): Promise<void>;
}

export interface OrderingOptions {
  pool: Pool;
  log: Logger;
  /** Called with subscriptions that have deliveries due now. */
  onDue(subscriptionIds: string[]): void;
}

/** Milliseconds until a subscription is advanced again if some of its deliveries wait for changes that are not relayed yet. */
const AGAIN_MS = 15;
/** Number of subscriptions that are advanced at once, each on a connection of the pool. */
const AT_ONCE = 2;

export function startOrdering(options: OrderingOptions): OrderingLoop {
  const loop = new Ordering(options);
  return {
    wake: (subscriptionIds) => loop.wake(subscriptionIds),
    isOrdered: (subscriptionId) => loop.isOrdered(subscriptionId),
    attempted: (subscriptionId, deliveryId) => loop.attempted(subscriptionId, deliveryId),
    sweep: () => loop.sweep(),
    stop: () => loop.stop(),
  };
}

class Ordering implements OrderingLoop {
  private ordered: ReadonlySet<string> = new Set();
  /** The subscriptions to advance, each with the deliveries for which attempts were recorded. */
  private readonly pending = new Map<string, Set<string>>();
  /** The subscriptions to advance after AGAIN_MS, each with the deliveries for which attempts were recorded. */
  private readonly later = new Map<string, string[]>();
  /** The node after which the next sweep of a subscription continues. */
  private readonly cursors = new Map<string, string>();
  private running: Promise<unknown> | null = null;
  private timer: NodeJS.Timeout | undefined;
  private isStopping = false;

  constructor(private readonly options: OrderingOptions) {}

  isOrdered(subscriptionId: string): boolean {
    return this.ordered.has(subscriptionId);
  }

  wake(subscriptionIds: readonly string[]): void {
    if (this.ordered.size === 0) return;
    for (const id of subscriptionIds) if (this.ordered.has(id)) this.note(id);
    this.run();
  }

  attempted(subscriptionId: string, deliveryId: string): void {
    this.note(subscriptionId).add(deliveryId);
    this.run();
  }

  async sweep(): Promise<void> {
    const { ordered, waiting } = await scanOrdered(this.options.pool);
    this.ordered = new Set(ordered);
    for (const id of waiting) {
      if (this.isStopping) return;
      await this.advance(id, { attempted: [], sweepAfter: this.cursors.get(id) ?? '' });
    }
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    clearTimeout(this.timer);
    await this.running;
  }

  private note(subscriptionId: string): Set<string> {
    const attempted = this.pending.get(subscriptionId) ?? new Set();
    this.pending.set(subscriptionId, attempted);
    return attempted;
  }

  private run(): void {
    if (this.running || this.isStopping || this.pending.size === 0) return;
    this.running = Promise.all(Array.from({ length: AT_ONCE }, () => this.advancePending())).finally(() => {
      this.running = null;
      this.run();
    });
  }

  private async advancePending(): Promise<void> {
    for (const [id, attempted] of this.pending) {
      if (this.isStopping) return;
      this.pending.delete(id);
      try {
        await this.advance(id, { attempted: [...attempted], sweepAfter: null });
      } catch (error) {
        // The sweep repeats it.
        logFailure(this.options.log, error, 'advancing an ordered subscription failed; retrying', { subscriptionId: id });
      }
    }
  }

  private async advance(id: string, occasion: Occasion): Promise<void> {
    const { released, isWaiting, isLocked, cursor } = await advance(this.options.pool, id, occasion);
    if (cursor === null) this.cursors.delete(id);
    else this.cursors.set(id, cursor);
    if (released > 0) this.options.onDue([id]);
    if (isWaiting || (isLocked && occasion.sweepAfter === null)) this.again(id, isLocked ? occasion.attempted : []);
  }

  /** Advances a subscription again after AGAIN_MS. */
  private again(id: string, attempted: readonly string[]): void {
    if (this.isStopping) return;
    this.later.set(id, [...(this.later.get(id) ?? []), ...attempted]);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      for (const [subscriptionId, deliveryIds] of this.later) {
        const noted = this.note(subscriptionId);
        for (const deliveryId of deliveryIds) noted.add(deliveryId);
      }
      this.later.clear();
      this.run();
    }, AGAIN_MS);
  }
}
