// What the doctor says of one thing that it looked at.
import type { RuntimeError } from '../../runtime/runtime-error.js';

export type Outcome = 'OK' | 'WARN' | 'FAIL';

export interface Finding {
  check: string;
  outcome: Outcome;
  message: string;
  /** What to do; null: nothing. */
  hint: string | null;
}

export type Tell = (finding: Finding) => void;

export const CLOCK_SKEW_MS = 5_000;

export const finding = (check: string, outcome: Outcome, message: string, hint: string | null = null): Finding => ({
  check,
  outcome,
  message,
  hint,
});

/** Tells what `work` throws as a failure; answers `null` then. */
export async function attempt<T>(check: string, tell: Tell, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    const { message, hint } = error as RuntimeError;
    tell(finding(check, 'FAIL', message, hint ?? null));
    return null;
  }
}
