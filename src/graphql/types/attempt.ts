// Adds the GraphQL type WebhookAttempt: one try to send a delivery, with its request and response.

import type { Attempt, RecordedBody } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder } from '../builder.js';
import { idField } from '../own-nodes.js';
import type { Enums } from './enums.js';

export function addAttempt(builder: Builder, access: AccessOf, { outcome, stage, bodyOmitted }: Enums) {
  const request = builder.objectRef<NonNullable<Attempt['request']>>('WebhookRequest').implement({
    description: 'A request as it was sent, with secrets redacted.',
    fields: (t) => ({
      url: t.exposeString('url', { nullable: false, description: 'The URL that the request was sent to.' }),
      headers: t.field({
        type: 'JSON',
        nullable: false,
        description: 'The headers, as an object with the value of each name.',
        resolve: (sent) => sent.headers,
      }),
      body: t.exposeString('body', { description: 'The body; `null` when it was not recorded, see `bodyOmitted`.' }),
      bodyBytes: t.int({ nullable: false, description: 'The size of the body in bytes.', resolve: bytesOf }),
      bodyOmitted: t.field({
        type: bodyOmitted,
        description: 'The reason why the body was not recorded; `null` when it was.',
        resolve: omittedOf,
      }),
    }),
  });
  const response = builder.objectRef<NonNullable<Attempt['response']>>('WebhookResponse').implement({
    description: "The receiver's response.",
    fields: (t) => ({
      status: t.exposeInt('status', { nullable: false, description: 'The HTTP status code.' }),
      headers: t.field({
        type: 'JSON',
        nullable: false,
        description: 'The headers, as an object with the value of each name.',
        resolve: (got) => got.headers,
      }),
      body: t.exposeString('body', { description: 'The first 64 KiB of the body; `null` when it was not recorded, see `bodyOmitted`.' }),
      bodyBytes: t.int({ nullable: false, description: 'The size of the part of the body that was received, in bytes.', resolve: bytesOf }),
      bodyOmitted: t.field({
        type: bodyOmitted,
        description: 'The reason why the body was not recorded; `null` when it was.',
        resolve: omittedOf,
      }),
    }),
  });
  const ref = builder.objectRef<Attempt>('WebhookAttempt');
  builder.objectType(ref, {
    description: 'An attempt to send a notification.',
    interfaces: ['Node'],
    fields: (t) => ({
      id: idField(t, access, 'The global id of the attempt, for `webhookAttempt(id:)`.'),
      databaseId: t.exposeString('id', { nullable: false, description: 'The id of the attempt in the database.' }),
      number: t.exposeInt('number', { nullable: false, description: 'The number of the attempt within its delivery, starting with 1.' }),
      subscriptionVersion: t.exposeInt('subscriptionVersion', {
        nullable: false,
        description: 'The version of the subscription that this attempt used.',
      }),
      startedAt: t.expose('startedAt', { type: 'DateTime', nullable: false, description: 'The time at which the attempt began.' }),
      durationMs: t.exposeFloat('durationMs', { nullable: false, description: 'The duration of the attempt in milliseconds.' }),
      outcome: t.field({
        type: outcome,
        nullable: false,
        description: 'The result of the attempt.',
        resolve: (attempt) => attempt.outcome,
      }),
      stage: t.field({
        type: stage,
        description: 'The stage at which the attempt ended; `null` when the receiver accepted the notification.',
        resolve: (attempt) => attempt.stage,
      }),
      message: t.exposeString('message', { description: 'Why the attempt did not succeed, in a sentence; `null` when it succeeded.' }),
      timings: t.field({
        type: 'JSON',
        description: 'The duration of the parts of the attempt in milliseconds, as an object.',
        resolve: (attempt) => attempt.timings && { ...attempt.timings },
      }),
      request: t.field({ type: request, description: 'The request; `null` when none was sent.', resolve: (attempt) => attempt.request }),
      response: t.field({
        type: response,
        description: 'The response; `null` when none was received.',
        resolve: (attempt) => attempt.response,
      }),
    }),
  });
  return { ref, request, response };
}

const bytesOf = ({ body, bytes }: RecordedBody): number => bytes ?? Buffer.byteLength(body ?? '');
const omittedOf = ({ omitted }: RecordedBody) => omitted ?? null;

export type AttemptParts = ReturnType<typeof addAttempt>;
