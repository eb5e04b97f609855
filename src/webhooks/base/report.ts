// Declares the reports of a test or preview, one for each stage of a delivery.
import type { Place } from './errors.js';
import type { ReportStage } from './stages.js';

export interface StageReport {
  stage: ReportStage;
  /** `SKIPPED`: the validation template rendered `false`. `NOT_RUN`: the stage had nothing to do, or an earlier stage failed. */
  outcome: 'OK' | 'SKIPPED' | 'FAILED' | 'NOT_RUN';
  /** The input and output of the stage; neither contains secrets. */
  input: unknown;
  output: unknown;
  message: string | null;
  /** The position of the first mistake in the query or template. */
  place?: Place | null;
  durationMs: number;
}

/** Called after each stage of a test or preview. With a `Watch`, all stages run, even if the validation template renders `false`. */
export type Watch = (report: StageReport) => void;
