// Spaces the costly deliveries of a tenant while other tenants are active, so that most of the event loop is left to them.
import { loopShare } from '../../runtime/loop-share.js';

/** Milliseconds of the event loop from which a delivery is costly. Ordinary ones take less than one. */
const COSTLY_MS = 4;
/** The part of the event loop that costly deliveries of one tenant may use beside other tenants. */
const PART = 0.25;
/** Milliseconds of the event loop that costly deliveries which start together may use. A single one may take longer. */
const BURST_MS = 20;
/** Characters of a body that cost a millisecond: to render, sign, send, compress and record it. */
const CHARACTERS_PER_MS = 50_000;
/** The weight of a new cost that is lower than the known one. */
const FORGET = 0.2;
/** Number of subscriptions whose cost is remembered. */
const MOST_KNOWN = 10_000;

/** The cost of a delivery: milliseconds of the event loop for its query, and the characters of its body. */
export interface Taken {
  queryMs: number;
  characters: number;
}

export class Costs {
  private readonly byId = new Map<string, number>();
  /** By tenant: the time by `performance.now()` at which it may start its next costly delivery. */
  private readonly nextAtMs = new Map<string, number>();

  constructor(private readonly isAlone: (tenant: string) => boolean = (tenant) => loopShare.isAlone({ party: tenant })) {}

  note(subscriptionId: string, { queryMs, characters }: Taken): void {
    const ms = queryMs + characters / CHARACTERS_PER_MS;
    const known = this.byId.get(subscriptionId) ?? 0;
    if (this.byId.size >= MOST_KNOWN && !this.byId.has(subscriptionId)) this.byId.clear();
    this.byId.set(subscriptionId, ms > known ? ms : known + (ms - known) * FORGET);
  }

  /** Whether a delivery of the subscription is known to be costly. */
  isCostly(subscriptionId: string): boolean {
    return (this.byId.get(subscriptionId) ?? 0) > COSTLY_MS;
  }

  /** Returns how many deliveries of the tenant's subscription may start now. */
  mayStart(subscriptionId: string, tenant: string, nowMs: number): number {
    const ms = this.byId.get(subscriptionId) ?? 0;
    if (ms <= COSTLY_MS || this.isAlone(tenant)) return Number.POSITIVE_INFINITY;
    return nowMs < (this.nextAtMs.get(tenant) ?? 0) ? 0 : Math.max(1, Math.floor(BURST_MS / ms));
  }

  /** Notes that a delivery starts. */
  start(subscriptionId: string, tenant: string, nowMs: number): void {
    const ms = this.byId.get(subscriptionId) ?? 0;
    if (ms <= COSTLY_MS) return;
    this.nextAtMs.set(tenant, Math.max(nowMs, this.nextAtMs.get(tenant) ?? 0) + ms / PART);
  }

  /** Returns the milliseconds until a tenant may start its next costly delivery; `null` when none waits for that. */
  waitMs(nowMs: number): number | null {
    let least: number | null = null;
    for (const [tenant, atMs] of this.nextAtMs) {
      if (atMs <= nowMs) this.nextAtMs.delete(tenant);
      else if (least === null || atMs - nowMs < least) least = atMs - nowMs;
    }
    return least;
  }
}
