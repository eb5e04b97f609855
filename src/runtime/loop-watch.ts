// Measures continuously how late the event loop of this process is, and logs a warning if it was late by more than 200 ms.
import type { Logger } from './logger.js';
import { type LongPiece, loopShare } from './loop-share.js';

/** Milliseconds between two measurements. */
const EVERY_MS = 50;
/** Delay in milliseconds above which a warning is logged. */
const WARN_MS = 200;
/** Milliseconds between two warnings, and before the first warning, because a starting process loads its code. */
const QUIET_MS = 10_000;

export interface LoopWatchOptions {
  log: Logger;
  /** Receives each measured delay, in milliseconds. */
  onDelay(ms: number): void;
  /** Returns the longest measured piece of work that ended after `sinceMs` (a time of `now`). */
  longestSince?(sinceMs: number): LongPiece | null;
  /** Default: QUIET_MS. */
  quietMs?: number;
  now?(): number;
  /** Returns the processor time that the process has used, in milliseconds. */
  processorMs?(): number;
}

/** Measures until the returned function is called. The timer doesn't keep the process alive. */
export function watchLoop(options: LoopWatchOptions): () => void {
  const watch = new LoopWatch(options);
  const timer = setInterval(() => watch.measure(), EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

export class LoopWatch {
  private readonly now: () => number;
  private readonly processorMs: () => number;
  private readonly longestSince: (sinceMs: number) => LongPiece | null;
  private atMs: number;
  private usedMs: number;
  private loggedAtMs: number;
  /** Number of delays since the last warning that were not logged. */
  private unlogged = 0;

  constructor(private readonly options: LoopWatchOptions) {
    this.now = options.now ?? (() => performance.now());
    this.processorMs = options.processorMs ?? processorMs;
    this.longestSince = options.longestSince ?? ((sinceMs) => loopShare.longestSince(sinceMs));
    this.atMs = this.now();
    this.loggedAtMs = this.atMs;
    this.usedMs = this.processorMs();
  }

  /** Must be called every EVERY_MS milliseconds. */
  measure(): void {
    const [nowMs, usedMs] = [this.now(), this.processorMs()];
    const delayMs = Math.max(0, nowMs - this.atMs - EVERY_MS);
    const usedSinceMs = usedMs - this.usedMs;
    const sinceMs = this.atMs;
    [this.atMs, this.usedMs] = [nowMs, usedMs];
    this.options.onDelay(delayMs);
    if (delayMs <= WARN_MS) return;
    if (nowMs - this.loggedAtMs < (this.options.quietMs ?? QUIET_MS)) this.unlogged += 1;
    else this.warn(delayMs, usedSinceMs, this.longestSince(sinceMs));
  }

  private warn(delayMs: number, usedMs: number, piece: LongPiece | null): void {
    const ran =
      piece && piece.ms > delayMs / 2 ? { what: piece.what, tenant: piece.party } : { what: causeOf(delayMs, usedMs), tenant: null };
    this.options.log.warn(
      { delayMs: Math.round(delayMs), processorMs: Math.round(usedMs), ...ran, unlogged: this.unlogged },
      'the event loop was late: other requests and deliveries of this process waited',
    );
    this.loggedAtMs = this.now();
    this.unlogged = 0;
  }
}

/** If this process used little processor time during the delay, another process held it up. */
const causeOf = (delayMs: number, usedMs: number) => (usedMs < delayMs / 2 ? 'another process' : 'unmeasured work');

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
