// Finds feedback loops in which notifications multiply: a receiver answers each notification by a write that causes several, for
// instance about the node and about a related one. Such loops concern several nodes, so all busy nodes of the owner wait together.
import { PLACES, placeOf, type Slowed } from './feedback-loops.js';
import { ANSWERED_WITHIN_MS, FIRST_PROBE_PAUSE_MS, LoopProbe } from './loop-probe.js';

/** A node may be in such a loop after this number of notifications, each less than ANSWERED_WITHIN_MS after the one before. */
export const MANY = 200;
/** After this number of notifications, a node waits, too, if another node of the same owner may be in such a loop. */
const SOME = 20;
/** Milliseconds without counting after a probe that found no loop. They double with each probe, because probes delay notifications. */
const FREE_MS = { first: 10_000, most: 600_000 };
/** Maximum number of owners to remember; beyond it, all are forgotten and counted from 0 again. */
const MOST = 10_000;

interface Claimed {
  id: string;
  subscriptionId: string;
  nodeKey: string;
  createdAtMs: number;
}

/** Gives each node a place by its hash, as feedback-loops.ts does, so that the memory doesn't grow with the number of nodes. */
export class OverlappingLoops {
  private readonly subscriptionIds: string[] = new Array(PLACES).fill('');
  private readonly nodeKeys: string[] = new Array(PLACES).fill('');
  private readonly owners: string[] = new Array(PLACES).fill('');
  private readonly counts = new Uint32Array(PLACES);
  /** When a notification about the node was last sent, by `performance.now()`. */
  private readonly lastMs = new Float64Array(PLACES);
  private readonly probes = new Map<string, LoopProbe>();
  /** By owner: the time until which nothing is counted, and the length of that period in milliseconds. */
  private readonly free = new Map<string, { untilMs: number; forMs: number }>();

  /** Returns how long the delivery must still wait; `null` when it may be sent now, and then counts it as sent. */
  check(claimed: Claimed, owner: string, nowMs: number): Slowed | null {
    const place = this.placeFor(claimed, owner, nowMs);
    const count = this.counts[place] as number;
    // A map is searched only if it isn't empty, which is rare, because looking up a text costs more than everything else here.
    const probe = this.probes.size > 0 ? this.probes.get(owner) : undefined;
    if (probe && count >= SOME) {
      const waitMs = probe.check(claimed, nowMs);
      if (waitMs === null) this.acquit(owner, nowMs);
      return waitMs ? { waitMs, isNew: false } : null;
    }
    const isLate = !probe && nowMs - (this.lastMs[place] as number) > ANSWERED_WITHIN_MS;
    this.lastMs[place] = nowMs;
    const isFree = this.free.size > 0 && claimed.createdAtMs < (this.free.get(owner)?.untilMs ?? Number.NEGATIVE_INFINITY);
    const next = (isLate ? 0 : count) + (isFree ? 0 : 1);
    this.counts[place] = next;
    if (isFree || probe || next < MANY) return null;
    this.probes.set(owner, new LoopProbe(nowMs));
    if (this.probes.size > MOST) this.probes.clear();
    return { waitMs: FIRST_PROBE_PAUSE_MS, isNew: true };
  }

  /** Counts the nodes of an owner who is in no loop from 0 again. */
  acquit(owner: string, nowMs: number): void {
    this.probes.delete(owner);
    if (this.free.size > MOST) this.free.clear();
    const forMs = Math.min((this.free.get(owner)?.forMs ?? FREE_MS.first / 2) * 2, FREE_MS.most);
    this.free.set(owner, { untilMs: nowMs + forMs, forMs });
    for (let place = 0; place < PLACES; place++) if (this.owners[place] === owner) this.counts[place] = 0;
  }

  private placeFor({ subscriptionId, nodeKey }: Claimed, owner: string, nowMs: number): number {
    const place = placeOf(subscriptionId, nodeKey);
    if (this.nodeKeys[place] === nodeKey && this.subscriptionIds[place] === subscriptionId) return place;
    this.subscriptionIds[place] = subscriptionId;
    this.nodeKeys[place] = nodeKey;
    this.owners[place] = owner;
    this.counts[place] = 0;
    this.lastMs[place] = nowMs;
    return place;
  }
}
