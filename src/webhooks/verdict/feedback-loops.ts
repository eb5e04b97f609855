// Finds feedback loops: a receiver answers each notification about a node with a write to that node, which causes the next notification.
// Their notifications are sent with growing pauses, so that a loop takes nobody's capacity; none is dropped.
import { ANSWERED_WITHIN_MS } from './loop-probe.js';

/** The number of notifications in a row, each caused by the answer to the last, after which the node may be in a loop. */
export const ROUNDS = 30;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/**
 * Number of nodes that can be remembered, a power of two. Each has its place by a hash, and replaces another there, so that a node costs no
 * memory of its own. A node that is replaced begins again at 0.
 */
export const PLACES = 16_384;

interface Claimed {
  id: string;
  subscriptionId: string;
  nodeKey: string;
  createdAtMs: number;
}

/** `isNew`: the loop was not slowed before. */
export interface Slowed {
  waitMs: number;
  isNew: boolean;
}

export class FeedbackLoops {
  private readonly subscriptionIds: string[] = new Array(PLACES).fill('');
  private readonly nodeKeys: string[] = new Array(PLACES).fill('');
  /** The last delivery about the node. */
  private readonly deliveryIds: string[] = new Array(PLACES).fill('');
  /** When it was sent, by `performance.now()`; NaN while it waits. */
  private readonly sentAtMs = new Float64Array(PLACES);
  private readonly rounds = new Uint16Array(PLACES);

  /**
   * Returns how long the delivery must still wait, if it may be in a loop; `null` when it may be sent now, and then counts it as sent. In a
   * loop, each delivery is created after the last was sent; a delivery created before shows that the node changes by itself.
   */
  check({ id, subscriptionId, nodeKey, createdAtMs }: Claimed, nowMs: number): Slowed | null {
    const place = placeOf(subscriptionId, nodeKey);
    const rounds =
      this.nodeKeys[place] === nodeKey && this.subscriptionIds[place] === subscriptionId ? this.roundsOf(place, id, createdAtMs) : 0;
    const pauseMs = rounds < ROUNDS ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (rounds - ROUNDS), LONGEST_PAUSE_MS);
    // Counted from the creation, so that no two workers make the same delivery wait one after the other.
    const waitMs = Math.max(0, createdAtMs + pauseMs - nowMs);
    this.note(place, { id, subscriptionId, nodeKey }, waitMs > 0 ? Number.NaN : nowMs, rounds);
    return waitMs > 0 ? { waitMs, isNew: rounds === ROUNDS } : null;
  }

  /** Lets a node that is in no loop begin at 0 again; it has been sent. */
  acquit({ id, subscriptionId, nodeKey }: Omit<Claimed, 'createdAtMs'>, nowMs: number): void {
    this.note(placeOf(subscriptionId, nodeKey), { id, subscriptionId, nodeKey }, nowMs, 0);
  }

  private roundsOf(place: number, id: string, createdAtMs: number): number {
    const rounds = this.rounds[place] as number;
    if (this.deliveryIds[place] === id) return rounds;
    const sinceMs = createdAtMs - (this.sentAtMs[place] as number);
    return sinceMs >= 0 && sinceMs < ANSWERED_WITHIN_MS ? rounds + 1 : 0;
  }

  private note(place: number, { id, subscriptionId, nodeKey }: Omit<Claimed, 'createdAtMs'>, sentAtMs: number, rounds: number): void {
    this.subscriptionIds[place] = subscriptionId;
    this.nodeKeys[place] = nodeKey;
    this.deliveryIds[place] = id;
    this.sentAtMs[place] = sentAtMs;
    this.rounds[place] = Math.min(rounds, 1000);
  }
}

/** Returns the FNV-1a hash of the ends of the two ids, which is where ids of one kind differ, as a place. */
export function placeOf(subscriptionId: string, nodeKey: string): number {
  let hash = 0x811c9dc5;
  for (let back = 1; back <= 6; back++) hash = Math.imul(hash ^ nodeKey.charCodeAt(nodeKey.length - back), 0x01000193);
  for (let back = 1; back <= 3; back++) hash = Math.imul(hash ^ subscriptionId.charCodeAt(subscriptionId.length - back), 0x01000193);
  return (hash ^ (hash >>> 15)) & (PLACES - 1);
}
