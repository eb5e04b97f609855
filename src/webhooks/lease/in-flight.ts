// Counts the deliveries in progress of this process: in all, per subscription, and per target.

/** Where the deliveries of one tenant to one host go. There is one object for each of them, by which its deliveries are counted. */
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

export class InFlight {
  /** Number of deliveries in progress. */
  total = 0;
  private readonly bySubscription = new Map<string, number>();
  private readonly byTarget = new Map<Target | undefined, number>();
  /** The deliveries in progress whose target is unknown, by subscription id. */
  private readonly unknown = new Map<string, Set<Slot>>();

  of(subscriptionId: string): number {
    return this.bySubscription.get(subscriptionId) ?? 0;
  }

  /** Returns the targets with deliveries in progress, and their number; `undefined`: of all deliveries whose target is unknown. */
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
