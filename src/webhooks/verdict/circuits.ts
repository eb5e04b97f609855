// Counts consecutive failures of each subscription in this process, stops its deliveries after CIRCUIT_FAILURES of them, and decides which
// failures count towards disabling it.
import { CIRCUIT_FAILURES, type PaceState } from '../base/pace.js';
import type { DeliveryResult } from './attempt-result.js';
import type { Verdict } from './judge.js';

interface Claimed {
  subscriptionId: string;
  /** Time at which this worker claimed the delivery, by `performance.now()`. */
  claimedAtMs: number;
  pace: PaceState | null;
}

interface Streak {
  failures: number;
  /**
   * Time by `performance.now()` at which deliveries were last stopped, because too many failed in a row or the receiver asked to slow down.
   */
  stoppedAtMs: number;
}

/** Maximum number of failing subscriptions to remember; one more evicts the oldest. */
const MAX_STREAKS = 50_000;

export class Circuits {
  private readonly streaks = new Map<string, Streak>();

  /** Whether the delivery must not be sent, because after its claim too many others failed in a row or the receiver asked to slow down. */
  isStopped({ subscriptionId, claimedAtMs, pace }: Claimed): boolean {
    return (
      this.streaks.size > 0 &&
      pace !== 'PROBING' &&
      claimedAtMs <= (this.streaks.get(subscriptionId)?.stoppedAtMs ?? Number.NEGATIVE_INFINITY)
    );
  }

  /**
   * Returns how an attempt's verdict changes the subscription's pace (how fast deliveries may start), and whether its failure is not
   * counted towards disabling the subscription. Usually returns `null`, for neither.
   */
  judge(
    delivery: Claimed,
    { outcome, slowMs, uncounted }: Pick<Verdict, 'outcome' | 'slowMs' | 'uncounted'>,
  ): Pick<DeliveryResult, 'pace' | 'uncounted'> | null {
    if (outcome === 'DELIVERED') {
      this.delivered(delivery);
      return delivery.pace === null || delivery.pace === 'LIMITED' ? null : { pace: { slowMs: null, opens: false, delivered: 1 } };
    }
    if (outcome !== 'FAILED') return null;
    if (uncounted) return { uncounted };
    if (slowMs !== undefined) {
      this.slowed(delivery);
      return { uncounted: true, pace: { slowMs, opens: false, delivered: 0 } };
    }
    const { counted, opens } = this.failed(delivery);
    const probed = delivery.pace === 'PROBING';
    return { ...(!counted && { uncounted: true }), ...(opens && { pace: { slowMs: null, opens, probed, delivered: 0 } }) };
  }

  delivered({ subscriptionId }: Pick<Claimed, 'subscriptionId'>): void {
    const streak = this.streaks.size > 0 && this.streaks.get(subscriptionId);
    if (streak) streak.failures = 0;
  }

  /**
   * Counts a failed attempt, unless the delivery was claimed before deliveries were last stopped. `opens`: this failure stops them, because
   * it is the CIRCUIT_FAILURES-th in a row or a failed probe.
   */
  failed({ subscriptionId, claimedAtMs, pace }: Claimed): { counted: boolean; opens: boolean } {
    const streak = this.streakOf(subscriptionId);
    // A failed probe (the single delivery that tests a failing receiver) always counts: the next probe waits for its result.
    if (pace !== 'PROBING' && claimedAtMs <= streak.stoppedAtMs) return { counted: false, opens: false };
    streak.failures += 1;
    const opens = pace === 'PROBING' || streak.failures >= CIRCUIT_FAILURES;
    if (opens) this.stop(streak);
    return { counted: true, opens };
  }

  /** Notes that the receiver asked to slow down: deliveries that were claimed before are then not sent (`isStopped`). */
  slowed({ subscriptionId }: Pick<Claimed, 'subscriptionId'>): void {
    this.stop(this.streakOf(subscriptionId));
  }

  private stop(streak: Streak): void {
    streak.failures = 0;
    streak.stoppedAtMs = performance.now();
  }

  private streakOf(subscriptionId: string): Streak {
    const streak = this.streaks.get(subscriptionId) ?? { failures: 0, stoppedAtMs: Number.NEGATIVE_INFINITY };
    this.streaks.set(subscriptionId, streak);
    if (this.streaks.size > MAX_STREAKS) this.streaks.delete(this.streaks.keys().next().value as string);
    return streak;
  }
}
