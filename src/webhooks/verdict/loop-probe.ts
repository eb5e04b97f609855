// Decides when to send notifications that may be in an overlapping feedback loop, and finds out whether they are in one.

/** A write counts as the answer to a notification if its delivery was created within this time after the notification was sent. */
export const ANSWERED_WITHIN_MS = 5000;
/** Milliseconds of the first pause. It is longer than requests in progress, and changes that wait for the relay, usually take. */
export const FIRST_PROBE_PAUSE_MS = 10_000;
const LONGEST_PAUSE_MS = 60_000;

/**
 * Sends nothing during a pause. A change more than ANSWERED_WITHIN_MS after the pause began answers no notification, so there is no loop.
 * After the pause, one notification is sent. If another change answers it, the next pause is longer; otherwise there is no loop.
 */
export class LoopProbe {
  private pauseMs = FIRST_PROBE_PAUSE_MS;
  /** When the single notification after the pause was sent, by `performance.now()`; NaN during a pause. */
  private sentAtMs = Number.NaN;
  private sentId = '';

  constructor(private pausedAtMs: number) {}

  /** Returns the milliseconds that a delivery must still wait; 0 when it may be sent; `null` when there is no loop. */
  check({ id, createdAtMs }: { id: string; createdAtMs: number }, nowMs: number): number | null {
    if (id === this.sentId) return 0;
    if (Number.isNaN(this.sentAtMs)) {
      if (createdAtMs > this.pausedAtMs + ANSWERED_WITHIN_MS) return null;
      const waitMs = this.pausedAtMs + this.pauseMs - nowMs;
      if (waitMs > 0) return waitMs;
      [this.sentAtMs, this.sentId] = [nowMs, id];
      return 0;
    }
    const untilMs = this.sentAtMs + ANSWERED_WITHIN_MS;
    if (createdAtMs < this.sentAtMs) return nowMs < untilMs ? untilMs - nowMs : null;
    if (createdAtMs > untilMs) return null;
    this.pauseMs = Math.min(this.pauseMs * 2, LONGEST_PAUSE_MS);
    [this.pausedAtMs, this.sentAtMs] = [nowMs, Number.NaN];
    return this.pauseMs;
  }
}
