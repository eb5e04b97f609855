// Finds feedback loops that overlap: each write that answers a notification causes several others, e.g. one about the node and one about a
// related node, so their number doubles again and again. All nodes of such a loop have many notifications, so they wait together.
import type { Slowed } from './feedback-loops.js';
import { ANSWERED_WITHIN_MS, FIRST_PROBE_PAUSE_MS, LoopProbe } from './loop-probe.js';

/** The number of notifications about a node, with less than ANSWERED_WITHIN_MS between two, after which it may be in such a loop. */
export const MANY = 200;
/** The number after which a node waits, too, when another node of the same owner may be in such a loop. */
const SOME = 20;
/** Milliseconds after a probe that found no loop in which nothing is counted. They double with each probe, which delays what is sent. */
const FREE_MS = { first: 10_000, most: 600_000 };
/** The number of nodes that are counted, and of owners that are remembered; more begin again. */
const MOST = 10_000;

interface Claimed {
  id: string;
  subscriptionId: string;
  nodeKey: string;
  createdAtMs: number;
}

interface Node {
  owner: string;
  count: number;
  /** When it was last sent, by `performance.now()`. */
  lastMs: number;
}

export class OverlappingLoops {
  private readonly nodes = new Map<string, Node>();
  private readonly probes = new Map<string, LoopProbe>();
  /** By owner: until when nothing is counted, and for how long that is. */
  private readonly free = new Map<string, { untilMs: number; forMs: number }>();

  /** Returns how long the delivery must still wait; `null` when it may be sent now, and then counts it as sent. */
  check(claimed: Claimed, owner: string, nowMs: number): Slowed | null {
    const node = this.nodeOf(`${claimed.subscriptionId} ${claimed.nodeKey}`, owner, nowMs);
    const probe = this.probes.get(owner);
    if (probe && node.count >= SOME) {
      const waitMs = probe.check(claimed, nowMs);
      if (waitMs === null) this.acquit(owner, nowMs);
      return waitMs ? { waitMs, isNew: false } : null;
    }
    if (!probe && nowMs - node.lastMs > ANSWERED_WITHIN_MS) node.count = 0;
    node.lastMs = nowMs;
    if (claimed.createdAtMs < (this.free.get(owner)?.untilMs ?? Number.NEGATIVE_INFINITY)) return null;
    node.count += 1;
    if (probe || node.count < MANY) return null;
    this.probes.set(owner, new LoopProbe(nowMs));
    if (this.probes.size > MOST) this.probes.clear();
    return { waitMs: FIRST_PROBE_PAUSE_MS, isNew: true };
  }

  /** Lets the nodes of an owner who is in no loop begin at 0 again. */
  acquit(owner: string, nowMs: number): void {
    this.probes.delete(owner);
    if (this.free.size > MOST) this.free.clear();
    const forMs = Math.min((this.free.get(owner)?.forMs ?? FREE_MS.first / 2) * 2, FREE_MS.most);
    this.free.set(owner, { untilMs: nowMs + forMs, forMs });
    for (const node of this.nodes.values()) if (node.owner === owner) node.count = 0;
  }

  private nodeOf(key: string, owner: string, nowMs: number): Node {
    const known = this.nodes.get(key);
    if (known) return known;
    if (this.nodes.size >= MOST) this.nodes.clear();
    const node = { owner, count: 0, lastMs: nowMs };
    this.nodes.set(key, node);
    return node;
  }
}
