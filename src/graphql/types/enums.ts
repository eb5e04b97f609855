// Adds the engine's enums to the GraphQL API. Leaves out those about presets and integrations when the host doesn't use them.

import {
  type DisabledReason,
  PACE_STATES,
  PRESETS,
  type PresetKey,
  REPLAY_OBSTACLES,
  STAGES,
  SUBSCRIPTION_ORDERS,
  WHY_NOT_CODES,
} from '../../webhooks/index.js';
import type { Builder } from '../builder.js';

interface Offered {
  presets: boolean;
  integrations: boolean;
  environments: boolean;
}

export function addEnums(builder: Builder, { presets, integrations, environments }: Offered) {
  return {
    bodyOmitted: builder.enumType('WebhookBodyOmitted', {
      description: 'Why there is no recorded body.',
      values: {
        SWITCHED_OFF: { description: 'The subscription records no bodies.' },
        UNMASKABLE: {
          description: 'The values to mask could not be found, because the body is neither JSON nor XML, or too large.',
        },
        DELETED: { description: 'The body was recorded, and has been deleted because of its age. Its headers are deleted, too.' },
        FORGOTTEN: { description: 'An admin had everything blanked that is stored about the node: see `forgetWebhookNode`.' },
      } as const,
    }),
    operation: builder.enumType('WebhookOperation', {
      description: 'How a node changed.',
      values: {
        CREATED: { value: 'created', description: 'The node was created.' },
        UPDATED: {
          value: 'updated',
          description: 'An attribute, a foreign key or a link of the node changed, such as a member of a group.',
        },
        DELETED: { value: 'deleted', description: 'The node was deleted.' },
      } as const,
    }),
    status: builder.enumType('WebhookSubscriptionStatus', {
      description: 'Whether a subscription sends notifications.',
      values: {
        ENABLED: { description: 'The subscription sends notifications.' },
        DISABLED: { description: 'The subscription was disabled, by its owner or by a rule. See `disabledReason`.' },
        HELD: { description: 'The query or a template no longer works. Deliveries wait until it is corrected. See `heldReason`.' },
        DELETED: { description: 'The subscription was deleted. Its history is kept.' },
      } as const,
    }),
    disabledReason: builder.enumType('WebhookDisabledReason', {
      description: 'Why a subscription was disabled.',
      values: {
        OWNER: { description: 'The owner disabled the subscription.' },
        RETRIES_EXHAUSTED: { description: 'Every retry of a delivery failed.' },
        TOO_MANY_ERRORS: { description: 'More than 100 attempts failed within an hour.' },
        GONE: { description: 'The receiver responded with 410 Gone.' },
        ...(integrations && { INTEGRATION: { description: 'The integration that the subscription belongs to was disabled.' } }),
        OWNER_GONE: { description: 'The owner was disabled, deleted, or moved to another organization.' },
      } as Record<DisabledReason, { description: string }>,
    }),
    health: builder.enumType('WebhookSubscriptionHealth', {
      description: 'How a subscription is: its status, and whether its receiver slows it down.',
      values: {
        WORKING: { description: 'The subscription sends notifications as they come.' },
        SLOWED: { description: 'The receiver fails or asked to slow down, so that notifications are late. See `slowedReason`.' },
        HELD: { description: 'The query or a template no longer works. Deliveries wait until it is corrected. See `heldReason`.' },
        DISABLED: { description: 'The subscription was disabled, by its owner or by a rule. See `disabledReason`.' },
        DELETED: { description: 'The subscription was deleted. Its history is kept.' },
      } as const,
    }),
    slowedReason: builder.enumType('WebhookSlowedReason', {
      description: 'Why a subscription is slowed down.',
      values: {
        THROTTLED: { description: 'The receiver asked to slow down, by 429, or by 503 with `Retry-After`.' },
        FAILING: { description: 'The receiver failed several times in a row.' },
      } as const,
    }),
    paceState: builder.enumType('WebhookPaceState', {
      description: 'Why the notifications of a subscription are slowed down.',
      values: describe(PACE_STATES),
    }),
    subscriptionOrder: builder.enumType('WebhookSubscriptionOrder', {
      description: 'The order of a list of subscriptions.',
      values: describe(SUBSCRIPTION_ORDERS),
    }),
    preset: presets
      ? builder.enumType('WebhookPresetKey', {
          description: 'A preset: the body format of a well-known webhook system.',
          values: Object.fromEntries(PRESETS.map(({ key, description }) => [key, { description }])) as Record<
            PresetKey,
            { description: string }
          >,
        })
      : null,
    whyNotCode: builder.enumType('WebhookWhyNotCode', {
      description: 'Why a notification was or was not sent. Codes are stable; the sentence that explains a code may change.',
      values: describe(WHY_NOT_CODES, (name) => environments || name !== 'OTHER_ENVIRONMENT'),
    }),
    replayMode: builder.enumType('WebhookReplayMode', {
      description: 'The source from which a replay makes its requests.',
      values: {
        SENT_BYTES: {
          description:
            "The body of the event's last request, byte by byte, with its topic and content type. Neither the query nor a template runs. The request goes to today's destination, with today's headers and authentication, a new id of the delivery, and a new time and signature.",
        },
        STORED_PAYLOAD: {
          description:
            "The data of the event's last request, through today's templates. The query doesn't run. A result of a query is stored with each request of a subscription that records unmasked bodies.",
        },
        NEW_PAYLOAD: { description: "The result of today's query and templates, with the nodes as they are now." },
      } as const,
    }),
    replayObstacle: builder.enumType('WebhookReplayObstacle', {
      description: 'Why a replay that repeats an earlier request has nothing to send about an event.',
      values: describe(REPLAY_OBSTACLES),
    }),
    rehearsalOutcome: builder.enumType('WebhookRehearsalOutcome', {
      description: 'The result that a delivery of an event would have.',
      values: {
        SENT: { description: 'A request would be sent.' },
        SKIPPED: { description: 'The validation template rendered `false`.' },
        FAILED: {
          description:
            'The query, a template or the destination gave nothing that can be sent; see `stage` and `message`. The delivery would be held.',
        },
        IMPOSSIBLE: { description: 'The replay is to repeat an earlier request, of which not enough is stored; see `code`.' },
      } as const,
    }),
    replayState: builder.enumType('WebhookReplayState', {
      description: 'The state of a replay.',
      values: {
        RUNNING: { description: 'Deliveries are being created. While the subscription is disabled, the replay waits.' },
        DONE: { description: 'All deliveries have been created.' },
        CANCELLED: { description: 'The replay was cancelled before its end.' },
      } as const,
    }),
    kind: builder.enumType('WebhookDeliveryKind', {
      description: 'Why a delivery was created.',
      values: {
        LIVE: { description: 'A node changed.' },
        TEST: { description: 'A user sent a test.' },
        REPLAY: { description: 'A user replayed past events.' },
        RESEND: { description: 'A user resent a delivery as new.' },
        SNAPSHOT: { description: 'A user asked to send nodes in their current state.' },
        BEFORE: { description: 'A write called the receiver as a before-hook.' },
      } as const,
    }),
    state: builder.enumType('WebhookDeliveryState', {
      description: 'The state of a delivery.',
      values: {
        PENDING: { description: 'No attempt has been made yet.' },
        SKIPPED: {
          description:
            'The delivery is not sent: the validation template rendered `false`, or the subscription was disabled at the time of the event.',
        },
        DELIVERED: { description: 'The receiver accepted the notification.' },
        RETRYING: { description: 'An attempt failed. A retry follows.' },
        HELD: {
          description:
            'The delivery waits: the subscription is disabled, its definition no longer works, or its query or a template failed for this node.',
        },
        FAILED: { description: 'Every attempt failed. No retry follows.' },
        CANCELLED: { description: 'The subscription was deleted before the delivery was sent.' },
      } as const,
    }),
    outcome: builder.enumType('WebhookAttemptOutcome', {
      description: 'The result of an attempt.',
      values: {
        DELIVERED: { description: 'The receiver accepted the notification.' },
        SKIPPED: { description: 'The validation template rendered `false`.' },
        HELD: {
          description:
            'The query or a template failed for this node, or its result can not be sent, e.g. because it is too long. It is not retried: the delivery waits until the definition is corrected or the delivery is released.',
        },
        FAILED: { description: 'The attempt failed, for example because the receiver could not be reached or responded with a failure.' },
      } as const,
    }),
    stage: builder.enumType('WebhookStage', {
      description: 'The stage at which an attempt ended.',
      values: STAGES,
    }),
  };
}

export type Enums = ReturnType<typeof addEnums>;

/** Converts a map from values to descriptions to the values of a Pothos enum. `isOffered` leaves values out. */
export const describe = <K extends string>(texts: Record<K, string>, isOffered = (_key: string) => true) =>
  Object.fromEntries(
    Object.entries(texts)
      .filter(([key]) => isOffered(key))
      .map(([key, description]) => [key, { description }]),
  ) as Record<K, { description: string }>;
