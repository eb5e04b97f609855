// What a test or a preview tells of each stage that a notification passes.
/** The stages in their order. SEND fails as ADDRESS, CONNECT, TIMEOUT or STATUS. */
export const REPORT_STAGES = ['QUERY', 'VALIDATION', 'TEMPLATE', 'AUTH', 'SEND', 'ERROR_TEMPLATE'] as const;
export type ReportStage = (typeof REPORT_STAGES)[number];

export interface StageReport {
  stage: ReportStage;
  /** `SKIPPED`: the validation template said false. `NOT_RUN`: there was nothing to run, or no way to get so far. */
  outcome: 'OK' | 'SKIPPED' | 'FAILED' | 'NOT_RUN';
  /** What the stage was given, and what it made of that; nothing in them is secret. */
  input: unknown;
  output: unknown;
  message: string | null;
  durationMs: number;
}

/** Told after each stage. Whoever watches, tries: the validation template is heard and not obeyed. */
export type Watch = (report: StageReport) => void;
