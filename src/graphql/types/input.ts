// Adds the input of a subscription, and converts it to the engine's form.

import { type Engine, type SubscriptionInput, withPreset } from '../../webhooks/index.js';
import type { Builder } from '../builder.js';
import type { HostTypes } from '../host-types.js';
import { keyOfId } from '../own-nodes.js';

import { addAuthInput } from './auth.js';
import type { WebhookTypes } from './index.js';
import { addSnsInput } from './sns.js';

export function addInput(builder: Builder, { enums, host }: WebhookTypes) {
  const topic = builder.inputType('WebhookTopicInput', {
    description: 'Names a topic: by its id, by its key, or by its key and version.',
    fields: (t) => ({
      id: t.id({ description: 'The id of the topic.' }),
      key: t.string({ description: 'E.g. `user/created`.' }),
      version: t.string({ description: 'E.g. `1.1`; without it the latest one, which is then kept.' }),
    }),
  });
  const header = builder.inputType('WebhookHeaderInput', {
    description: 'A header to send.',
    fields: (t) => ({
      name: t.string({ description: 'The name of the header.' }),
      value: t.string({ description: 'Its value; absent: the value that it has already.' }),
    }),
  });
  const retry = builder.inputType('WebhookRetryInput', {
    description: "Limits of trying again, in place of the installation's; a spent delivery then fails, and the subscription stays on.",
    fields: (t) => ({
      maxTries: t.int({ description: 'Tries in all, the first one too: 1–100.' }),
      maxTimeMs: t.float({ description: 'Milliseconds from the first to the last try, up to 90 days.' }),
    }),
  });
  const rateLimit = builder.inputType('WebhookRateLimitInput', {
    description: 'The most that the receiver gets. It holds over all workers; what is beyond it waits and is sent later.',
    fields: (t) => ({
      perSecond: t.float({ description: 'The maximum number of notifications a second, 0.01–1000; null: no maximum.' }),
      concurrency: t.int({ description: 'The maximum number of requests under way at once, 1–200; null: no maximum of its own.' }),
    }),
  });
  const auth = addAuthInput(builder, enums);
  const sns = addSnsInput(builder);
  const recording = builder.inputType('WebhookRecordingInput', {
    description: 'What is kept of the bodies of its attempts. It changes nothing of what is sent.',
    fields: (t) => ({
      bodies: t.boolean({ description: 'Whether bodies are recorded; default: yes. Headers, sizes and the status are, either way.' }),
      maskedPaths: t.stringList({
        description:
          'What is recorded as `[masked]` in bodies, JSON or XML, of request and answer: `data.node.email`, `users[*].phone`, `**.token`. An answer that these can’t be looked for in is not recorded.',
      }),
    }),
  });
  return builder.inputType('WebhookSubscriptionInput', {
    description: 'A subscription as it is asked for. Absent: unchanged; null: cleared.',
    fields: (t) => ({
      id: t.id({ description: 'Which one to change, delete or preview.' }),
      name: t.string({ description: 'For people.' }),
      topic: t.field({ type: topic, description: 'What to be told of.' }),
      callbackUrl: t.string({ description: 'Where to send notifications: an https URL.' }),
      sns: t.field({ type: sns, description: 'An AWS SNS topic to publish notifications to, in place of `callbackUrl`.' }),
      contentType: t.field({ type: enums.contentType, description: 'What to write notifications in; default: JSON.' }),
      ...(host.integration && { integrationId: t.id({ description: 'The id of the integration that it belongs to.' }) }),
      ...(host.environment && {
        environmentIds: t.idList({ description: 'The ids of the environments whose nodes it is told of; none: of all.' }),
      }),
      sharedSecret: t.string({ description: 'The secret that notifications are signed with. It is never answered.' }),
      signatures: t.field({
        type: [enums.signature],
        description: 'How notifications are signed: one way or several at once; default: SCOPE. All but SCOPE need a `sharedSecret`.',
      }),
      query: t.string({ description: 'A query over `$nodeId: ID!` and `$nodeType: String` whose result is the payload.' }),
      validationTemplate: t.string({ description: 'Liquid over the payload that must say `true` or `false`: whether to send.' }),
      template: t.string({ description: 'Liquid over the payload that writes the body.' }),
      errorTemplate: t.string({
        description: "Liquid over the receiver's answer (`body`, `headers`, `status`): whatever it writes is an error.",
      }),
      headers: t.field({ type: [header], description: 'Headers to send besides ours. Their values are never answered.' }),
      auth: t.field({ type: auth, description: 'How to make ourselves known to the receiver. Secrets in it are never answered.' }),
      retry: t.field({ type: retry, description: 'Limits of trying again of its own.' }),
      rateLimit: t.field({
        type: rateLimit,
        description: 'The most that the receiver gets, a second and at once; default: as much as it takes. For the phase AFTER only.',
      }),
      recording: t.field({ type: recording, description: 'What is kept of the bodies of its attempts; null: all.' }),
      phase: t.field({
        type: enums.phase,
        description:
          "Default: AFTER. BEFORE: it is asked before this API's mutations write, and may refuse; for created, updated and deleted topics.",
      }),
      onFailure: t.field({ type: enums.onFailure, description: "Of a before-hook: what it means that it can't be asked. Default: ALLOW." }),
      timeoutMs: t.int({ description: 'Of a before-hook: milliseconds that a write waits for it, 100–10000; default: 2000.' }),
      ...(enums.preset && {
        preset: t.field({
          type: enums.preset,
          description: 'Fills in what is absent here by `webhookPresets`: a template and its signatures, to be edited from then on.',
        }),
      }),
      disabled: t.boolean({ description: 'Whether it is switched off.' }),
      test: t.boolean({ description: 'Whether to send a test right after saving; see `testWebhookSubscription`.' }),
    }),
  });
}

export type InputRef = ReturnType<typeof addInput>;

export interface Asked {
  /** The record's id, not the global id. */
  id: string | null;
  input: SubscriptionInput;
  test: boolean;
}

/** Decodes global ids to the engine's keys; an id of another type becomes a key that finds nothing. */
export function readAsked(engine: Engine, host: HostTypes, written: InputRef['$inferInput']): Asked {
  const { id, topic, integrationId, environmentIds, test, preset, ...rest } = written;
  const [integrationType = '', environmentType = ''] = [host.integration?.typename, host.environment?.typename];
  const input: SubscriptionInput = preset == null ? { ...rest } : withPreset(rest, preset);
  if (topic !== undefined) input.topic = topic && { ...topic, id: topic.id == null ? topic.id : keyOfId(engine, 'WebhookTopic', topic.id) };
  if (integrationId !== undefined) input.integrationId = integrationId === null ? null : keyOfId(engine, integrationType, integrationId);
  if (environmentIds !== undefined) input.environmentIds = environmentIds?.map((one) => keyOfId(engine, environmentType, one)) ?? null;
  return { id: id == null ? null : keyOfId(engine, 'WebhookSubscription', id), input, test: test === true };
}
