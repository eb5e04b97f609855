// Renders templates in separate processes. Ordinary templates share the fast processes, in batches.
// A template runs alone in the slow process if it was slow before, is being tried out, or was running when a process died. Both queues are
// fair between tenants.
import { availableParallelism } from 'node:os';
import { RENDER_WAIT_MS } from '../deadlines.js';
import { createTurns } from './ready-queue.js';
import { type Death, type RenderChild, startRenderChild } from './render-child.js';
import { type Job, KILL_AFTER_MS, MAX_DATA_LENGTH, type Progress, type RenderInput, type Step, type StepResult } from './rendering.mjs';

/** Whom a rendering is attributed to: a subscription whose rendering is slow is moved to the slow process. */
export interface Payer {
  tenant: string;
  /** The subscription's id, or another stable key. */
  key: string;
  /** The definition is only being tried out, so its rendering time is unknown; it runs in the slow process. */
  isTrial?: boolean;
}

export interface Renderer {
  /** Starts a process ahead of the first rendering. */
  start(): void;
  /**
   * Runs the steps in order and returns one result each; fewer when a gate stopped the job, or a step ended the process. Template faults
   * are results, not rejections.
   * @throws Error when processes can't be started or keep dying, and after `close`
   */
  render(payer: Payer, input: RenderInput, steps: Step[]): Promise<StepResult[]>;
  /** Returns the number of processes, and of jobs that wait for one. */
  state(): { processes: number; waiting: number };
  /** Ends the processes and rejects all waiting jobs. */
  close(): Promise<void>;
}

/** One processor is left to the engine. A process needs about 65 MB, so further ones start only under load. */
const FAST_PROCESSES = Math.min(4, Math.max(1, availableParallelism() - 1));
/** Maximum number of jobs in a fast process. Half of it keeps the process busy while new jobs arrive; few jobs are lost when it dies. */
const MOST_IN_HAND = 16;
/** Milliseconds for which jobs must have waited before another fast process starts. */
const CROWDED_FOR_MS = 100;
/** Milliseconds for which a slow subscription stays in the slow process. */
const SLOW_FOR_MS = 60_000;
/** Number of slow subscriptions from which all subscriptions of their tenant count as slow. */
const MOST_SLOW = 5;
const MOST_SLOW_TENANTS = 10_000;
/** Milliseconds without progress after which a process is considered hung and killed. */
const SILENT_FOR_MS = 30_000;
/** Number of process deaths of unknown cause after which a job is rejected. */
const MOST_DEATHS = 3;

interface Waiting {
  job: Job;
  payer: Payer;
  deaths: number;
  /** The results of a job that runs alone, as far as reported. */
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

export interface RendererOptions {
  fastProcesses?: number;
  turnWithinMs?: number;
  /** Called when a process ended before it was closed. */
  onDeath?(by: Death['by']): void;
}

export function createRenderer({ fastProcesses = FAST_PROCESSES, turnWithinMs = RENDER_WAIT_MS, onDeath }: RendererOptions = {}): Renderer {
  const fast = new Set<Lane>();
  let slow: Lane | null = null;
  const ordinary = createTurns<Waiting>();
  const turns = createTurns<Waiting>();
  const slowUntil = new Map<string, Map<string, number>>();
  /** Since when more jobs wait than the processes have slots for, by `performance.now()`. */
  let crowdedSince = Number.POSITIVE_INFINITY;
  let lastDeath = Number.NEGATIVE_INFINITY;
  let ids = 0;
  let closed = false;
  let scheduled = false;

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    // Jobs queued in the same tick are sent as one message.
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
      // Waits until half of the slots are free, so that jobs are sent in batches and not one message each.
      if (lane.inHand.size > MOST_IN_HAND / 2) break;
      const room = MOST_IN_HAND - lane.inHand.size;
      const next: Waiting[] = [];
      while (next.length < room && ordinary.size > 0) {
        const one = ordinary.next() as Waiting;
        // The subscription may have become slow while the job waited.
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
    // After a process died, two run for a while, so that rendering continues if one restarts.
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
    if (!closed) onDeath?.(death.by);
    if (fast.delete(lane)) lastDeath = performance.now();
    if (slow === lane) slow = null;
    clearTimeout(lane.silent);
    const inHand = [...lane.inHand.values()];
    const suspects = inHand.filter(({ job }) => death.by === 'template' && (death.culprit ?? job.id) === job.id);
    // If several jobs are suspected, none is marked slow: each runs again alone, which shows whether it was the cause.
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
    state: () => ({ processes: fast.size + (slow ? 1 : 0), waiting: ordinary.size + turns.size }),
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
