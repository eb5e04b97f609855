// Adds the report of a test or a preview.

import { REPORT_STAGES, type StageReport, type TryReport } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder } from '../builder.js';
import { type HostTypes, nodeField } from '../host-types.js';
import type { AttemptParts } from './attempt.js';
import type { Enums } from './enums.js';

interface Parts {
  enums: Enums;
  attempt: AttemptParts;
  host: HostTypes;
}

export function addReport(builder: Builder, access: AccessOf, { enums, attempt, host }: Parts) {
  const outcome = builder.enumType('WebhookReportOutcome', {
    description: 'What came of a test, or would come of a notification.',
    values: {
      READY: { description: 'Preview: it would be sent.' },
      SKIPPED: { description: 'Preview: the validation template says false, so nothing would be sent.' },
      DELIVERED: { description: 'Test: the receiver answered with success.' },
      FAILED: { description: 'A stage failed; see `stage` and `message`.' },
    } as const,
  });
  const stage = builder.enumType('WebhookReportStage', {
    description: 'A stage that a notification passes.',
    values: REPORT_STAGES,
  });
  const stageOutcome = builder.enumType('WebhookReportStageOutcome', {
    description: 'How a stage went.',
    values: {
      OK: { description: 'It went well.' },
      SKIPPED: { description: 'The validation template said false: in earnest nothing would be sent.' },
      FAILED: { description: 'It failed; see `message`.' },
      NOT_RUN: { description: 'It had nothing to do, or an earlier stage failed, or a preview sends nothing.' },
    } as const,
  });
  const stageReport = builder.objectRef<StageReport>('WebhookStageReport').implement({
    description: 'What one stage was given, what it made of it, and how long it took.',
    fields: (t) => ({
      stage: t.field({ type: stage, nullable: false, description: 'Which one.', resolve: (told) => told.stage }),
      outcome: t.field({ type: stageOutcome, nullable: false, description: 'How it went.', resolve: (told) => told.outcome }),
      input: t.field({
        type: 'JSON',
        description: 'What it was given: the query with its variables, the payload, the request, or the answer.',
        resolve: (told) => told.input as never,
      }),
      output: t.field({
        type: 'JSON',
        description: 'What it made of it: the payload, the text of a template, or the answer.',
        resolve: (told) => told.output as never,
      }),
      message: t.exposeString('message', { description: 'What went wrong, for people, with the place in its source where there is one.' }),
      durationMs: t.exposeFloat('durationMs', { nullable: false, description: 'How long it took, in milliseconds.' }),
    }),
  });
  return builder.objectRef<TryReport>('WebhookReport').implement({
    description: 'What a test or a preview found, stage by stage.',
    fields: (t) => ({
      outcome: t.field({ type: outcome, nullable: false, description: 'What came of it.', resolve: (report) => report.outcome }),
      stage: t.field({ type: enums.stage, description: 'Where it ended; null when all went well.', resolve: (report) => report.stage }),
      message: t.exposeString('message', { description: 'What went wrong, for people.' }),
      stages: t.field({
        type: [stageReport],
        nullable: { list: false, items: false },
        description: 'All stages, in their order.',
        resolve: (report) => report.stages,
      }),
      request: t.field({
        type: attempt.request,
        description: 'What was sent or, in a preview, would be sent; null where it did not get so far. Secrets in it are redacted.',
        resolve: (report) => report.request,
      }),
      response: t.field({
        type: attempt.response,
        description: 'What came back; null when nothing did.',
        resolve: (report) => report.response,
      }),
      ...(host.loadAny && { node: nodeField(t, host.loadAny, 'The node that it was tried on; null when it is gone.') }),
      nodeId: t.id({
        nullable: false,
        description: 'The id of that node.',
        resolve: (report, _args, ctx) => access(ctx).engine.host.toGlobalId(report.typename, report.nodeKey),
      }),
      durationMs: t.exposeFloat('durationMs', { nullable: false, description: 'How long all of it took, in milliseconds.' }),
    }),
  });
}
