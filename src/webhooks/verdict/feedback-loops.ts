// Finds feedback loops: a receiver answers each notification about a node with a write to that node, which causes the next notification.
// Their notifications are sent with growing pauses, so that a loop takes nobody's capacity; none is dropped.

/** A write counts as the answer to a notification if its delivery was created within this time after the notification was sent. */
export const ANSWERED_WITHIN_MS = 5000;
/** The number of notifications in a row, each caused by the answer to the last, after which the node may be in a loop. */
export const ROUNDS = 30;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** Maximum number of nodes to remember; one more evicts the oldest. */
const MAX_NODES = 10_000;

interface Claimed {
  id: string;
  subscriptionId: string;
  typename: string;
  nodeKey: string;
  createdAtMs: number;
}

/** The last notification about a node. */
interface Last {
  deliveryId: string;
  /** Wall-clock time at which it was sent; `null` while it waits. */
  sentAtMs: number | null;
  rounds: number;
}

/** `isNew`: the loop was not slowed before. */
export interface Slowed {
  waitMs: number;
  isNew: boolean;
}

export class FeedbackLoops {
  private readonly nodes = new Map<string, Last>();

  /**
   * Returns how long the delivery must still wait, if it may be in a loop; `null` when it may be sent now, and then counts it as sent. In a
   * loop, each delivery is created after the last was sent; a delivery created before shows that the node changes by itself.
   */
  check({ id, subscriptionId, typename, nodeKey, createdAtMs }: Claimed, nowMs: number): Slowed | null {
    const key = `${subscriptionId} ${typename} ${nodeKey}`;
    const last = this.nodes.get(key);
    const rounds = last === undefined ? 0 : last.deliveryId === id ? last.rounds : isAnswer(last, createdAtMs) ? last.rounds + 1 : 0;
    const pauseMs = rounds < ROUNDS ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (rounds - ROUNDS), LONGEST_PAUSE_MS);
    // Counted from the creation, so that no two workers make the same delivery wait one after the other.
    const waitMs = Math.max(0, createdAtMs + pauseMs - nowMs);
    this.nodes.set(key, { deliveryId: id, sentAtMs: waitMs === 0 ? nowMs : null, rounds });
    if (this.nodes.size > MAX_NODES) this.nodes.delete(this.nodes.keys().next().value as string);
    return waitMs === 0 ? null : { waitMs, isNew: rounds === ROUNDS };
  }

  /** Lets a node that is in no loop begin at 0 again; it has been sent. */
  acquit({ id, subscriptionId, typename, nodeKey }: Claimed, nowMs: number): void {
    this.nodes.set(`${subscriptionId} ${typename} ${nodeKey}`, { deliveryId: id, sentAtMs: nowMs, rounds: 0 });
  }
}

const isAnswer = ({ sentAtMs }: Last, createdAtMs: number): boolean =>
  sentAtMs !== null && createdAtMs >= sentAtMs && createdAtMs - sentAtMs < ANSWERED_WITHIN_MS;
