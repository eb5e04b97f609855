// Counts the deliveries in progress of this process: in all, per subscription, and per destination host.

/** The subscription and host under which one delivery in progress is counted. */
export interface Slot {
  readonly subscriptionId: string;
  /** `undefined` while the subscription's host is unknown. */
  host: string | undefined;
}

export class InFlight {
  /** Number of deliveries in progress. */
  total = 0;
  private readonly bySubscription = new Map<string, number>();
  private readonly byHost = new Map<string | undefined, number>();
  /** The deliveries in progress whose host is unknown, by subscription id. */
  private readonly unknown = new Map<string, Set<Slot>>();

  of(subscriptionId: string): number {
    return this.bySubscription.get(subscriptionId) ?? 0;
  }

  /** Returns the number of deliveries in progress at a host; for `undefined`, of all deliveries whose host is unknown. */
  at(host: string | undefined): number {
    return this.byHost.get(host) ?? 0;
  }

  take(subscriptionId: string, host: string | undefined): Slot {
    const slot: Slot = { subscriptionId, host };
    this.total += 1;
    addTo(this.bySubscription, subscriptionId, 1);
    addTo(this.byHost, host, 1);
    if (host === undefined) this.unknown.set(subscriptionId, (this.unknown.get(subscriptionId) ?? new Set()).add(slot));
    return slot;
  }

  release(slot: Slot): void {
    this.total -= 1;
    addTo(this.bySubscription, slot.subscriptionId, -1);
    addTo(this.byHost, slot.host, -1);
    if (slot.host !== undefined) return;
    const slots = this.unknown.get(slot.subscriptionId);
    slots?.delete(slot);
    if (slots?.size === 0) this.unknown.delete(slot.subscriptionId);
  }

  /** Counts deliveries whose host was unknown under their host, if `hostOf` now returns it. */
  learnHosts(hostOf: (subscriptionId: string) => string | undefined): void {
    for (const [subscriptionId, slots] of this.unknown) {
      const host = hostOf(subscriptionId);
      if (host === undefined) continue;
      this.unknown.delete(subscriptionId);
      for (const slot of slots) slot.host = host;
      addTo(this.byHost, undefined, -slots.size);
      addTo(this.byHost, host, slots.size);
    }
  }
}

/** Adds `by` to the count of `key`. Removes the key when its count becomes 0, so that the map doesn't grow. */
export function addTo<Key>(counts: Map<Key, number>, key: Key, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
