// Limits how many deliveries of unknown cost a tenant has in progress, so that many costly ones don't start together.

/** Number of such deliveries that a tenant may have in progress at first, and at least. */
const LEAST = 2;
/** Each cheap subscription raises the number by one, up to this one. */
const MOST = 64;
/** Milliseconds after which as many as LEAST may start beside those that are still unknown, e.g. because their host has no free slot. */
const PATIENCE_MS = 250;
/** Number of tenants that are remembered. */
const MOST_TENANTS = 10_000;

interface Tenant {
  limit: number;
  inProgress: number;
  startedMs: number;
}

/** Deliveries in progress of a subscription of unknown cost. */
interface Probe {
  tenant: Tenant | null;
  count: number;
}

export class Probes {
  private readonly bySubscription = new Map<string, Probe>();
  private readonly byTenant = new Map<string, Tenant>();

  /** Returns how many deliveries of a subscription of unknown cost may start. */
  mayStart(tenant: string, nowMs: number): number {
    const known = this.byTenant.get(tenant);
    if (!known) return LEAST;
    return Math.max(0, known.limit - known.inProgress, nowMs - known.startedMs > PATIENCE_MS ? LEAST : 0);
  }

  /** Returns the milliseconds until more may start, whatever becomes known; `null` when no cost is unknown. */
  get waitMs(): number | null {
    return this.bySubscription.size === 0 ? null : PATIENCE_MS;
  }

  /** `tenant`: `undefined` while it is unknown. */
  start(subscriptionId: string, tenant: string | undefined, nowMs: number): void {
    const of = tenant === undefined ? null : this.tenant(tenant);
    if (of) of.startedMs = nowMs;
    const known = this.bySubscription.get(subscriptionId);
    if (known) {
      known.count += 1;
      if (known.tenant) known.tenant.inProgress += 1;
      return;
    }
    if (of) of.inProgress += 1;
    this.bySubscription.set(subscriptionId, { tenant: of, count: 1 });
  }

  /** Notes that a delivery has ended, whether or not the cost of its subscription has become known. */
  end(subscriptionId: string): void {
    const known = this.bySubscription.get(subscriptionId);
    if (!known) return;
    known.count -= 1;
    // It needed neither a query nor a template, or failed by a fault of the host.
    if (known.tenant) raise(known.tenant);
    if (known.tenant) known.tenant.inProgress -= 1;
    if (known.count === 0) this.bySubscription.delete(subscriptionId);
  }

  /** The cost of a subscription is known. Returns how many of its deliveries had started before. */
  learn(subscriptionId: string, tenant: string, isCostly: boolean): number {
    const known = this.bySubscription.get(subscriptionId);
    this.bySubscription.delete(subscriptionId);
    if (known?.tenant) known.tenant.inProgress -= known.count;
    const of = this.tenant(tenant);
    if (isCostly) of.limit = LEAST;
    else raise(of);
    return known?.count ?? 0;
  }

  private tenant(name: string): Tenant {
    const known = this.byTenant.get(name);
    if (known) return known;
    if (this.byTenant.size >= MOST_TENANTS) this.byTenant.clear();
    const tenant = { limit: LEAST, inProgress: 0, startedMs: 0 };
    this.byTenant.set(name, tenant);
    return tenant;
  }
}

function raise(tenant: Tenant): void {
  tenant.limit = Math.min(MOST, tenant.limit + 1);
}
