// Adds the engine's enums; those about presets and integrations only when these features are on.

import { type DisabledReason, PACE_STATES, PRESETS, type PresetKey } from '../../webhooks/index.js';
import type { Builder } from '../builder.js';

export function addEnums(builder: Builder, { presets, integrations }: { presets: boolean; integrations: boolean }) {
  return {
    bodyOmitted: builder.enumType('WebhookBodyOmitted', {
      description: 'Why a body is not recorded.',
      values: {
        SWITCHED_OFF: { description: 'The subscription records no bodies.' },
        UNMASKABLE: {
          description:
            'The subscription wants something masked that could not be looked for: the body is neither JSON nor XML, or too large.',
        },
      } as const,
    }),
    operation: builder.enumType('WebhookOperation', {
      description: 'What happened to a node.',
      values: {
        CREATED: { value: 'created', description: 'It was created.' },
        UPDATED: { value: 'updated', description: 'One of its own attributes or foreign keys changed.' },
        DELETED: { value: 'deleted', description: 'It was deleted.' },
      } as const,
    }),
    status: builder.enumType('WebhookSubscriptionStatus', {
      description: 'Whether a subscription sends.',
      values: {
        ENABLED: { description: 'It sends.' },
        DISABLED: { description: 'It was switched off, by its owner or by a rule; see `disabledReason`.' },
        HELD: { description: 'Its definition no longer works, so its deliveries wait until it is corrected; see `heldReason`.' },
        DELETED: { description: 'It is gone; its history stays.' },
      } as const,
    }),
    disabledReason: builder.enumType('WebhookDisabledReason', {
      description: 'Why a subscription was disabled.',
      values: {
        OWNER: { description: 'Its owner switched it off.' },
        RETRIES_EXHAUSTED: { description: 'All retries of one delivery failed.' },
        TOO_MANY_ERRORS: { description: 'More than 100 errors within an hour.' },
        GONE: { description: 'The receiver answered 410.' },
        ...(integrations && { INTEGRATION: { description: 'The integration that it belongs to was switched off.' } }),
        OWNER_GONE: { description: 'Its owner was disabled, deleted, or moved to another organization.' },
      } as Record<DisabledReason, { description: string }>,
    }),
    paceState: builder.enumType('WebhookPaceState', {
      description: 'Why the notifications of a subscription are slowed down.',
      values: describe(PACE_STATES),
    }),
    preset: presets
      ? builder.enumType('WebhookPresetKey', {
          description: 'A body shape that is ready to be picked.',
          values: Object.fromEntries(PRESETS.map(({ key, description }) => [key, { description }])) as Record<
            PresetKey,
            { description: string }
          >,
        })
      : null,
    replayState: builder.enumType('WebhookReplayState', {
      description: 'Whether a replay goes on.',
      values: {
        RUNNING: { description: 'It makes deliveries; while its subscription is off, it waits.' },
        DONE: { description: 'All of its deliveries are made.' },
        CANCELLED: { description: 'It was ended before.' },
      } as const,
    }),
    kind: builder.enumType('WebhookDeliveryKind', {
      description: 'Why there is a delivery.',
      values: {
        LIVE: { description: 'An event happened.' },
        TEST: { description: 'Somebody asked for a test.' },
        REPLAY: { description: 'Somebody asked to send past events again.' },
        SNAPSHOT: { description: 'Somebody asked to send nodes as they are now.' },
        BEFORE: { description: 'A write was about to happen.' },
      } as const,
    }),
    state: builder.enumType('WebhookDeliveryState', {
      description: 'Where a delivery is on its way.',
      values: {
        PENDING: { description: 'No attempt was made yet.' },
        SKIPPED: { description: 'Nothing is sent: the validation template said false, or the subscription was disabled when it happened.' },
        DELIVERED: { description: 'The receiver answered with success.' },
        RETRYING: { description: 'An attempt failed; another one follows.' },
        HELD: { description: 'It waits: the subscription is disabled or broken, or this node gave nothing that can be sent.' },
        FAILED: { description: 'All attempts failed.' },
        CANCELLED: { description: 'The subscription was deleted first.' },
      } as const,
    }),
    outcome: builder.enumType('WebhookAttemptOutcome', {
      description: 'How an attempt ended.',
      values: {
        DELIVERED: { description: 'The receiver answered with success.' },
        SKIPPED: { description: 'The validation template said false.' },
        HELD: { description: 'There is nothing that can be sent.' },
        FAILED: { description: 'The receiver was not reached, or answered with a failure.' },
      } as const,
    }),
    stage: builder.enumType('WebhookStage', {
      description: 'The step at which an attempt ended.',
      values: {
        QUERY: { description: 'The stored query.' },
        VALIDATION: { description: 'The validation template.' },
        TEMPLATE: { description: 'The template of the body.' },
        AUTH: { description: 'The token endpoint, which gave no token. The receiver was not asked, or had refused the token before.' },
        ADDRESS: { description: 'The address of the receiver, which must be one that deliveries may reach.' },
        CONNECT: { description: 'The connection to the receiver.' },
        TIMEOUT: { description: 'The time limit of the exchange.' },
        STATUS: { description: "The status of the receiver's answer." },
        ERROR_TEMPLATE: { description: 'The error template, which found an error in the answer.' },
      } as const,
    }),
  };
}

export type Enums = ReturnType<typeof addEnums>;

const describe = <K extends string>(texts: Record<K, string>) =>
  Object.fromEntries(Object.entries(texts).map(([key, description]) => [key, { description }])) as Record<K, { description: string }>;
