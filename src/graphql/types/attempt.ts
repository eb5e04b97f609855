// Adds the GraphQL type WebhookAttempt: one try to send a delivery, with its request and response.

import type { Attempt, AttemptSummary, RecordedBody } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder, Types } from '../builder.js';
import { idField } from '../own-nodes.js';
import type { Enums } from './enums.js';

type Recorded = { headers: Record<string, string> } & RecordedBody;
/** Headers and body, or the attempt from which they are read when a query selects them: lists don't load them. */
type Content = Recorded | { attemptId: string };
type Request = Content & { url?: string };
type Response = { status: number } & Content;

/** Rounds milliseconds to hundredths. */
export const roundMs = (ms: number): number => Math.round(ms * 100) / 100;

export function addAttempt(builder: Builder, access: AccessOf, enums: Enums) {
  const { outcome, stage } = enums;
  const request = builder.objectRef<Request>('WebhookRequest').implement({
    description: 'A request as it was sent, with secrets redacted.',
    fields: (t) => ({
      url: t.string({
        nullable: false,
        description: 'The URL that the request was sent to. Empty when the recorded request has been deleted.',
        resolve: async (sent, _args, ctx) =>
          'url' in sent && sent.url !== undefined
            ? sent.url
            : 'attemptId' in sent
              ? ((await access(ctx).loaders.attempt.load(sent.attemptId))?.request?.url ?? '')
              : '',
      }),
      ...contentFields(t as never, access, { enums, part: 'request', recorded: 'The body', counted: 'The size of the body in bytes.' }),
    }),
  });
  const response = builder.objectRef<Response>('WebhookResponse').implement({
    description: "The receiver's response.",
    fields: (t) => ({
      status: t.exposeInt('status', { nullable: false, description: 'The HTTP status code.' }),
      ...contentFields(t as never, access, {
        enums,
        part: 'response',
        recorded: 'The first 64 KiB of the body',
        counted: 'The size of the part of the body that was received, in bytes.',
      }),
    }),
  });
  const ref = builder.objectRef<Attempt | AttemptSummary>('WebhookAttempt');
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
      durationMs: t.float({
        nullable: false,
        description: 'The duration of the attempt in milliseconds.',
        resolve: ({ durationMs }) => roundMs(durationMs),
      }),
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
        resolve: ({ timings }) => timings && Object.fromEntries(Object.entries(timings).map(([name, ms]) => [name, ms && roundMs(ms)])),
      }),
      request: t.field({
        type: request,
        description: 'The request; `null` when none was sent.',
        resolve: (attempt) => ('request' in attempt ? attempt.request : attempt.hasRequest ? { attemptId: attempt.id } : null),
      }),
      response: t.field({
        type: response,
        description: 'The response; `null` when none was received.',
        resolve: (attempt) =>
          'response' in attempt ? attempt.response : attempt.status === null ? null : { attemptId: attempt.id, status: attempt.status },
      }),
    }),
  });
  return { ref, request, response };
}

/** Declares the fields `headers`, `body`, `bodyBytes` and `bodyOmitted`. */
function contentFields(
  t: PothosSchemaTypes.ObjectFieldBuilder<Types, Content>,
  access: AccessOf,
  { enums, part, recorded, counted }: { enums: Enums; part: 'request' | 'response'; recorded: string; counted: string },
) {
  const read = async (content: Content, ctx: object): Promise<Recorded> =>
    'headers' in content ? content : ((await access(ctx).loaders.attempt.load(content.attemptId))?.[part] ?? ABSENT);
  return {
    headers: t.field({
      type: 'JSON',
      nullable: false,
      description: 'The headers, as an object with the value of each name.',
      resolve: async (content, _args, ctx) => (await read(content, ctx)).headers,
    }),
    body: t.string({
      description: `${recorded}; \`null\` when it was not recorded, see \`bodyOmitted\`.`,
      resolve: async (content, _args, ctx) => (await read(content, ctx)).body,
    }),
    bodyBytes: t.int({
      nullable: false,
      description: counted,
      resolve: async (content, _args, ctx) => bytesOf(await read(content, ctx)),
    }),
    bodyOmitted: t.field({
      type: enums.bodyOmitted,
      description: 'The reason why the body was not recorded; `null` when it was.',
      resolve: async (content, _args, ctx) => omittedOf(await read(content, ctx)),
    }),
  };
}

/** The content of an attempt whose partition was dropped after the list was read. */
const ABSENT: Recorded = { headers: {}, body: null };

const bytesOf = ({ body, bytes }: RecordedBody): number => bytes ?? Buffer.byteLength(body ?? '');
const omittedOf = ({ omitted }: RecordedBody) => omitted ?? null;

export type AttemptParts = ReturnType<typeof addAttempt>;
