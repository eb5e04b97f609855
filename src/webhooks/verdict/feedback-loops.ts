// Finds feedback loops: a receiver answers each notification about a node with a write to that node, which causes the next notification.
// Their notifications are sent with growing pauses, so that a loop takes nobody's capacity; none is dropped.
import { ANSWERED_WITHIN_MS } from './loop-probe.js';

/** A node may be in a loop after this number of consecutive notifications, each caused by the answer to the one before. */
export const ROUNDS = 30;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/**
 * Number of places for nodes, a power of two. A hash gives each node its place, where it replaces the node that was there, so the memory
 * doesn't grow with the number of nodes. A replaced node is counted from 0 again.
 */
export const PLACES = 16_384;

interface Claimed {
  id: string;
  subscriptionId: string;
  nodeKey: string;
  createdAtMs: number;
}

/** `isNew`: whether this is the first time that the loop is slowed. */
export interface Slowed {
  waitMs: number;
  isNew: boolean;
}

export class FeedbackLoops {
  private readonly subscriptionIds: string[] = new Array(PLACES).fill('');
  private readonly nodeKeys: string[] = new Array(PLACES).fill('');
  /** The id of the last delivery about the node. */
  private readonly deliveryIds: string[] = new Array(PLACES).fill('');
  /** When that delivery was sent, by `performance.now()`; NaN while it waits. */
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
    // The pause counts from the delivery's creation, so that a second worker doesn't make it wait once more.
    const waitMs = Math.max(0, createdAtMs + pauseMs - nowMs);
    this.note(place, { id, subscriptionId, nodeKey }, waitMs > 0 ? Number.NaN : nowMs, rounds);
    return waitMs > 0 ? { waitMs, isNew: rounds === ROUNDS } : null;
  }

  /** Counts a node that is in no loop from 0 again, and notes its delivery as sent. */
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

/** Returns the place of a node: the FNV-1a hash of the ends of its two ids, because ids of one kind differ at their ends. */
export function placeOf(subscriptionId: string, nodeKey: string): number {
  let hash = 0x811c9dc5;
  for (let back = 1; back <= 6; back++) hash = Math.imul(hash ^ nodeKey.charCodeAt(nodeKey.length - back), 0x01000193);
  for (let back = 1; back <= 3; back++) hash = Math.imul(hash ^ subscriptionId.charCodeAt(subscriptionId.length - back), 0x01000193);
  return (hash ^ (hash >>> 15)) & (PLACES - 1);
}
