// Claims due deliveries of woken subscriptions and passes them on, within limits for deliveries in progress.
import type { Pool } from 'pg';
import type { Logger } from '../../runtime/logger.js';
import { claimDue, countOf, type DeliveryInHand, type Want } from './claim.js';
import { type Turn, Turns } from './round-robin.js';

export interface DrainOptions {
  pool: Pool;
  log: Logger;
  /** Maximum number of deliveries in progress: in all, per subscription, and per destination host. */
  bounds: { total: number; perSubscription: number; perHost: number };
  leaseMs: number;
  /** Returns the destination host of a subscription, or `undefined` while it is unknown. */
  hostOf(subscriptionId: string): string | undefined;
  /** Takes a claimed batch and calls `free` once for each delivery, with its index in the batch, when its slot is free. Must not throw. */
  deliver(batch: DeliveryInHand[], free: (place: number) => void): void;
}

export interface Drain {
  wake(subscriptionIds: string[]): void;
  /** Claims nothing of this subscription for `ms` milliseconds in this process. The due-scan wakes it afterwards. */
  rest(subscriptionId: string, ms: number): void;
  /** Returns how many more deliveries may be in progress. */
  room(): number;
  /** Returns how many deliveries are in progress. */
  inProgress(): number;
  /** Passes on deliveries that were claimed elsewhere. */
  start(batch: DeliveryInHand[]): void;
  /** Stops claiming, and resolves when no delivery is in progress. */
  stop(): Promise<void>;
}

/**
 * Freed slots are collected up to this number, or for GATHER_MS milliseconds, before one claim fills them. Larger batches need fewer
 * statements and wake each receiver less often.
 */
const WORTHWHILE = 150;
const GATHER_MS = 5;

/** Number of deliveries of one subscription to claim at once while other subscriptions have due deliveries too. */
const PART = 24;

/**
 * Maximum number in progress of a subscription whose host is unknown. All such subscriptions together share the limit of one host,
 * because they may have the same one. A host becomes known once the first deliveries are prepared.
 */
const PROBES = 4;

/**
 * Number of extra subscriptions to claim from although their host has no free slots, because earlier ones may return fewer
 * deliveries than requested.
 */
const SPARE = 50;

/** Limits a subscription to half of the slots that are free or its own, so that a newly woken subscription always finds free slots. */
const shareOf = (own: number, free: number): number => Math.max(own === 0 ? 1 : 0, Math.floor((free + own) / 2) - own);

interface Slot {
  host: string | undefined;
}

interface Asked extends Want {
  host: string | undefined;
  turn: Turn;
}

/** One claim: at most `most` deliveries of all these subscriptions; the last ones fill in for earlier ones with fewer deliveries. */
interface Asking {
  asked: Asked[];
  most: number;
}

export function startDrain(options: DrainOptions): Drain {
  const { pool, log, hostOf, deliver, bounds, leaseMs } = options;
  const awake = new Turns(hostOf);
  const inFlightOf = new Map<string, number>();
  const inFlightAt = new Map<string, number>();
  /** Slots in use by subscriptions whose host is unknown. */
  const probing = new Map<string, Set<Slot>>();
  /** Time by `Date.now()` before which nothing of a subscription is claimed. */
  const resting = new Map<string, number>();
  let inFlight = 0;
  let claiming = false;
  let stopping = false;
  let retryTimer: NodeJS.Timeout | undefined;
  let gathering: NodeJS.Timeout | undefined;
  /** Number of slots freed since the last claim. */
  let freed = 0;
  let idle: (() => void) | undefined;

  const add = (counts: Map<string, number>, key: string | undefined, by: number) => {
    if (key === undefined) return;
    const count = (counts.get(key) ?? 0) + by;
    if (count > 0) counts.set(key, count);
    else counts.delete(key);
  };

  const rests = (subscriptionId: string): boolean => {
    const untilMs = resting.get(subscriptionId);
    if (untilMs === undefined) return false;
    if (Date.now() < untilMs) return true;
    resting.delete(subscriptionId);
    return false;
  };

  /** Plans a claim: one portion for each eligible subscription, then the remaining slots for those that may take more. */
  function wants(): Asking {
    const part = Math.max(PART, Math.ceil(bounds.perHost / awake.size));
    const result: Asked[] = [];
    const taken = new Map<string, number>();
    let free = bounds.total - inFlight;
    let probes = bounds.perHost;
    for (const [id, slots] of probing) {
      const host = hostOf(id);
      if (host === undefined) probes -= slots.size;
      else {
        probing.delete(id);
        for (const slot of slots) slot.host = host;
        add(inFlightAt, host, slots.size);
      }
    }
    const roomAt = (host: string | undefined): number =>
      host === undefined ? probes : bounds.perHost - (inFlightAt.get(host) ?? 0) - (taken.get(host) ?? 0);
    const most = (subscriptionId: string, host: string | undefined, had: number): number => {
      const own = (inFlightOf.get(subscriptionId) ?? 0) + had;
      const ownMost = host === undefined ? PROBES : bounds.perSubscription;
      return Math.min(shareOf(own, free), ownMost - own, roomAt(host));
    };
    const take = (host: string | undefined, count: number) => {
      if (host === undefined) probes -= count;
      else add(taken, host, count);
      free -= count;
    };
    for (const [host, queue] of awake.byHost())
      for (const [subscriptionId, turn] of queue) {
        if (free <= 0 || roomAt(host) <= 0) break;
        const count = Math.min(part, most(subscriptionId, host, 0));
        if (count <= 0) continue;
        result.push({ subscriptionId, count, after: turn.after(), host, turn });
        take(host, count);
      }
    for (const want of result) {
      const more = want.count < part ? 0 : most(want.subscriptionId, want.host, want.count);
      if (more <= 0) continue;
      want.count += more;
      take(want.host, more);
    }
    return { asked: [...result, ...spares(result, free)], most: countOf(result) };
  }

  /** Adds spare subscriptions when all wanted ones have the same known host, because then `most` enforces the host's limit. */
  function spares(wanted: Asked[], free: number): Asked[] {
    const [host, ...others] = new Set(wanted.map((want) => want.host));
    if (host === undefined || others.length > 0) return [];
    const had = new Set(wanted.map(({ subscriptionId }) => subscriptionId));
    const result: Asked[] = [];
    for (const [subscriptionId, turn] of awake.queue(host)) {
      if (result.length === SPARE) break;
      if (had.has(subscriptionId)) continue;
      const own = inFlightOf.get(subscriptionId) ?? 0;
      const count = Math.min(PART, bounds.perSubscription - own, shareOf(own, free));
      if (count > 0) result.push({ subscriptionId, count, after: turn.after(), host, turn });
    }
    return result;
  }

  async function claim(): Promise<void> {
    if (claiming || stopping) return;
    claiming = true;
    try {
      for (let first = true; ; first = false) {
        clearTimeout(gathering);
        gathering = undefined;
        freed = 0;
        const { asked, most } = stopping ? { asked: [], most: 0 } : wants();
        if (asked.length === 0) return;
        if (!first && most < Math.min(WORTHWHILE, inFlight)) return gather();
        const batch = await claimDue(pool, asked, most, leaseMs);
        advance(asked, batch, batch.length === most);
        start(batch);
      }
    } catch (error) {
      log.error({ err: error }, 'claiming failed; trying again');
      retryTimer = setTimeout(() => void claim(), 500);
    } finally {
      claiming = false;
    }
  }

  function gather(): void {
    gathering ??= setTimeout(() => {
      gathering = undefined;
      void claim();
    }, GATHER_MS);
  }

  /**
   * Moves the claimed subscriptions on in the queue.
   * @param full whether the claim reached `most`, so that the subscriptions after the last claimed one were not searched
   */
  function advance(asked: Asked[], batch: DeliveryInHand[], full: boolean): void {
    const last = new Map<string, DeliveryInHand>();
    const counts = new Map<string, number>();
    for (const delivery of batch) {
      last.set(delivery.subscriptionId, delivery);
      add(counts, delivery.subscriptionId, 1);
    }
    const end = full ? asked.findLastIndex(({ subscriptionId }) => counts.has(subscriptionId)) : asked.length;
    for (const [place, { subscriptionId, count, turn }] of asked.entries()) {
      if (place > end) break;
      const claimed = last.get(subscriptionId);
      // Fewer rows than requested: no more are due after the cursor. Rows before the cursor are found by the next due-scan.
      const isDone = claimed === undefined || (place < end && (counts.get(subscriptionId) ?? 0) < count);
      awake.end(subscriptionId, turn, isDone ? null : turn.next({ dueAt: claimed.dueAt, id: claimed.id }));
    }
  }

  function start(batch: DeliveryInHand[]): void {
    if (batch.length === 0) return;
    inFlight += batch.length;
    const slots = batch.map(({ subscriptionId }) => {
      const slot: Slot = { host: hostOf(subscriptionId) };
      add(inFlightOf, subscriptionId, 1);
      if (slot.host !== undefined) add(inFlightAt, slot.host, 1);
      else probing.set(subscriptionId, (probing.get(subscriptionId) ?? new Set()).add(slot));
      return slot;
    });
    deliver(batch, (place) => {
      const { subscriptionId } = batch[place] as DeliveryInHand;
      const slot = slots[place] as Slot;
      inFlight -= 1;
      add(inFlightOf, subscriptionId, -1);
      if (slot.host !== undefined) add(inFlightAt, slot.host, -1);
      else {
        const others = probing.get(subscriptionId);
        others?.delete(slot);
        if (others?.size === 0) probing.delete(subscriptionId);
      }
      if (stopping) {
        if (inFlight === 0 && !claiming) idle?.();
      } else if (awake.size > 0) {
        freed += 1;
        if (freed >= Math.min(WORTHWHILE, inFlight)) void claim();
        else gather();
      }
    });
  }

  return {
    wake(subscriptionIds) {
      if (subscriptionIds.length === 0) return;
      for (const id of subscriptionIds) if (resting.size === 0 || !rests(id)) awake.wake(id);
      if (inFlight < WORTHWHILE) void claim();
      else gather();
    },
    inProgress: () => inFlight,
    room: () => (stopping ? 0 : bounds.total - inFlight),
    start,
    rest(subscriptionId, ms) {
      resting.set(subscriptionId, Date.now() + ms);
      awake.remove(subscriptionId);
    },
    async stop() {
      stopping = true;
      clearTimeout(retryTimer);
      clearTimeout(gathering);
      if (inFlight > 0 || claiming) {
        await new Promise<void>((resolve) => {
          idle = resolve;
          // A claim in progress may still return deliveries, so this checks again until it has ended.
          const check = () => (claiming ? setTimeout(check, 5) : inFlight === 0 && resolve());
          check();
        });
      }
    },
  };
}
