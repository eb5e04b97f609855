// Renders templates in separate processes. Ordinary templates share the fast processes, in batches. A template runs alone in the slow
// process if it was slow before, is only checked, previewed or tested, or was running when a process died. Both queues are served
// round-robin by tenant.
import { availableParallelism } from 'node:os';
import { RENDER_WAIT_MS, TRIAL_WAIT_MS } from '../deadlines.js';
import { chooseProcess, fateOf, isSuspect, MAX_JOBS, mayStartAnother } from './plan-rendering.js';
import { createReadyQueue } from './ready-queue.js';
import { type Death, type RenderChild, startRenderChild } from './render-child.js';
import { type Job, KILL_AFTER_MS, MAX_DATA_LENGTH, type Progress, type RenderInput, type Step, type StepResult } from './rendering.mjs';
import { type Payer, SlowSubscriptions } from './slow-subscriptions.js';

export type { Payer } from './slow-subscriptions.js';

export interface Renderer {
  /** Starts a render process in advance, so that the first rendering doesn't wait for it. */
  start(): void;
  /**
   * Runs the steps (templates) in order on the same input, and returns a result for each. Returns fewer results when a validation template
   * (a step `gate`) did not render `true`, or a step ended the process. A template's faults are results, not rejections.
   * @throws Error when processes can't be started or keep dying, and after `close`
   */
  render(payer: Payer, input: RenderInput, steps: Step[]): Promise<StepResult[]>;
  /** Returns the number of processes, and the number of jobs that wait for a process. */
  state(): { processes: number; waiting: number };
  /** Ends the processes and rejects all waiting jobs. */
  close(): Promise<void>;
}

/**
 * Maximum number of fast processes: one processor is left to the engine. A process needs about 65 MB, so further ones start only
 * under load.
 */
const FAST_PROCESSES = Math.min(4, Math.max(1, availableParallelism() - 1));
/** Milliseconds without progress after which a process is considered hung and killed. */
const SILENT_FOR_MS = 30_000;

interface Rendering {
  job: Job;
  payer: Payer;
  /** Number of processes that died of an unknown cause while they had this job. */
  deaths: number;
  /** The results that the process has reported so far. */
  results: StepResult[];
  giveUp?: NodeJS.Timeout;
  resolve(results: StepResult[]): void;
  reject(error: Error): void;
}

interface RenderProcess {
  child: RenderChild;
  /** The renderings in progress in this process, by job id. */
  renderings: Map<number, Rendering>;
  silent: NodeJS.Timeout;
}

export interface RendererOptions {
  /** Maximum number of fast processes. */
  fastProcesses?: number;
  /** Milliseconds that a job may wait for the slow process before it fails with the fault `busy`. */
  slowWithinMs?: number;
  /** Milliseconds that a trial may wait for the slow process before it fails with `busy`; its user then has to try again. */
  trialWithinMs?: number;
  /** Called when a process ended unexpectedly. */
  onDeath?(by: Death['by']): void;
}

export const createRenderer = (options: RendererOptions = {}): Renderer =>
  new ProcessRenderer({ fastProcesses: FAST_PROCESSES, slowWithinMs: RENDER_WAIT_MS, trialWithinMs: TRIAL_WAIT_MS, ...options });

class ProcessRenderer implements Renderer {
  private readonly fast = new Set<RenderProcess>();
  private slow: RenderProcess | null = null;
  private readonly fastQueue = createReadyQueue<Rendering>();
  private readonly slowQueue = createReadyQueue<Rendering>();
  private readonly slowSubscriptions = new SlowSubscriptions();
  /** Time by `performance.now()` since when jobs have waited for a free slot in a fast process; `Infinity` when no job waits. */
  private crowdedSinceMs = Number.POSITIVE_INFINITY;
  private lastDeathMs = Number.NEGATIVE_INFINITY;
  private lastId = 0;
  private isClosed = false;
  private isScheduled = false;

  constructor(private readonly options: RendererOptions & Required<Omit<RendererOptions, 'onDeath'>>) {}

  start(): void {
    if (!this.isClosed && this.fast.size === 0) this.fast.add(this.open(false));
  }

  async render(payer: Payer, input: RenderInput, steps: Step[]): Promise<StepResult[]> {
    if (this.isClosed) throw new Error('the renderer is closed');
    if ('data' in input && input.data.length > MAX_DATA_LENGTH)
      return [
        {
          fault: 'limit',
          message: `the data for the template has ${input.data.length} characters; the limit is ${MAX_DATA_LENGTH}`,
          place: null,
          ms: 0,
        },
      ];
    return new Promise((resolve, reject) => {
      const job = { id: ++this.lastId, input, steps, alone: false };
      const rendering: Rendering = { job, payer, deaths: 0, results: [], resolve, reject };
      if (this.isSlow(payer)) this.queueAlone(rendering);
      else this.queueTogether(rendering);
      this.schedule();
    });
  }

  state(): { processes: number; waiting: number } {
    return { processes: this.fast.size + (this.slow ? 1 : 0), waiting: this.fastQueue.size + this.slowQueue.size };
  }

  async close(): Promise<void> {
    this.isClosed = true;
    const closed = new Error('the renderer is closed');
    for (const queue of [this.fastQueue, this.slowQueue])
      for (let rendering = queue.next(); rendering; rendering = queue.next()) {
        clearTimeout(rendering.giveUp);
        rendering.reject(closed);
      }
    await Promise.all([...this.fast, ...(this.slow ? [this.slow] : [])].map(({ child }) => child.kill()));
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    // Jobs queued in the same tick are sent as one message.
    queueMicrotask(() => {
      this.isScheduled = false;
      if (this.isClosed) return;
      this.fillFast();
      this.fillSlow();
    });
  }

  private fillFast(): void {
    while (this.fastQueue.size > 0) {
      const process = this.processForNext();
      if (process === null) break;
      const batch: Rendering[] = [];
      const slots = MAX_JOBS - process.renderings.size;
      while (batch.length < slots && this.fastQueue.size > 0) {
        const rendering = this.fastQueue.next() as Rendering;
        // While the job waited, another job of its subscription may have been slow; then this job must run alone, too.
        if (this.isSlow(rendering.payer)) this.queueAlone(rendering);
        else batch.push(rendering);
      }
      if (batch.length > 0) this.send(process, batch);
    }
    this.crowdedSinceMs = this.fastQueue.size === 0 ? Number.POSITIVE_INFINITY : Math.min(this.crowdedSinceMs, performance.now());
  }

  /** Returns the fast process that gets the next jobs, and opens it if needed; `null` while the jobs have to wait. */
  private processForNext(): RenderProcess | null {
    const { crowdedSinceMs, lastDeathMs } = this;
    const processes = [...this.fast];
    const loads = processes.map(({ renderings }) => renderings.size);
    const state = { running: processes.length, max: this.options.fastProcesses, crowdedSinceMs, lastDeathMs };
    const choice = chooseProcess(loads, mayStartAnother(state, performance.now()));
    if (choice === 'wait') return null;
    if (choice !== 'open') return processes[choice] as RenderProcess;
    const opened = this.open(false);
    this.fast.add(opened);
    this.crowdedSinceMs = Number.POSITIVE_INFINITY;
    return opened;
  }

  private fillSlow(): void {
    if (this.slowQueue.size === 0 || (this.slow && this.slow.renderings.size > 0)) return;
    this.slow ??= this.open(true);
    const rendering = this.slowQueue.next() as Rendering;
    clearTimeout(rendering.giveUp);
    this.send(this.slow, [rendering]);
  }

  private open(isSlow: boolean): RenderProcess {
    const process: RenderProcess = {
      child: startRenderChild(
        isSlow,
        (progress) => this.onProgress(process, progress),
        (death) => this.onDeath(process, death),
      ),
      renderings: new Map(),
      silent: setTimeout(() => process.renderings.size > 0 && process.child.kill(), SILENT_FOR_MS).unref(),
    };
    return process;
  }

  private send(process: RenderProcess, batch: Rendering[]): void {
    for (const rendering of batch) process.renderings.set(rendering.job.id, rendering);
    process.silent.refresh();
    process.child.hold(true);
    process.child.send(batch.map(({ job }) => job));
  }

  private onProgress(process: RenderProcess, all: Progress[]): void {
    process.silent.refresh();
    for (const progress of all) {
      const rendering = process.renderings.get(progress.id);
      if (!rendering) continue;
      rendering.results = progress.results;
      if (!('done' in progress)) continue;
      process.renderings.delete(progress.id);
      if (progress.isSlow) this.slowSubscriptions.mark(rendering.payer, performance.now());
      rendering.resolve(progress.results);
    }
    if (process.renderings.size === 0) process.child.hold(false);
    this.schedule();
  }

  private onDeath(process: RenderProcess, death: Death): void {
    if (!this.isClosed) this.options.onDeath?.(death.by);
    if (this.fast.delete(process)) this.lastDeathMs = performance.now();
    if (this.slow === process) this.slow = null;
    clearTimeout(process.silent);
    const renderings = [...process.renderings.values()];
    const suspects = renderings.filter(({ job }) => isSuspect(death, job));
    // If several jobs are suspected, none is marked slow: each runs again alone, which shows whether it was the cause.
    if (suspects.length === 1) this.slowSubscriptions.mark((suspects[0] as Rendering).payer, performance.now());
    for (const rendering of renderings)
      if (this.isClosed) rendering.reject(new Error('the renderer is closed'));
      else this.afterDeath(rendering, death);
    this.schedule();
  }

  private afterDeath(rendering: Rendering, death: Death): void {
    if (death.by === 'unknown') rendering.deaths += 1;
    const fate = fateOf(death, rendering.job, rendering.deaths);
    if (fate === 'limit')
      rendering.resolve([...rendering.results, { fault: 'limit', message: death.message, place: null, ms: KILL_AFTER_MS }]);
    else if (fate === 'reject') rendering.reject(new Error(death.message));
    else if (fate === 'alone') this.queueAlone(rendering);
    else this.queueTogether(rendering);
  }

  private queueTogether(rendering: Rendering): void {
    this.fastQueue.add(rendering.payer.tenant, rendering.payer.key, rendering);
  }

  private queueAlone(rendering: Rendering): void {
    const { tenant, key, isTrial } = rendering.payer;
    const { slowWithinMs, trialWithinMs } = this.options;
    const withinMs = isTrial ? trialWithinMs : slowWithinMs;
    const message = `the process for slow templates was not free within ${withinMs / 1000} s${isTrial ? ', because other templates use it; try again later' : ''}`;
    rendering.job.alone = true;
    rendering.results = [];
    rendering.giveUp = setTimeout(() => {
      this.slowQueue.remove(tenant, key, rendering);
      rendering.resolve([{ fault: 'busy', message, place: null, ms: 0 }]);
    }, withinMs);
    this.slowQueue.add(tenant, key, rendering);
  }

  private isSlow(payer: Payer): boolean {
    return this.slowSubscriptions.has(payer, performance.now());
  }
}
