// Defines the result of a test and of a preview.
import type { Problem } from '../base/errors.js';
import type { StageReport } from '../base/report.js';
import { REPORT_ORDER, type ReportStage, type Stage } from '../base/stages.js';
import { TemplateError } from '../base/templates/template.js';
import type { AttemptRecord } from '../verdict/attempt-record.js';

export interface TryReport {
  typename: string;
  nodeKey: string;
  /**
   * `READY`: a previewed delivery would be sent. `SKIPPED`: the validation template would reject it. The other outcomes are those of tests.
   */
  outcome: 'READY' | 'SKIPPED' | 'DELIVERED' | 'FAILED';
  stage: Stage | null;
  message: string | null;
  /** All stages, in the order in which they run. */
  stages: StageReport[];
  /** The request with secrets redacted. */
  request: AttemptRecord['request'];
  response: AttemptRecord['response'];
  durationMs: number;
}

/**
 * The result of a test or preview. `report` is `null` when no stage ran; then `problems` explain why. A preview also returns the mistakes
 * and warnings of its definition.
 */
export interface TryResult {
  problems: Problem[];
  report: TryReport | null;
  /** The fields whose secrets a save of the previewed input would change; empty for a new subscription and a test. */
  changedSecrets: string[];
  /** The delivery under which a test was recorded; `null` for a preview. */
  deliveryId: string | null;
}

export const refused = (...problems: Problem[]): TryResult => ({ problems, report: null, changedSecrets: [], deliveryId: null });

/** Wraps a test or a preview: when no render process was free for a template, returns this as a problem. */
export const orTryAgain =
  <Arguments extends unknown[]>(run: (...args: Arguments) => Promise<TryResult>) =>
  (...args: Arguments): Promise<TryResult> =>
    run(...args).catch((error) => {
      // Any TemplateError here is `busy`.
      if (!(error instanceof TemplateError)) throw error;
      return refused({ field: 'base', message: error.message });
    });

export const notRun = (stage: ReportStage): StageReport => ({
  stage,
  outcome: 'NOT_RUN',
  input: null,
  output: null,
  message: null,
  durationMs: 0,
});

/**
 * Orders the reports of the stages, and adds a report NOT_RUN for each stage without one, except for AUTH, which few subscriptions use.
 */
export function inOrder(reports: StageReport[]): StageReport[] {
  return REPORT_ORDER.flatMap((stage) => reports.find((report) => report.stage === stage) ?? (stage === 'AUTH' ? [] : notRun(stage)));
}
