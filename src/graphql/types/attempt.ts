// A builder in, WebhookAttempt with its request and response out.

import type { Builder } from '../../sample/graph/builder.js';
import type { Attempt, RecordedBody } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Enums } from './enums.js';

export function addAttempt(builder: Builder, access: AccessOf, { outcome, stage, bodyOmitted }: Enums) {
  const request = builder.objectRef<NonNullable<Attempt['request']>>('WebhookRequest').implement({
    description: 'A request as it was sent; secrets in it are redacted.',
    fields: (t) => ({
      url: t.exposeString('url', { nullable: false, description: 'Where it went.' }),
      headers: t.field({ type: 'JSON', nullable: false, description: 'Name and value of each header.', resolve: (sent) => sent.headers }),
      body: t.exposeString('body', { description: 'The body; null where it is not recorded: see `bodyOmitted`.' }),
      bodyBytes: t.int({ nullable: false, description: 'How long the body was, in bytes.', resolve: bytesOf }),
      bodyOmitted: t.field({ type: bodyOmitted, description: 'Why the body is not recorded; null when it is.', resolve: omittedOf }),
    }),
  });
  const response = builder.objectRef<NonNullable<Attempt['response']>>('WebhookResponse').implement({
    description: 'What the receiver answered.',
    fields: (t) => ({
      status: t.exposeInt('status', { nullable: false, description: 'The HTTP status.' }),
      headers: t.field({ type: 'JSON', nullable: false, description: 'Name and value of each header.', resolve: (got) => got.headers }),
      body: t.exposeString('body', { description: 'The body, up to 64 KiB of it; null where it is not recorded: see `bodyOmitted`.' }),
      bodyBytes: t.int({ nullable: false, description: 'How long that was, in bytes.', resolve: bytesOf }),
      bodyOmitted: t.field({ type: bodyOmitted, description: 'Why the body is not recorded; null when it is.', resolve: omittedOf }),
    }),
  });
  const ref = builder.objectRef<Attempt>('WebhookAttempt');
  builder.node(ref, {
    description: 'One try to deliver a notification.',
    id: { resolve: (attempt) => attempt.id, description: 'For `node(id:)`.' },
    loadOne: (id, ctx) => access(ctx).loaders.attempt.load(id),
    fields: (t) => ({
      databaseId: t.exposeString('id', { nullable: false, description: "The record's id." }),
      number: t.exposeInt('number', { nullable: false, description: 'The first one of a delivery is 1.' }),
      subscriptionVersion: t.exposeInt('subscriptionVersion', {
        nullable: false,
        description: 'The version of the subscription that was used.',
      }),
      startedAt: t.expose('startedAt', { type: 'DateTime', nullable: false, description: 'When it began.' }),
      durationMs: t.exposeFloat('durationMs', { nullable: false, description: 'How long it took, in milliseconds.' }),
      outcome: t.field({ type: outcome, nullable: false, description: 'How it ended.', resolve: (attempt) => attempt.outcome }),
      stage: t.field({ type: stage, description: 'Where it ended; null when it was delivered.', resolve: (attempt) => attempt.stage }),
      message: t.exposeString('message', { description: 'What went wrong, for people.' }),
      timings: t.field({
        type: 'JSON',
        description: 'Milliseconds of each stage that ran.',
        resolve: (attempt) => attempt.timings && { ...attempt.timings },
      }),
      request: t.field({ type: request, description: 'What was sent; null when nothing was.', resolve: (attempt) => attempt.request }),
      response: t.field({ type: response, description: 'What came back; null when nothing did.', resolve: (attempt) => attempt.response }),
    }),
  });
  return { ref, request, response };
}

const bytesOf = ({ body, bytes }: RecordedBody): number => bytes ?? Buffer.byteLength(body ?? '');
const omittedOf = ({ omitted }: RecordedBody) => omitted ?? null;

export type AttemptParts = ReturnType<typeof addAttempt>;
