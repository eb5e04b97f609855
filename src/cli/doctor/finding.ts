// Defines a finding of `hookgraph doctor`: the result of one check.
import { adviceOn } from '../../runtime/database-url/advice.js';
import type { RuntimeError } from '../../runtime/runtime-error.js';

export type Outcome = 'OK' | 'WARN' | 'FAIL';

export interface Finding {
  check: string;
  outcome: Outcome;
  message: string;
  /** Advice for the user; `null` when there is nothing to do. */
  hint: string | null;
}

export type Report = (finding: Finding) => void;

/** Maximum difference of two clocks, in milliseconds, that isn't a problem. */
export const CLOCK_SKEW_MS = 5_000;

export const finding = (check: string, outcome: Outcome, message: string, hint: string | null = null): Finding => ({
  check,
  outcome,
  message,
  hint,
});

/** Runs a check and returns its result. When the check throws, reports a failed finding and returns `null`. */
export async function attempt<T>(check: string, report: Report, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    const { message, hint } = error as RuntimeError;
    report(finding(check, 'FAIL', message, hint ?? adviceOn(error)));
    return null;
  }
}
