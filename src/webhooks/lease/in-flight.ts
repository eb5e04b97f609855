// Counts the deliveries in progress of this process: in all, per subscription, and per target. Limits those of subscriptions whose queries
// are too slow.

/** The tenant and the host that deliveries go to. Each such pair has one object, so that deliveries can be counted by it. */
export interface Target {
  readonly host: string;
  readonly tenant: string;
}

/** The subscription and target under which one delivery in progress is counted. */
export interface Slot {
  readonly subscriptionId: string;
  /** `undefined` while the subscription's target is unknown. */
  target: Target | undefined;
}

/** A subscription whose queries exceeded their time limit: its limit of deliveries in progress, and their number before there was one. */
interface Narrowed {
  limit: number;
  before: number;
  atMs: number;
}

/** Number of deliveries that may be in progress, however slow the subscription's queries are. */
const LEAST = 4;
/** Milliseconds between two halvings of a limit, because queries that began together exceed their time limit together. */
const NARROW_EVERY_MS = 1_000;
/** Added to the limit for each query in time, so that the limit rises by a tenth after as many deliveries as the limit. */
const WIDEN_BY = 0.1;

export class InFlight {
  /** Number of deliveries in progress. */
  total = 0;
  private readonly bySubscription = new Map<string, number>();
  private readonly byTarget = new Map<Target | undefined, number>();
  /** The deliveries in progress whose target is unknown, by subscription id. */
  private readonly unknown = new Map<string, Set<Slot>>();
  private readonly narrowed = new Map<string, Narrowed>();

  of(subscriptionId: string): number {
    return this.bySubscription.get(subscriptionId) ?? 0;
  }

  /** Returns how many deliveries of a subscription may be in progress, as far as the times of its queries limit it. */
  limitOf(subscriptionId: string): number {
    return Math.floor(this.narrowed.get(subscriptionId)?.limit ?? Number.POSITIVE_INFINITY);
  }

  /**
   * Halves the number of deliveries of a subscription that may be in progress, after its query exceeded a time limit: on a busy machine,
   * all queries are late while too many run at once.
   */
  narrow(subscriptionId: string, nowMs: number): void {
    const known = this.narrowed.get(subscriptionId);
    if (known && nowMs - known.atMs < NARROW_EVERY_MS) return;
    const now = known?.limit ?? this.of(subscriptionId);
    this.narrowed.set(subscriptionId, { limit: Math.max(LEAST, now / 2), before: known?.before ?? now, atMs: nowMs });
  }

  /** Raises the limit after a query in time. Removes it when it reaches the number of deliveries that were in progress before. */
  widen(subscriptionId: string): void {
    const known = this.narrowed.get(subscriptionId);
    if (!known) return;
    known.limit += WIDEN_BY;
    if (known.limit >= known.before) this.narrowed.delete(subscriptionId);
  }

  /** Returns the number of deliveries in progress for each target; `undefined` stands for the unknown targets. */
  targets(): Iterable<[Target | undefined, number]> {
    return this.byTarget;
  }

  take(subscriptionId: string, target: Target | undefined): Slot {
    const slot: Slot = { subscriptionId, target };
    this.total += 1;
    addTo(this.bySubscription, subscriptionId, 1);
    addTo(this.byTarget, target, 1);
    if (target === undefined) this.unknown.set(subscriptionId, (this.unknown.get(subscriptionId) ?? new Set()).add(slot));
    return slot;
  }

  release(slot: Slot): void {
    this.total -= 1;
    addTo(this.bySubscription, slot.subscriptionId, -1);
    addTo(this.byTarget, slot.target, -1);
    if (slot.target !== undefined) return;
    const slots = this.unknown.get(slot.subscriptionId);
    slots?.delete(slot);
    if (slots?.size === 0) this.unknown.delete(slot.subscriptionId);
  }

  /** Counts deliveries whose target was unknown under their target, if `targetOf` now returns it. */
  learnTargets(targetOf: (subscriptionId: string) => Target | undefined): void {
    for (const [subscriptionId, slots] of this.unknown) {
      const target = targetOf(subscriptionId);
      if (target === undefined) continue;
      this.unknown.delete(subscriptionId);
      for (const slot of slots) slot.target = target;
      addTo(this.byTarget, undefined, -slots.size);
      addTo(this.byTarget, target, slots.size);
    }
  }
}

/** Adds `by` to the count of `key`. Removes the key when its count becomes 0, so that the map doesn't grow. */
export function addTo<Key>(counts: Map<Key, number>, key: Key, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
