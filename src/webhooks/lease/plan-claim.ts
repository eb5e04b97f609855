// Decides how many deliveries of which subscriptions to claim, when enough deliveries have ended to justify a claim, and where in each
// queue the next claim continues. The functions have no side effects; drain.ts has the timers and runs the claims.
import { countOf, type DeliveryInHand, type Want } from './claim.js';
import { addTo, type InFlight } from './in-flight.js';
import type { Entry, RoundRobin } from './round-robin.js';

/** Maximum number of deliveries in progress: in all, per subscription, and per destination host. */
export interface Bounds {
  total: number;
  perSubscription: number;
  perHost: number;
}

/** Numbers of deliveries in progress: `total`, `of(subscriptionId)` and `at(host)`. */
export type Load = Pick<InFlight, 'total' | 'of' | 'at'>;

/** The subscriptions that may have due deliveries, in one queue per destination host. */
export type Queues = Pick<RoundRobin, 'size' | 'byHost' | 'queue'>;

export interface PlannedWant extends Want {
  host: string | undefined;
  /**
   * The subscription's entry in its host's queue when the claim was planned. If it is another one after the claim, the subscription was
   * woken meanwhile.
   */
  entry: Entry;
}

/** One claim of at most `total` deliveries. The counts of `wants` may add up to more, because some subscriptions may have fewer due. */
export interface ClaimPlan {
  wants: PlannedWant[];
  total: number;
}

/** Number of deliveries that should have ended before one claim replaces them, because larger batches need fewer statements. */
export const WORTHWHILE = 150;

/** Number of deliveries to claim of one subscription before other waiting subscriptions get their share. */
const PORTION = 24;

/**
 * Maximum number of deliveries in progress of a subscription whose host is unknown. All such subscriptions together share the limit of one
 * host, because their hosts may be the same. A host becomes known when the subscription's first delivery is prepared.
 */
const MAX_OF_UNKNOWN_HOST = 4;

/**
 * Maximum number of extra subscriptions in a claim. Deliveries of them are claimed only if the planned subscriptions have fewer due than
 * requested.
 */
const MAX_EXTRAS = 50;

/**
 * Returns how many more deliveries of a subscription may start. Of the slots that are free or occupied by it, it may occupy at most half,
 * so that a busy subscription leaves slots for others. Returns at least 1 while none of its deliveries is in progress.
 */
export const shareOf = (inProgress: number, free: number): number =>
  Math.max(inProgress === 0 ? 1 : 0, Math.floor((free + inProgress) / 2) - inProgress);

/**
 * Whether this number of free slots justifies a claim: at least WORTHWHILE, or at least `inProgress` when fewer deliveries are in progress.
 */
export const isWorthwhile = (freeSlots: number, inProgress: number): boolean => freeSlots >= Math.min(WORTHWHILE, inProgress);

/**
 * Whether so few deliveries are in progress that `wake` claims at once. Otherwise deliveries end all the time, and `wake` waits a few
 * milliseconds so that one claim replaces several of them.
 */
export const isQuiet = (inProgress: number): boolean => inProgress < WORTHWHILE;

/**
 * Plans a claim. Each waiting subscription gets up to one portion, in round-robin order. The remaining slots go to the subscriptions that
 * got a full portion.
 */
export function planClaim(queues: Queues, load: Load, bounds: Bounds, nowMs: number): ClaimPlan {
  const portion = Math.max(PORTION, Math.ceil(bounds.perHost / queues.size));
  const slots = new FreeSlots(load, bounds);
  const wants: PlannedWant[] = [];
  for (const [host, queue] of queues.byHost())
    for (const [subscriptionId, entry] of queue) {
      if (slots.free <= 0 || slots.at(host) <= 0) break;
      const count = Math.min(portion, slots.of(subscriptionId, host));
      if (count <= 0) continue;
      wants.push({ subscriptionId, count, after: entry.cursorAt(nowMs), host, entry });
      slots.take(subscriptionId, host, count);
    }
  for (const want of wants) {
    const more = want.count < portion ? 0 : slots.of(want.subscriptionId, want.host);
    if (more <= 0) continue;
    want.count += more;
    slots.take(want.subscriptionId, want.host, more);
  }
  return { wants: [...wants, ...planExtras(queues, wants, load, bounds, slots.free, nowMs)], total: countOf(wants) };
}

/** Counts the slots that a plan has not assigned yet. */
class FreeSlots {
  free: number;
  private readonly ofSubscription = new Map<string, number>();
  private readonly atHost = new Map<string | undefined, number>();

  constructor(
    private readonly load: Load,
    private readonly bounds: Bounds,
  ) {
    this.free = bounds.total - load.total;
  }

  at(host: string | undefined): number {
    return this.bounds.perHost - this.load.at(host) - (this.atHost.get(host) ?? 0);
  }

  /** Returns how many more deliveries of a subscription this claim may request. */
  of(subscriptionId: string, host: string | undefined): number {
    const inProgress = this.load.of(subscriptionId) + (this.ofSubscription.get(subscriptionId) ?? 0);
    const limit = host === undefined ? MAX_OF_UNKNOWN_HOST : this.bounds.perSubscription;
    return Math.min(shareOf(inProgress, this.free), limit - inProgress, this.at(host));
  }

  take(subscriptionId: string, host: string | undefined, count: number): void {
    this.free -= count;
    addTo(this.ofSubscription, subscriptionId, count);
    addTo(this.atHost, host, count);
  }
}

/**
 * Returns extra subscriptions, of which deliveries are claimed only if the planned ones have fewer due than requested. They have the host
 * of all planned subscriptions, so that the claim's `total` also limits the deliveries to that host. Returns none when the planned ones
 * have several hosts, or an unknown one.
 */
export function planExtras(
  queues: Queues,
  wants: readonly PlannedWant[],
  load: Load,
  bounds: Bounds,
  free: number,
  nowMs: number,
): PlannedWant[] {
  const [host, ...otherHosts] = new Set(wants.map((want) => want.host));
  if (host === undefined || otherHosts.length > 0) return [];
  const planned = new Set(wants.map(({ subscriptionId }) => subscriptionId));
  const extras: PlannedWant[] = [];
  for (const [subscriptionId, entry] of queues.queue(host)) {
    if (extras.length === MAX_EXTRAS) break;
    if (planned.has(subscriptionId)) continue;
    const inProgress = load.of(subscriptionId);
    const count = Math.min(PORTION, bounds.perSubscription - inProgress, shareOf(inProgress, free));
    if (count > 0) extras.push({ subscriptionId, count, after: entry.cursorAt(nowMs), host, entry });
  }
  return extras;
}

export interface Advance {
  subscriptionId: string;
  had: Entry;
  /** The entry for the subscription's next claim; `null` when nothing more is due, so that the subscription leaves its queue. */
  next: Entry | null;
}

/**
 * Decides for each planned subscription where its next claim starts, from the deliveries that this claim returned (`batch`). Leaves out the
 * subscriptions that the claim did not search, so that they keep their entry.
 */
export function advancesAfter({ wants, total }: ClaimPlan, batch: readonly DeliveryInHand[], nowMs: number): Advance[] {
  const last = new Map<string, DeliveryInHand>();
  const counts = new Map<string, number>();
  for (const delivery of batch) {
    last.set(delivery.subscriptionId, delivery);
    addTo(counts, delivery.subscriptionId, 1);
  }
  // A claim that returned `total` deliveries did not search the subscriptions after the last one from which it claimed.
  const isFull = batch.length === total;
  const end = isFull ? wants.findLastIndex(({ subscriptionId }) => counts.has(subscriptionId)) : wants.length;
  return wants.slice(0, end + 1).map(({ subscriptionId, count, after, entry }, index) => {
    const claimed = last.get(subscriptionId);
    // Fewer deliveries than requested: no more are due after the position at which this claim started. Those before it are found by
    // due-scan.ts.
    const isDone = claimed === undefined || (index < end && (counts.get(subscriptionId) ?? 0) < count);
    const next = isDone ? null : entry.next({ dueAt: claimed.dueAt, id: claimed.id }, after, nowMs);
    return { subscriptionId, had: entry, next };
  });
}
