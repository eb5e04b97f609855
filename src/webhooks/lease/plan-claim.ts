// Decides how many deliveries of which subscriptions to claim, when enough deliveries have ended to justify a claim, and where in each
// queue the next claim continues. The functions have no side effects; drain.ts has the timers and runs the claims.
import { allSlots, slotsFor } from '../../runtime/slot-share.js';
import { countOf, type DeliveryInHand, type Want } from './claim.js';
import type { Costs } from './costs.js';
import { addTo, type InFlight, type Target } from './in-flight.js';
import type { Entry, RoundRobin } from './round-robin.js';

/**
 * Maximum number of deliveries in progress: in all, per subscription, and per destination host. Beyond the total and the maximum of a
 * host, some slots are reserved for tenants with few deliveries in progress (`slotsFor`).
 */
export interface Bounds {
  total: number;
  perSubscription: number;
  perHost: number;
}

/** Numbers of deliveries in progress: `total`, `of(subscriptionId)`, and by target; and the limits of subscriptions with slow queries. */
export type Load = Pick<InFlight, 'total' | 'of' | 'limitOf' | 'targets'>;

/** The subscriptions that may have due deliveries, in one queue per target. */
export type Queues = Pick<RoundRobin, 'width' | 'byTarget' | 'tenantsAt'>;

export interface PlannedWant extends Want {
  target: Target | undefined;
  /**
   * The subscription's entry in its queue when the claim was planned. If its entry is a different one after the claim, the subscription was
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

/** Least number of deliveries to claim of one subscription before other waiting subscriptions get their share. */
const PORTION = 24;

/**
 * Maximum number of deliveries in progress of a subscription whose target is unknown. All such subscriptions together share the limit of
 * one host, because their hosts may be the same. A target becomes known when the subscription's first delivery is prepared.
 */
const MAX_OF_UNKNOWN_TARGET = 4;

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
 * Plans a claim. Each waiting subscription gets up to one portion, in round-robin order, as long as its tenant has less than an equal part
 * of its host. The remaining slots go to the subscriptions that got a full portion.
 */
export function planClaim(
  queues: Queues,
  load: Load,
  bounds: Bounds,
  nowMs: number,
  costs?: Pick<Costs, 'mayStart' | 'isCostly' | 'isKnown'>,
): ClaimPlan {
  const slots = new FreeSlots(load, bounds, nowMs, costs);
  const wants: PlannedWant[] = [];
  const full: PlannedWant[] = [];
  for (const [target, queue] of queues.byTarget()) {
    if (slots.areTaken) break;
    const portion = Math.max(PORTION, Math.ceil(bounds.perHost / queues.width / queue.size));
    const part = Math.ceil(bounds.perHost / queues.tenantsAt(target?.host));
    for (const [subscriptionId, entry] of queue) {
      const left = Math.min(slots.at(target), part - slots.takenAt(target));
      if (left <= 0) break;
      const count = Math.min(portion, left, slots.of(subscriptionId, target));
      if (count <= 0) continue;
      const want = { subscriptionId, count, after: entry.cursorAt(nowMs), target, entry };
      wants.push(want);
      if (count === portion) full.push(want);
      slots.take(subscriptionId, target, count);
    }
  }
  for (const want of full) {
    const more = slots.of(want.subscriptionId, want.target);
    if (more <= 0) continue;
    want.count += more;
    slots.take(want.subscriptionId, want.target, more);
  }
  return { wants: [...wants, ...planExtras(queues, wants, slots, nowMs)], total: countOf(wants) };
}

/** Counts the slots that a plan has not assigned yet. */
class FreeSlots {
  private inUse: number;
  private readonly ofSubscription = new Map<string, number>();
  private readonly atHost = new Map<string | undefined, number>();
  private readonly ofTenant = new Map<string | undefined, number>();
  /** The tenants for which the plan already has costly deliveries. */
  private readonly ofCostly = new Set<string>();
  /** By tenant: the planned deliveries of subscriptions of which none has been made, so that their cost is unknown. */
  private readonly ofUnknown = new Map<string, number>();
  private readonly atTarget = new Map<Target | undefined, number>();

  constructor(
    private readonly load: Load,
    private readonly bounds: Bounds,
    private readonly nowMs: number,
    private readonly costs?: Pick<Costs, 'mayStart' | 'isCostly' | 'isKnown'>,
  ) {
    this.inUse = load.total;
    for (const [target, count] of load.targets()) this.count(target, count);
  }

  /** Whether no tenant may start a further delivery. */
  get areTaken(): boolean {
    return this.inUse >= allSlots(this.bounds.total);
  }

  /** Returns how many deliveries to a target are in progress or planned. */
  takenAt(target: Target | undefined): number {
    return this.atTarget.get(target) ?? 0;
  }

  /** Returns how many more deliveries to a target may start. */
  at(target: Target | undefined): number {
    const { perHost } = this.bounds;
    const atHost = this.atHost.get(target?.host) ?? 0;
    const ofTarget = target ? slotsFor(this.takenAt(target), atHost, perHost) : perHost - atHost;
    return Math.min(ofTarget, this.ofTenantOf(target));
  }

  /** Returns how many more deliveries of a subscription this claim may request. */
  of(subscriptionId: string, target: Target | undefined): number {
    const limit = target === undefined ? MAX_OF_UNKNOWN_TARGET : this.bounds.perSubscription;
    return Math.min(this.insteadOf(subscriptionId, target, limit), this.at(target));
  }

  /** Like `of`, but without the limits of the target, for deliveries that take the place of others to the same target. */
  insteadOf(subscriptionId: string, target: Target | undefined, limit = this.bounds.perSubscription): number {
    const inProgress = this.load.of(subscriptionId) + (this.ofSubscription.get(subscriptionId) ?? 0);
    const share = Math.min(shareOf(inProgress, this.ofTenantOf(target)), Math.min(limit, this.load.limitOf(subscriptionId)) - inProgress);
    if (share <= 0 || target === undefined || !this.costs) return share;
    const { tenant } = target;
    if (this.ofCostly.has(tenant) && this.costs.isCostly(subscriptionId)) return 0;
    const may = this.costs.mayStart(subscriptionId, tenant, this.nowMs);
    return Math.min(share, may - (this.ofUnknown.get(tenant) ?? 0));
  }

  take(subscriptionId: string, target: Target | undefined, count: number): void {
    this.inUse += count;
    if (target && this.costs) {
      if (this.costs.isCostly(subscriptionId)) this.ofCostly.add(target.tenant);
      else if (!this.costs.isKnown(subscriptionId)) addTo(this.ofUnknown, target.tenant, count);
    }
    addTo(this.ofSubscription, subscriptionId, count);
    this.count(target, count);
  }

  /** Returns how many more deliveries of the target's tenant may start. */
  private ofTenantOf(target: Target | undefined): number {
    const { total } = this.bounds;
    return target ? slotsFor(this.ofTenant.get(target.tenant) ?? 0, this.inUse, total) : total - this.inUse;
  }

  private count(target: Target | undefined, count: number): void {
    addTo(this.atHost, target?.host, count);
    addTo(this.ofTenant, target?.tenant, count);
    addTo(this.atTarget, target, count);
  }
}

/**
 * Returns extra subscriptions, whose deliveries are claimed only if the planned subscriptions have fewer due than requested. They have the
 * target of all planned subscriptions, so that the claim's `total` also limits the deliveries to that target. If the planned subscriptions
 * have one host but several tenants, the extras of a tenant are limited to its free slots. Returns none if the planned subscriptions have
 * several hosts, or an unknown one.
 */
function planExtras(queues: Queues, wants: readonly PlannedWant[], slots: FreeSlots, nowMs: number): PlannedWant[] {
  const [only, ...otherTargets] = new Set(wants.map(({ target }) => target));
  if (only === undefined || otherTargets.some((target) => target?.host !== only.host)) return [];
  const planned = new Set(wants.map(({ subscriptionId }) => subscriptionId));
  const extras: PlannedWant[] = [];
  for (const [target, queue] of queues.byTarget()) {
    if (target?.host !== only.host) continue;
    let left = otherTargets.length === 0 && target === only ? Number.POSITIVE_INFINITY : slots.at(target);
    for (const [subscriptionId, entry] of queue) {
      if (extras.length === MAX_EXTRAS) return extras;
      if (planned.has(subscriptionId)) continue;
      const count = Math.min(PORTION, slots.insteadOf(subscriptionId, target), left);
      if (count <= 0) continue;
      extras.push({ subscriptionId, count, after: entry.cursorAt(nowMs), target, entry });
      left -= count;
    }
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
  // If a claim returned `total` deliveries, it did not search the subscriptions after the last one from which it claimed.
  const isFull = batch.length === total;
  const end = isFull ? wants.findLastIndex(({ subscriptionId }) => counts.has(subscriptionId)) : wants.length;
  return wants.slice(0, end + 1).map(({ subscriptionId, count, after, entry }, index) => {
    const claimed = last.get(subscriptionId);
    // If fewer deliveries were claimed than requested, no more are due after the position at which this claim started. due-scan.ts finds
    // those before it.
    const isDone = claimed === undefined || (index < end && (counts.get(subscriptionId) ?? 0) < count);
    const next = isDone ? null : entry.next({ dueAt: claimed.dueAt, id: claimed.id }, after, nowMs);
    return { subscriptionId, had: entry, next };
  });
}
