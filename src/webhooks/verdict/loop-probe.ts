// Decides when notifications are sent that may be in an overlapping feedback loop, and whether they are.

/** A write counts as the answer to a notification if its delivery was created within this time after the notification was sent. */
export const ANSWERED_WITHIN_MS = 5000;
/** The first pause is longer than what is under way takes: requests that were sent, and changes that wait for the relay. */
export const FIRST_PROBE_PAUSE_MS = 10_000;
const LONGEST_PAUSE_MS = 60_000;

/**
 * Lets nothing be sent during a pause. A change later than ANSWERED_WITHIN_MS after its begin is no answer: there is no loop. After the
 * pause, one notification is sent. Another change after it is its answer: the next pause is longer. Otherwise there is no loop.
 */
export class LoopProbe {
  private pauseMs = FIRST_PROBE_PAUSE_MS;
  /** When the one notification was sent; NaN during a pause. */
  private sentAtMs = Number.NaN;
  private sentId = '';

  constructor(private pausedAtMs: number) {}

  /** Returns how long a delivery must still wait; 0 when it is sent; `null` when there is no loop. */
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
