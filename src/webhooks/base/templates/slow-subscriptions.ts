// Remembers for a while which subscriptions rendered slowly, so that their templates run alone in the slow process.

/** The subscription that a rendering is attributed to. If the rendering is slow, the subscription moves to the slow process. */
export interface Payer {
  tenant: string;
  /** The subscription's id, or another stable key. */
  key: string;
  /** Whether the templates are only checked, previewed or tested. Their rendering time is unknown, so the slow process renders them. */
  isTrial?: boolean;
}

/** Milliseconds after a slow rendering for which the templates of its subscription run alone in the slow process. */
export const SLOW_FOR_MS = 60_000;
/** If a tenant has this number of slow subscriptions, all its subscriptions count as slow. */
const MAX_SLOW = 5;
const MAX_TENANTS = 10_000;

/** All times are milliseconds by `performance.now()`. */
export class SlowSubscriptions {
  private readonly untilByTenant = new Map<string, Map<string, number>>();

  mark({ tenant, key }: Payer, nowMs: number): void {
    if (this.untilByTenant.size >= MAX_TENANTS) this.untilByTenant.clear();
    const untilByKey = this.untilByTenant.get(tenant) ?? new Map<string, number>();
    this.untilByTenant.set(tenant, untilByKey);
    untilByKey.set(key, nowMs + SLOW_FOR_MS);
  }

  has({ tenant, key, isTrial }: Payer, nowMs: number): boolean {
    if (isTrial) return true;
    const untilByKey = this.untilByTenant.get(tenant);
    if (!untilByKey) return false;
    for (const [other, until] of untilByKey) if (until < nowMs) untilByKey.delete(other);
    if (untilByKey.size === 0) this.untilByTenant.delete(tenant);
    return untilByKey.has(key) || untilByKey.size >= MAX_SLOW;
  }
}
