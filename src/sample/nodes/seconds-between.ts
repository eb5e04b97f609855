// Computes the seconds between start and end of a row; `null` when the row has no end, or a time is infinite.
import { millisecondsOf } from '../../index.js';

export function secondsBetween({ startedAt, endedAt }: { startedAt: Date; endedAt: Date | null }): number | null {
  const seconds = endedAt && (millisecondsOf(endedAt) - millisecondsOf(startedAt)) / 1000;
  return Number.isFinite(seconds) ? seconds : null;
}
