// Subscriptions that may have something due -> in whose turn they are asked, by the host that they go to.
import type { Cursor } from './claim.js';

/** A cursor may hide a row for this long: one that commits late or is due again earlier than the last one claimed. */
const CURSOR_LIFE_MS = 1000;

export class Turn {
  constructor(
    private cursor: Cursor | null = null,
    private readonly sinceMs = 0,
  ) {}

  /** Its cursor, unless that has hidden what it hides for long enough. */
  after(): Cursor | null {
    if (this.cursor && Date.now() - this.sinceMs > CURSOR_LIFE_MS) this.cursor = null;
    return this.cursor;
  }

  /** Its next one, when so far was claimed in this one. */
  next(cursor: Cursor): Turn {
    return new Turn(cursor, this.cursor === null ? Date.now() : this.sinceMs);
  }
}

type Queue = Map<string, Turn>;

/** A queue for each host, so that those of a host that has no room are not walked; whoever had a turn goes to the back, and its host too. */
export class Turns {
  private readonly queues = new Map<string | undefined, Queue>();
  /** Where each of them is. */
  private readonly hosts = new Map<string, string | undefined>();

  constructor(private readonly hostOf: (subscriptionId: string) => string | undefined) {}

  get size(): number {
    return this.hosts.size;
  }

  /** Afresh; one that waits already keeps its place. */
  wake(subscriptionId: string): void {
    if (this.hosts.get(subscriptionId) !== this.hostOf(subscriptionId)) this.remove(subscriptionId);
    this.put(subscriptionId, new Turn());
  }

  /** In the order of their turns; those whose host isn't known yet are one queue. */
  byHost(): Iterable<[host: string | undefined, Queue]> {
    for (const [subscriptionId, turn] of this.queues.get(undefined) ?? []) {
      if (this.hostOf(subscriptionId) === undefined) continue;
      this.remove(subscriptionId);
      this.put(subscriptionId, turn);
    }
    return this.queues;
  }

  queue(host: string | undefined): Iterable<[subscriptionId: string, Turn]> {
    return this.queues.get(host) ?? [];
  }

  /** @param next null: it has nothing more. Woken since `had` it stays as it is. */
  end(subscriptionId: string, had: Turn, next: Turn | null): void {
    const host = this.hosts.get(subscriptionId);
    if (this.queues.get(host)?.get(subscriptionId) !== had) return;
    this.remove(subscriptionId);
    if (next !== null) this.put(subscriptionId, next);
    const queue = this.queues.get(host);
    if (queue === undefined) return;
    this.queues.delete(host);
    this.queues.set(host, queue);
  }

  private put(subscriptionId: string, turn: Turn): void {
    const host = this.hostOf(subscriptionId);
    const queue = this.queues.get(host) ?? new Map<string, Turn>();
    queue.set(subscriptionId, turn);
    this.queues.set(host, queue);
    this.hosts.set(subscriptionId, host);
  }

  private remove(subscriptionId: string): void {
    const host = this.hosts.get(subscriptionId);
    const queue = this.queues.get(host);
    this.hosts.delete(subscriptionId);
    queue?.delete(subscriptionId);
    if (queue?.size === 0) this.queues.delete(host);
  }
}
