// Counts failures in a row of each subscription in this process, and says which of them count for the rule of errors within an hour.
import { CIRCUIT_FAILURES, type PaceState } from '../base/pace.js';
import type { Settlement } from './attempt-result.js';
import type { Verdict } from './judge.js';

interface Claimed {
  subscriptionId: string;
  /** By `performance.now()`. */
  claimedAtMs: number;
  pace: PaceState | null;
}

interface Streak {
  failures: number;
  /** By `performance.now()`: when the circuit opened, or the receiver asked to slow down. */
  stoppedAtMs: number;
}

/** Beyond this many subscriptions that fail the oldest is forgotten. */
const MAX_STREAKS = 50_000;

export class Circuits {
  private readonly streaks = new Map<string, Streak>();

  /** Whether this claim is older than the moment from which its receiver is to be left alone. */
  isStopped({ subscriptionId, claimedAtMs, pace }: Claimed): boolean {
    return (
      this.streaks.size > 0 &&
      pace !== 'PROBING' &&
      claimedAtMs <= (this.streaks.get(subscriptionId)?.stoppedAtMs ?? Number.NEGATIVE_INFINITY)
    );
  }

  /** What a verdict means for the pace of the subscription, and whether it counts; `null`: nothing, as nearly always. */
  judge(delivery: Claimed, { outcome, slowMs }: Pick<Verdict, 'outcome' | 'slowMs'>): Pick<Settlement, 'pace' | 'uncounted'> | null {
    if (outcome === 'DELIVERED') {
      this.delivered(delivery);
      return delivery.pace === null || delivery.pace === 'LIMITED' ? null : { pace: { slowMs: null, opens: false, delivered: 1 } };
    }
    if (outcome !== 'FAILED') return null;
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

  /** `counted`: a failure that began before the circuit opened and ended afterwards doesn't count. `opens`: this one opens it. */
  failed({ subscriptionId, claimedAtMs, pace }: Claimed): { counted: boolean; opens: boolean } {
    const streak = this.streakOf(subscriptionId);
    // A probe is one whatever else was under way: the next one waits for what comes of it.
    if (pace !== 'PROBING' && claimedAtMs <= streak.stoppedAtMs) return { counted: false, opens: false };
    streak.failures += 1;
    const opens = pace === 'PROBING' || streak.failures >= CIRCUIT_FAILURES;
    if (opens) this.stop(streak);
    return { counted: true, opens };
  }

  /** The receiver asked to slow down. */
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
