// What a test and a preview answer.
import type { Problem } from '../base/errors.js';
import type { Stage } from '../base/model.js';
import { REPORT_STAGES, type ReportStage, type StageReport } from '../base/report.js';
import type { AttemptRecord } from '../verdict/attempt-result.js';

export interface TryReport {
  typename: string;
  nodeKey: string;
  /** `READY`, `SKIPPED`: what would happen; a preview only. */
  outcome: 'READY' | 'SKIPPED' | 'DELIVERED' | 'FAILED';
  stage: Stage | null;
  message: string | null;
  /** All of them, in their order. */
  stages: StageReport[];
  /** With secrets redacted. */
  request: AttemptRecord['request'];
  response: AttemptRecord['response'];
  durationMs: number;
}

/** `report` null: the problems say why nothing was tried. A preview's problems are those of its definition. */
export interface TryResult {
  problems: Problem[];
  report: TryReport | null;
  /** Of a test: how it was recorded. */
  deliveryId: string | null;
}

export const refused = (...problems: Problem[]): TryResult => ({ problems, report: null, deliveryId: null });

export const OWNER_GONE: Problem = { field: 'base', message: 'the owner is gone, disabled, or belongs to another organization now' };

export const notRun = (stage: ReportStage): StageReport => ({
  stage,
  outcome: 'NOT_RUN',
  input: null,
  output: null,
  message: null,
  durationMs: 0,
});

/** AUTH only where it was told of: most subscriptions have none. */
export function inOrder(told: StageReport[]): StageReport[] {
  return REPORT_STAGES.flatMap((stage) => told.find((report) => report.stage === stage) ?? (stage === 'AUTH' ? [] : notRun(stage)));
}
