// Claims due deliveries of the subscriptions that were passed to `wake`, and starts them, within the limits for deliveries in progress.
// README.md draws the states of this loop.
import type { Pool } from 'pg';
import { logFailure } from '../../runtime/failure-log.js';
import type { Logger } from '../../runtime/logger.js';
import { loopShare } from '../../runtime/loop-share.js';
import type { Loop } from '../base/loops.js';
import { claimDue, type DeliveryInHand } from './claim.js';
import { Costs, type Taken } from './costs.js';
import { InFlight, type Slot, type Target } from './in-flight.js';
import { advancesAfter, type Bounds, type ClaimPlan, isQuiet, isWorthwhile, planClaim } from './plan-claim.js';
import { RoundRobin } from './round-robin.js';

export interface DrainOptions {
  pool: Pool;
  log: Logger;
  bounds: Bounds;
  leaseMs: number;
  /** Returns where a subscription sends to; `undefined` until this process has prepared a delivery of the subscription. */
  targetOf(subscriptionId: string): Target | undefined;
  /**
   * Sends a claimed batch. Calls `free` once per delivery, with its index in the batch, when another delivery may start in its place. Must
   * not throw.
   */
  deliver(batch: DeliveryInHand[], free: (index: number) => void): void;
  /** Whether results can't be recorded now. Nothing is claimed meanwhile, because unrecorded deliveries would be sent again and again. */
  isUnrecorded?(): boolean;
  /** Progress of the claims, to notice a claim that doesn't end. */
  loop?: Loop;
}

export interface Drain {
  wake(subscriptionIds: string[]): void;
  /**
   * Claims nothing of this subscription for `ms` milliseconds in this process. After that, the periodic scan (due-scan.ts) passes it to
   * `wake` again.
   */
  rest(subscriptionId: string, ms: number): void;
  /** Notes whether a stored query of the subscription exceeded a time limit; then fewer of its deliveries may be in progress. */
  noteQuery(subscriptionId: string, isLate: boolean): void;
  /** Notes what a delivery of the subscription took before its request. Costly ones of a tenant are spaced beside other tenants. */
  noteCost(subscriptionId: string, taken: Taken): void;
  /** Notes the length of an answer with its headers, which costs, too. */
  noteAnswer(subscriptionId: string, characters: number): void;
  /** Returns how many more deliveries may start in this process; 0 after `stop`, and while results can't be recorded. */
  freeSlots(): number;
  inProgress(): number;
  /** Starts deliveries that another loop has claimed, and counts them as deliveries in progress. */
  start(batch: DeliveryInHand[]): void;
  /** Stops claiming, and resolves when no delivery is in progress. */
  stop(): Promise<void>;
}

/** Milliseconds to wait after deliveries have ended, so that one claim replaces several of them. */
const GATHER_MS = 5;
/** Milliseconds between a failed claim, for example because Postgres restarts, and the next claim. */
const RETRY_MS = 500;

/**
 * Starts the loop that claims and starts deliveries. It claims nothing before the first `wake`. The returned functions need no `this`, so
 * that other loops can use them as callbacks.
 */
export function startDrain(options: DrainOptions): Drain {
  const drain = new ClaimingDrain(options);
  return {
    wake: (subscriptionIds) => drain.wake(subscriptionIds),
    rest: (subscriptionId, ms) => drain.rest(subscriptionId, ms),
    noteQuery: (subscriptionId, isLate) => drain.noteQuery(subscriptionId, isLate),
    noteCost: (subscriptionId, taken) => drain.noteCost(subscriptionId, taken),
    noteAnswer: (subscriptionId, characters) => drain.noteAnswer(subscriptionId, characters),
    freeSlots: () => drain.freeSlots(),
    inProgress: () => drain.inProgress(),
    start: (batch) => drain.start(batch),
    stop: () => drain.stop(),
  };
}

class ClaimingDrain implements Drain {
  private readonly awake: RoundRobin;
  private readonly inFlight = new InFlight();
  private readonly costs = new Costs();
  /** Subscription id → time by `performance.now()` before which nothing of the subscription is claimed. */
  private readonly resting = new Map<string, number>();
  private isClaiming = false;
  private isStopping = false;
  private retryTimer: NodeJS.Timeout | undefined;
  private gatherTimer: NodeJS.Timeout | undefined;
  private costsTimer: NodeJS.Timeout | undefined;
  /** Number of deliveries that have ended since the last claim, while subscriptions were waiting for a claim. */
  private freed = 0;
  /** Resolves the promise of `stop`, when no delivery and no claim is in progress; `undefined` before `stop`. */
  private onIdle: (() => void) | undefined;

  constructor(private readonly options: DrainOptions) {
    this.awake = new RoundRobin(options.targetOf);
  }

  wake(subscriptionIds: string[]): void {
    if (subscriptionIds.length === 0) return;
    for (const id of subscriptionIds) if (!this.isResting(id)) this.awake.wake(id);
    if (isQuiet(this.inFlight.total)) void this.claim();
    else this.gather();
  }

  rest(subscriptionId: string, ms: number): void {
    this.resting.set(subscriptionId, performance.now() + ms);
    this.awake.remove(subscriptionId);
  }

  noteQuery(subscriptionId: string, isLate: boolean): void {
    if (isLate) this.inFlight.narrow(subscriptionId, performance.now());
    else this.inFlight.widen(subscriptionId);
  }

  noteCost(subscriptionId: string, taken: Taken): void {
    const target = this.options.targetOf(subscriptionId);
    const isFirst = target !== undefined && this.costs.note(subscriptionId, target.tenant, taken, performance.now());
    // More deliveries may start, although none has ended.
    if (isFirst && this.awake.size > 0) this.gather();
  }

  noteAnswer(subscriptionId: string, characters: number): void {
    this.costs.noteAnswer(subscriptionId, characters);
  }

  freeSlots(): number {
    return this.mayNotClaim() ? 0 : Math.max(0, this.options.bounds.total - this.inFlight.total);
  }

  inProgress(): number {
    return this.inFlight.total;
  }

  start(batch: DeliveryInHand[]): void {
    if (batch.length === 0) return;
    const nowMs = performance.now();
    const slots = batch.map(({ subscriptionId }) => {
      const target = this.options.targetOf(subscriptionId);
      this.costs.start(subscriptionId, target?.tenant, nowMs);
      return this.inFlight.take(subscriptionId, target);
    });
    this.options.deliver(batch, (index) => this.release(slots[index] as Slot));
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    clearTimeout(this.retryTimer);
    clearTimeout(this.gatherTimer);
    clearTimeout(this.costsTimer);
    if (this.isIdle()) return;
    await new Promise<void>((resolve) => {
      this.onIdle = resolve;
    });
  }

  /**
   * Claims and starts deliveries in batches, until no waiting subscription may start another delivery, or until too few deliveries have
   * ended to justify another claim.
   */
  private async claim(): Promise<void> {
    if (this.isClaiming || this.isStopping) return;
    this.isClaiming = true;
    try {
      for (let isFirst = true; ; isFirst = false) {
        clearTimeout(this.gatherTimer);
        this.gatherTimer = undefined;
        this.freed = 0;
        const plan = loopShare.note('planning a claim', () => this.plan());
        if (plan.wants.length === 0) return;
        if (!isFirst && !isWorthwhile(plan.total, this.inFlight.total)) return this.gather();
        this.options.loop?.completed();
        const batch = await claimDue(this.options.pool, plan.wants, plan.total, this.options.leaseMs);
        loopShare.note('claiming deliveries', () => {
          for (const { subscriptionId, had, next } of advancesAfter(plan, batch, performance.now()))
            this.awake.advance(subscriptionId, had, next);
          this.start(batch);
        });
      }
    } catch (error) {
      logFailure(this.options.log, error, 'claiming deliveries failed; retrying');
      if (!this.isStopping) this.retryTimer = setTimeout(() => void this.claim(), RETRY_MS);
    } finally {
      this.options.loop?.rests();
      this.isClaiming = false;
      if (this.isStopping && this.isIdle()) this.onIdle?.();
    }
  }

  private plan(): ClaimPlan {
    if (this.mayNotClaim()) return { wants: [], total: 0 };
    this.inFlight.learnTargets(this.options.targetOf);
    this.awake.learnTargets();
    const nowMs = performance.now();
    const plan = planClaim(this.awake, this.inFlight, this.options.bounds, nowMs, this.costs);
    this.claimAfter(this.costs.waitMs(nowMs));
    return plan;
  }

  /** Claims again when a tenant may start its next costly delivery. */
  private claimAfter(waitMs: number | null): void {
    clearTimeout(this.costsTimer);
    if (waitMs !== null && this.awake.size > 0) this.costsTimer = setTimeout(() => void this.claim(), waitMs);
  }

  private mayNotClaim(): boolean {
    return this.isStopping || this.options.isUnrecorded?.() === true;
  }

  private gather(): void {
    this.gatherTimer ??= setTimeout(() => {
      this.gatherTimer = undefined;
      void this.claim();
    }, GATHER_MS);
  }

  private release(slot: Slot): void {
    this.inFlight.release(slot);
    this.costs.end(slot.subscriptionId);
    if (this.isStopping) {
      if (this.isIdle()) this.onIdle?.();
      return;
    }
    if (this.awake.size === 0) return;
    this.freed += 1;
    if (isWorthwhile(this.freed, this.inFlight.total)) void this.claim();
    else this.gather();
  }

  private isIdle(): boolean {
    return this.inFlight.total === 0 && !this.isClaiming;
  }

  private isResting(subscriptionId: string): boolean {
    const untilMs = this.resting.get(subscriptionId);
    if (untilMs === undefined) return false;
    if (performance.now() < untilMs) return true;
    this.resting.delete(subscriptionId);
    return false;
  }
}
