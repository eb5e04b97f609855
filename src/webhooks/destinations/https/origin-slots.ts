// Limits the number of concurrent requests to one origin: each request takes a slot, and further requests wait for a free one. The
// tenants that send to the origin share its slots. A fifth more slots are reserved for tenants that hold few.
import { slotsFor } from '../../../runtime/slot-share.js';

/**
 * Waiting requests start in batches, because requests that start together share database reads, renderings and writes. A batch starts when
 * BATCH_SIZE slots are free, or enough for all waiting requests, and at the latest GATHER_MS milliseconds after a slot became free.
 */
const BATCH_SIZE = 100;
const GATHER_MS = 5;

/** The requests of one tenant to one origin. */
interface Party {
  /** Number of the tenant's requests in progress. */
  held: number;
  waiting: ((isFree: boolean) => void)[];
}

interface Origin {
  /** Number of requests in progress, of all tenants. */
  inUse: number;
  /** Number of waiting requests, of all tenants. */
  waiting: number;
  /** The requests by tenant. The tenant whose waiting request was started last is at the end. */
  parties: Map<string, Party>;
  gathering: NodeJS.Timeout | undefined;
}

export class OriginSlots {
  private readonly origins = new Map<string, Origin>();
  private closed = false;

  /** @param limit the slots that one tenant may hold */
  constructor(private readonly limit: number) {}

  /**
   * Reserves a slot for a tenant. Returns `null` when one is free at once. Otherwise returns a promise: `true` when a slot was reserved,
   * `false` when `close` was called first. Call `release` after the request.
   */
  take(key: string, tenant: string): Promise<boolean> | null {
    const origin = this.origins.get(key) ?? { inUse: 0, waiting: 0, parties: new Map(), gathering: undefined };
    if (origin.inUse === 0) this.origins.set(key, origin);
    const party = origin.parties.get(tenant) ?? { held: 0, waiting: [] };
    if (party.held === 0) origin.parties.set(tenant, party);
    if (party.waiting.length === 0 && this.fits(origin, party)) {
      origin.inUse += 1;
      party.held += 1;
      return null;
    }
    if (this.closed) return Promise.resolve(false);
    origin.waiting += 1;
    return new Promise((resolve) => void party.waiting.push(resolve));
  }

  release(key: string, tenant: string): void {
    const origin = this.origins.get(key);
    const party = origin?.parties.get(tenant);
    if (origin === undefined || party === undefined) return;
    origin.inUse -= 1;
    party.held -= 1;
    if (party.held === 0 && party.waiting.length === 0) origin.parties.delete(tenant);
    if (origin.waiting === 0) {
      if (origin.inUse === 0) this.origins.delete(key);
    } else if (this.limit - origin.inUse >= Math.min(BATCH_SIZE, origin.waiting)) this.fill(origin);
    else origin.gathering ??= setTimeout(() => this.fill(origin), GATHER_MS);
  }

  private fits({ inUse }: Origin, { held }: Party): boolean {
    return slotsFor(held, inUse, this.limit) > 0;
  }

  private fill(origin: Origin): void {
    clearTimeout(origin.gathering);
    origin.gathering = undefined;
    for (let next = this.next(origin); next; next = this.next(origin)) {
      const [tenant, party] = next;
      origin.parties.delete(tenant);
      origin.parties.set(tenant, party);
      origin.waiting -= 1;
      origin.inUse += 1;
      party.held += 1;
      party.waiting.shift()?.(true);
    }
  }

  /** Returns the waiting tenant with the fewest slots that may take another slot; among equals, the one that was served longest ago. */
  private next(origin: Origin): [tenant: string, Party] | undefined {
    let least: [string, Party] | undefined;
    for (const [tenant, party] of origin.parties)
      if (party.waiting.length > 0 && (!least || party.held < least[1].held)) least = [tenant, party];
    return least && this.fits(origin, least[1]) ? least : undefined;
  }

  /** Refuses all waiting requests, and later ones that would have to wait. */
  close(): void {
    this.closed = true;
    for (const [key, origin] of this.origins) {
      clearTimeout(origin.gathering);
      origin.gathering = undefined;
      origin.waiting = 0;
      for (const party of origin.parties.values()) for (const resolve of party.waiting.splice(0)) resolve(false);
      if (origin.inUse === 0) this.origins.delete(key);
    }
  }
}
