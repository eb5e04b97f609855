// Decides how many deliveries of which subscriptions to claim, when a claim is worthwhile, and where the next one continues.
// The functions have no side effects; drain.ts has the timers and runs the claims.
import { countOf, type DeliveryInHand, type Want } from './claim.js';
import { addTo, type InFlight } from './in-flight.js';
import type { Entry, RoundRobin } from './round-robin.js';

/** Maximum number of deliveries in progress: in all, per subscription, and per destination host. */
export interface Bounds {
  total: number;
  perSubscription: number;
  perHost: number;
}

/** Counts of deliveries in progress. */
export type Load = Pick<InFlight, 'total' | 'of' | 'at'>;

/** Subscriptions that may have due deliveries. */
export type Queues = Pick<RoundRobin, 'size' | 'byHost' | 'queue'>;

export interface PlannedWant extends Want {
  host: string | undefined;
  /** The subscription's entry in the round robin at the time of the plan. */
  entry: Entry;
}

/** One claim of at most `total` deliveries. The counts of `wants` may add up to more, because some subscriptions may have fewer due. */
export interface ClaimPlan {
  wants: PlannedWant[];
  total: number;
}

/** Number of free slots to collect before one claim fills them, because larger batches need fewer statements. */
export const WORTHWHILE = 150;

/** Number of deliveries to claim of one subscription before other waiting subscriptions get slots. */
const PORTION = 24;

/**
 * Maximum number of deliveries in progress of a subscription whose host is unknown. All such subscriptions share the limit of one host,
 * because their hosts may be the same. A host becomes known once the first deliveries are prepared.
 */
const MAX_OF_UNKNOWN_HOST = 4;

/** Maximum number of extra subscriptions in a claim, which are used when the planned ones have fewer due deliveries than requested. */
const MAX_EXTRAS = 50;

/**
 * Returns how many more deliveries of a subscription may start: until it has half of the slots that are free or its own. A busy
 * subscription thus leaves slots for others. Returns at least 1 while none of its deliveries is in progress.
 */
export const shareOf = (inProgress: number, free: number): number =>
  Math.max(inProgress === 0 ? 1 : 0, Math.floor((free + inProgress) / 2) - inProgress);

/** Whether this number of free slots justifies a claim: WORTHWHILE, or fewer while fewer deliveries are in progress. */
export const isWorthwhile = (freeSlots: number, inProgress: number): boolean => freeSlots >= Math.min(WORTHWHILE, inProgress);

/** Whether a wake-up starts a claim at once. With more deliveries in progress, it waits for slots that are freed within milliseconds. */
export const isQuiet = (inProgress: number): boolean => inProgress < WORTHWHILE;

/** Plans a claim: one portion for each eligible subscription, then the remaining slots for those that may take more. */
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

  /** Returns how many more slots a subscription may take. */
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
 * Plans extra subscriptions of the same host, because the planned ones may have fewer due deliveries than requested. Returns none when
 * the planned ones have several hosts or an unknown one: only with one known host does `total` enforce that host's limit.
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
  /** The subscription's next entry; `null` when nothing more is due. */
  next: Entry | null;
}

/** Decides where the next claims of these subscriptions continue. Subscriptions that the claim did not reach keep their entry. */
export function advancesAfter({ wants, total }: ClaimPlan, batch: readonly DeliveryInHand[], nowMs: number): Advance[] {
  const last = new Map<string, DeliveryInHand>();
  const counts = new Map<string, number>();
  for (const delivery of batch) {
    last.set(delivery.subscriptionId, delivery);
    addTo(counts, delivery.subscriptionId, 1);
  }
  // A claim that reached its total did not search the subscriptions after the last one from which it claimed.
  const isFull = batch.length === total;
  const end = isFull ? wants.findLastIndex(({ subscriptionId }) => counts.has(subscriptionId)) : wants.length;
  return wants.slice(0, end + 1).map(({ subscriptionId, count, after, entry }, index) => {
    const claimed = last.get(subscriptionId);
    // Fewer rows than requested: no more are due after the cursor. Rows before the cursor are found by the next due-scan.
    const isDone = claimed === undefined || (index < end && (counts.get(subscriptionId) ?? 0) < count);
    const next = isDone ? null : entry.next({ dueAt: claimed.dueAt, id: claimed.id }, after, nowMs);
    return { subscriptionId, had: entry, next };
  });
}
