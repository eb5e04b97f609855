// A row with a beginning and perhaps an end in, the seconds between them out; null too where either is infinite.
import { millisecondsOf } from '../../index.js';

export function secondsBetween({ startedAt, endedAt }: { startedAt: Date; endedAt: Date | null }): number | null {
  const seconds = endedAt && (millisecondsOf(endedAt) - millisecondsOf(startedAt)) / 1000;
  return Number.isFinite(seconds) ? seconds : null;
}
