// Bounds the memory of large bodies whose requests are under way: per subscription, per tenant and in all. Deliveries beyond it wait, or go
// back into the queue.

/** Length of a body, in characters, up to which it isn't counted. The limit on deliveries in progress bounds the memory of such bodies. */
export const SMALL_BODY = 32_768;
/** Maximum lengths of all counted bodies, in characters. A body takes about twice as many bytes: its text, and what is being sent. */
export const BYTES_IN_FLIGHT = { perSubscription: 16_000_000, total: 64_000_000 };
/** Number of subscriptions whose last length is remembered. */
const KNOWN = 10_000;

/** Thrown when a body doesn't fit beside those under way. Its delivery goes back into the queue without a counted attempt. */
export class NoRoomForBody extends Error {
  override name = 'NoRoomForBody';
}

interface Sender {
  subscriptionId: string;
  tenant: string;
}

/** The memory that one delivery has reserved. */
export interface Hold {
  /**
   * Corrects the reservation to the length of the body.
   * @throws NoRoomForBody when it doesn't fit
   */
  resize(length: number): void;
  /** Must be called once, when the request has ended. */
  release(): void;
}

export class BytesInFlight {
  private total = 0;
  private readonly bySubscription = new Map<string, number>();
  private readonly byTenant = new Map<string, number>();
  /** The length of each subscription's last body, if it was not small. */
  private readonly lastLengths = new Map<string, number>();
  private waiting: { sender: Sender; length: number; go(hold: Hold | null): void }[] = [];
  private isClosed = false;

  constructor(private readonly limits = BYTES_IN_FLIGHT) {}

  /**
   * Reserves as much as the subscription's last body took. Returns a promise when that doesn't fit yet; it resolves to `null` when `close`
   * was called first.
   */
  take(sender: Sender): Hold | Promise<Hold | null> {
    const length = this.lastLengths.get(sender.subscriptionId) ?? 0;
    if (length === 0 || this.fits(sender, length)) return this.hold(sender, length);
    if (this.isClosed) return Promise.resolve(null);
    return new Promise((go) => void this.waiting.push({ sender, length, go }));
  }

  /** Refuses all waiting deliveries, and later ones that would have to wait. */
  close(): void {
    this.isClosed = true;
    for (const { go } of this.waiting.splice(0)) go(null);
  }

  private hold(sender: Sender, length: number): Hold {
    let held = 0;
    const set = (next: number) => {
      this.add(sender, next - held);
      held = next;
    };
    set(length);
    return {
      resize: (actual) => {
        const next = actual > SMALL_BODY ? actual : 0;
        this.remember(sender.subscriptionId, next);
        if (next > held && !this.fits(sender, next - held)) {
          throw new NoRoomForBody(`A body of ${actual} characters doesn't fit beside those under way.`);
        }
        const isLess = next < held;
        if (next !== held) set(next);
        if (isLess) this.startWaiting();
      },
      release: () => {
        if (held === 0) return;
        set(0);
        this.startWaiting();
      },
    };
  }

  /**
   * Whether `length` more characters fit. A tenant may hold at most as much as it leaves free for others. If it holds nothing yet, a body
   * always fits as long as anything is free.
   */
  private fits({ subscriptionId, tenant }: Sender, length: number): boolean {
    const ofTenant = this.byTenant.get(tenant) ?? 0;
    const free = this.limits.total - this.total;
    if (ofTenant === 0) return free > 0;
    const ofSubscription = this.bySubscription.get(subscriptionId) ?? 0;
    return ofTenant + length <= (free + ofTenant) / 2 && (ofSubscription === 0 || ofSubscription + length <= this.limits.perSubscription);
  }

  private add({ subscriptionId, tenant }: Sender, length: number): void {
    if (length === 0) return;
    this.total += length;
    for (const [counts, key] of [
      [this.bySubscription, subscriptionId],
      [this.byTenant, tenant],
    ] as const) {
      const count = (counts.get(key) ?? 0) + length;
      if (count > 0) counts.set(key, count);
      else counts.delete(key);
    }
  }

  private remember(subscriptionId: string, length: number): void {
    if (length === 0) {
      this.lastLengths.delete(subscriptionId);
      return;
    }
    if (this.lastLengths.size >= KNOWN) this.lastLengths.clear();
    this.lastLengths.set(subscriptionId, length);
  }

  private startWaiting(): void {
    if (this.waiting.length === 0) return;
    const still: typeof this.waiting = [];
    for (const delivery of this.waiting) {
      if (this.fits(delivery.sender, delivery.length)) delivery.go(this.hold(delivery.sender, delivery.length));
      else still.push(delivery);
    }
    this.waiting = still;
  }
}
