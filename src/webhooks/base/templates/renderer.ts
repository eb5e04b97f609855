// Templates and what they read -> what they render, made in processes of their own. Ordinary ones share the fast processes, in batches;
// those that took long before, are tried for the first time, or were there when a process died, take turns in a slow one, alone. In both, tenants take turns.
import { availableParallelism } from 'node:os';
import { createTurns } from './ready-queue.js';
import { type Death, type RenderChild, startRenderChild } from './render-child.js';
import { type Job, KILL_AFTER_MS, MAX_DATA_LENGTH, type Progress, type RenderInput, type Step, type StepResult } from './rendering.mjs';

/** Who pays for a rendering: one who takes long is apart from the others from then on. */
export interface Payer {
  tenant: string;
  /** Its subscription, or what else it is known by. */
  key: string;
  /** Nobody has seen it render before. */
  isTrial?: boolean;
}

export interface Renderer {
  /** Has a process ready before the first rendering asks for one. */
  start(): void;
  /**
   * One result per step, in order; fewer where a gate closed, or a step ended its process. Rejects for a failure of ours only.
   * @throws Error where processes can't be started, and after `close`
   */
  render(payer: Payer, input: RenderInput, steps: Step[]): Promise<StepResult[]>;
  /** Ends its processes; what waits is rejected. */
  close(): Promise<void>;
}

/** One processor is left to the engine: of two a second process took as much as it gave. Each takes 65 MB: they start when they pay. */
const FAST_PROCESSES = Math.min(4, Math.max(1, availableParallelism() - 1));
/** Jobs that a fast process has in hand at most: half of them enough that it never waits for us, all few enough that one which dies costs little. */
const MOST_IN_HAND = 16;
/** A further one starts when what waits has found no room for so long. */
const CROWDED_FOR_MS = 100;
/** How long one stays apart after it was slow. */
const SLOW_FOR_MS = 60_000;
/** Slow subscriptions of a tenant that make all of it slow. */
const MOST_SLOW = 5;
const MOST_SLOW_TENANTS = 10_000;
/** A turn that comes later than this comes too late: a delivery's lease goes on. */
const TURN_WITHIN_MS = 5000;
/** Nothing takes so long but a process that hangs. */
const SILENT_FOR_MS = 30_000;
/** Deaths that were nobody's, after which a job is given up. */
const MOST_DEATHS = 3;

interface Waiting {
  job: Job;
  payer: Payer;
  deaths: number;
  /** What is known of an alone one: results so far, and the step that it is at. */
  results: StepResult[];
  giveUp?: NodeJS.Timeout;
  resolve(results: StepResult[]): void;
  reject(error: Error): void;
}

interface Lane {
  child: RenderChild;
  inHand: Map<number, Waiting>;
  silent: NodeJS.Timeout;
}

export function createRenderer({ fastProcesses = FAST_PROCESSES, turnWithinMs = TURN_WITHIN_MS } = {}): Renderer {
  const fast = new Set<Lane>();
  let slow: Lane | null = null;
  const ordinary = createTurns<Waiting>();
  const turns = createTurns<Waiting>();
  const slowUntil = new Map<string, Map<string, number>>();
  /** Since when there is more than the processes have room for. */
  let crowdedSince = Number.POSITIVE_INFINITY;
  let lastDeath = Number.NEGATIVE_INFINITY;
  let ids = 0;
  let closed = false;
  let scheduled = false;

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    // What comes in one tick goes in one message.
    queueMicrotask(() => {
      scheduled = false;
      dispatch();
    });
  }

  function dispatch(): void {
    if (closed) return;
    while (ordinary.size > 0) {
      let lane = [...fast].sort((a, b) => a.inHand.size - b.inHand.size)[0];
      if (!lane || (lane.inHand.size >= MOST_IN_HAND / 4 && isAnotherWanted())) {
        lane = open(false);
        fast.add(lane);
        crowdedSince = Number.POSITIVE_INFINITY;
      }
      // Half of it at once: one by one, each would be a message of its own, there and back.
      if (lane.inHand.size > MOST_IN_HAND / 2) break;
      const room = MOST_IN_HAND - lane.inHand.size;
      const next: Waiting[] = [];
      while (next.length < room && ordinary.size > 0) {
        const one = ordinary.next() as Waiting;
        // Its payer may have become slow while it waited.
        if (isSlow(one.payer)) waitForTurn(one);
        else next.push(one);
      }
      if (next.length > 0) give(lane, next);
    }
    if (ordinary.size === 0) crowdedSince = Number.POSITIVE_INFINITY;
    else crowdedSince = Math.min(crowdedSince, performance.now());
    if (turns.size === 0 || (slow && slow.inHand.size > 0)) return;
    slow ??= open(true);
    const next = turns.next() as Waiting;
    clearTimeout(next.giveUp);
    give(slow, [next]);
  }

  function isAnotherWanted(): boolean {
    const nowMs = performance.now();
    // Where one of two starts anew the other goes on.
    if (nowMs - lastDeath < SLOW_FOR_MS && fast.size < 2) return true;
    return fast.size < fastProcesses && nowMs - crowdedSince > CROWDED_FOR_MS;
  }

  function open(isSlow: boolean): Lane {
    const lane: Lane = {
      child: startRenderChild(
        isSlow,
        (progress) => hear(lane, progress),
        (death) => bury(lane, death),
      ),
      inHand: new Map(),
      silent: setTimeout(() => lane.inHand.size > 0 && lane.child.kill(), SILENT_FOR_MS).unref(),
    };
    return lane;
  }

  function give(lane: Lane, waiting: Waiting[]): void {
    for (const one of waiting) lane.inHand.set(one.job.id, one);
    lane.silent.refresh();
    lane.child.hold(true);
    lane.child.send(waiting.map(({ job }) => job));
  }

  function hear(lane: Lane, all: Progress[]): void {
    lane.silent.refresh();
    for (const progress of all) {
      const one = lane.inHand.get(progress.id);
      if (!one) continue;
      one.results = progress.results;
      if (!('done' in progress)) continue;
      lane.inHand.delete(progress.id);
      if (progress.isSlow) markSlow(one.payer);
      one.resolve(progress.results);
    }
    if (lane.inHand.size === 0) lane.child.hold(false);
    schedule();
  }

  function bury(lane: Lane, death: Death): void {
    if (fast.delete(lane)) lastDeath = performance.now();
    if (slow === lane) slow = null;
    clearTimeout(lane.silent);
    const inHand = [...lane.inHand.values()];
    const suspects = inHand.filter(({ job }) => death.by === 'template' && (death.culprit ?? job.id) === job.id);
    // Where nobody is named, each shows alone whether it was the one.
    if (suspects.length === 1) markSlow((suspects[0] as Waiting).payer);
    for (const one of inHand) {
      const isSuspect = suspects.includes(one);
      if (closed) one.reject(new Error('the renderer is closed'));
      else if (isSuspect && one.job.alone)
        one.resolve([...one.results, { fault: 'limit', message: death.message, place: null, ms: KILL_AFTER_MS }]);
      else if (death.by === 'unknown' && ++one.deaths >= MOST_DEATHS) one.reject(new Error(death.message));
      else if (isSuspect || one.job.alone) waitForTurn(one);
      else ordinary.add(one.payer.tenant, one.payer.key, one);
    }
    schedule();
  }

  function waitForTurn(one: Waiting): void {
    one.job.alone = true;
    one.results = [];
    one.giveUp = setTimeout(() => {
      turns.remove(one.payer.tenant, one.payer.key, one);
      one.resolve([{ fault: 'busy', message: `waited ${turnWithinMs / 1000} s for its turn`, place: null, ms: 0 }]);
    }, turnWithinMs);
    turns.add(one.payer.tenant, one.payer.key, one);
  }

  function markSlow({ tenant, key }: Payer): void {
    if (slowUntil.size >= MOST_SLOW_TENANTS) slowUntil.clear();
    const own = slowUntil.get(tenant) ?? new Map<string, number>();
    slowUntil.set(tenant, own);
    own.set(key, performance.now() + SLOW_FOR_MS);
  }

  function isSlow({ tenant, key, isTrial }: Payer): boolean {
    if (isTrial) return true;
    const own = slowUntil.get(tenant);
    if (!own) return false;
    const nowMs = performance.now();
    for (const [other, until] of own) if (until < nowMs) own.delete(other);
    if (own.size === 0) slowUntil.delete(tenant);
    return own.has(key) || own.size >= MOST_SLOW;
  }

  return {
    start() {
      if (!closed && fast.size === 0) fast.add(open(false));
    },
    async render(payer, input, steps) {
      if (closed) throw new Error('the renderer is closed');
      if ('data' in input && input.data.length > MAX_DATA_LENGTH)
        return [
          { fault: 'limit', message: `the data has ${input.data.length} characters, more than ${MAX_DATA_LENGTH}`, place: null, ms: 0 },
        ];
      return new Promise((resolve, reject) => {
        const one: Waiting = { job: { id: ++ids, input, steps, alone: false }, payer, deaths: 0, results: [], resolve, reject };
        if (isSlow(payer)) waitForTurn(one);
        else ordinary.add(payer.tenant, payer.key, one);
        schedule();
      });
    },
    async close() {
      closed = true;
      const gone = new Error('the renderer is closed');
      for (let one = ordinary.next() ?? turns.next(); one; one = ordinary.next() ?? turns.next()) {
        clearTimeout(one.giveUp);
        one.reject(gone);
      }
      await Promise.all([...fast, ...(slow ? [slow] : [])].map(({ child }) => child.kill()));
    },
  };
}
