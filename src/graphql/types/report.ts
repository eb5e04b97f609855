// Adds the GraphQL types that report the stages of a test or a preview.

import { REPORT_STAGES, type StageReport, type TryReport } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder } from '../builder.js';
import { type HostTypes, nodeField } from '../host-types.js';
import { type AttemptParts, roundMs } from './attempt.js';
import type { Enums } from './enums.js';
import type { PlaceRef } from './place.js';

interface Parts {
  enums: Enums;
  place: PlaceRef;
  attempt: AttemptParts;
  host: HostTypes;
}

export function addReport(builder: Builder, access: AccessOf, { enums, place, attempt, host }: Parts) {
  const outcome = builder.enumType('WebhookReportOutcome', {
    description: 'The result of a test or a preview.',
    values: {
      READY: { description: 'Preview: the notification would be sent.' },
      SKIPPED: { description: 'Preview: the notification would be skipped, because the validation template renders `false`.' },
      DELIVERED: { description: 'Test: the receiver accepted the notification.' },
      FAILED: { description: 'A stage failed; see `stage` and `message`.' },
    } as const,
  });
  const stage = builder.enumType('WebhookReportStage', {
    description: 'A stage of a test or preview, in the order in which the stages run.',
    values: REPORT_STAGES,
  });
  const stageOutcome = builder.enumType('WebhookReportStageOutcome', {
    description: 'The result of a stage.',
    values: {
      OK: { description: 'The stage succeeded.' },
      SKIPPED: { description: 'The validation template rendered `false`: outside of a test or preview, nothing would be sent.' },
      FAILED: { description: 'The stage failed; see `message`.' },
      NOT_RUN: { description: 'The stage did not run: it had nothing to do, an earlier stage failed, or a preview sends nothing.' },
    } as const,
  });
  const stageReport = builder.objectRef<StageReport>('WebhookStageReport').implement({
    description: 'The report of a stage: its input, output, result and duration.',
    fields: (t) => ({
      stage: t.field({ type: stage, nullable: false, description: 'The stage that this report is about.', resolve: (one) => one.stage }),
      outcome: t.field({ type: stageOutcome, nullable: false, description: 'The result of the stage.', resolve: (one) => one.outcome }),
      input: t.field({
        type: 'JSON',
        description: 'The input of the stage, such as the query with its variables, the payload, or the request.',
        resolve: (one) => one.input as never,
      }),
      output: t.field({
        type: 'JSON',
        description: 'The output of the stage, such as the payload, the text that a template rendered, or the response.',
        resolve: (one) => one.output as never,
      }),
      message: t.exposeString('message', {
        description: 'Why the stage did not succeed, with the position in the query or template; `null` on success.',
      }),
      place: t.field({
        type: place,
        description: 'The position of the first mistake in the query or template; `null` on success, or when the position is unknown.',
        resolve: (one) => one.place ?? null,
      }),
      durationMs: t.float({
        nullable: false,
        description: 'The duration of the stage in milliseconds.',
        resolve: (one) => roundMs(one.durationMs),
      }),
    }),
  });
  return builder.objectRef<TryReport>('WebhookReport').implement({
    description: 'The report of a test or a preview, with the result of each stage.',
    fields: (t) => ({
      outcome: t.field({
        type: outcome,
        nullable: false,
        description: 'The result of the test or preview.',
        resolve: (report) => report.outcome,
      }),
      stage: t.field({
        type: enums.stage,
        description: 'The stage at which the test or preview ended; `null` on success.',
        resolve: (report) => report.stage,
      }),
      message: t.exposeString('message', { description: 'Why the test or preview did not succeed, in a sentence; `null` on success.' }),
      stages: t.field({
        type: [stageReport],
        nullable: { list: false, items: false },
        description: 'The reports of all stages, in order.',
        resolve: (report) => report.stages,
      }),
      request: t.field({
        type: attempt.request,
        description:
          'The request that was sent or, in a preview, would be sent, with secrets redacted; `null` when an earlier stage failed.',
        resolve: (report) => report.request,
      }),
      response: t.field({
        type: attempt.response,
        description: 'The response; `null` when none was received.',
        resolve: (report) => report.response,
      }),
      ...(host.loadAny && { node: nodeField(t, host.loadAny, 'The node that was used; `null` when it was deleted.') }),
      nodeId: t.id({
        nullable: false,
        description: 'The id of the node that was used.',
        resolve: (report, _args, ctx) => access(ctx).engine.host.toGlobalId(report.typename, report.nodeKey),
      }),
      durationMs: t.float({
        nullable: false,
        description: 'The duration of all stages together, in milliseconds.',
        resolve: (report) => roundMs(report.durationMs),
      }),
    }),
  });
}
