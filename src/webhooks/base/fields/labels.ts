// Declares the fields that name and group a subscription: name, description, topic, integration, environments and whether it is disabled.
import type { Subscription } from '../model.js';
import type { Field, MergeContext } from './field.js';

export const NAME = {
  name: 'name',
  type: { kind: 'TEXT', maxLength: 255 },
  description: 'The name of the subscription. The command line finds the subscription by it.',
  version: false,
  // The name is not trimmed, because each YAML file finds its subscription by the exact name.
  merge: (given: string | null | undefined, { saved }: MergeContext) => {
    const name = given === undefined ? saved?.name : given;
    return name?.trim() ? name : null;
  },
  option: { flags: '--name <name>', help: 'the name of the subscription, by which other commands find it' },
} as const satisfies Field;

export const DESCRIPTION = {
  name: 'description',
  type: { kind: 'TEXT', maxLength: 1000 },
  description: 'The purpose of the subscription, in words for people. It is not sent.',
  option: { flags: '--description <text>', help: 'the purpose of the subscription, for people; it is not sent' },
} as const satisfies Field;

export const TOPIC = {
  name: 'topic',
  type: {
    kind: 'RECORD',
    input: {
      typename: 'WebhookTopicInput',
      description: 'Names an event topic by its id, by its key (the latest version), or by its key and version.',
    },
    fields: [
      { name: 'id', type: { kind: 'ID', of: 'topic' }, description: 'The global id of the topic.' },
      {
        name: 'key',
        type: { kind: 'TEXT' },
        description: 'The key of the topic, such as `user/created`. The query `webhookTopics` lists all topics.',
      },
      {
        name: 'version',
        type: { kind: 'TEXT' },
        description:
          'The version of the topic, such as `1.1`. Default: the latest version, which the subscription keeps when a newer version appears.',
      },
    ],
  },
  description: 'The event topic to subscribe to.',
  output: false,
  // A topic is stored in the column `topic_id` of the subscription, not in the definition.
  store: () => ({}),
  options: [
    {
      flags: '--topic <key>',
      help: 'the event topic to subscribe to, e.g. user/created or user/created@1.1; can be repeated, which creates a subscription for each topic',
      isRepeated: true,
    },
  ],
} as const satisfies Field;

export const INTEGRATION = {
  name: 'integrationId',
  type: { kind: 'ID', of: 'integration' },
  description: 'The global id of the integration that the subscription belongs to. Disabling the integration disables its subscriptions.',
  output: { name: 'integration', description: 'The integration that the subscription belongs to.' },
  version: false,
  option: { flags: '--integration <id>', help: 'the id of the integration that the subscription belongs to' },
} as const satisfies Field;

export const ENVIRONMENTS = {
  name: 'environmentIds',
  type: { kind: 'LIST', of: { kind: 'ID', of: 'environment' } },
  description: 'The global ids of the environments whose nodes send notifications. An empty list means all environments.',
  output: {
    name: 'environments',
    description: 'The environments whose nodes send notifications. An empty list means all environments.',
    required: true,
  },
  version: false,
  option: { flags: '--environment <id>', help: 'the id of an environment whose nodes send notifications; can be repeated; default: all' },
} as const satisfies Field;

export const DISABLED = {
  name: 'disabled',
  type: { kind: 'BOOLEAN' },
  description: 'Whether the subscription is disabled. A disabled subscription sends nothing; events that happen meanwhile are skipped.',
  output: {
    description: 'Whether the subscription is disabled, by its owner or by a rule.',
    required: true,
    read: ({ disabledAt }: Subscription) => disabledAt !== null,
  },
  version: false,
  option: { flags: '--disabled', help: 'save the subscription disabled: it sends nothing' },
  // A YAML file contains only the owner's decision, so a subscription that a rule disabled is written as enabled.
  file: { write: ({ disabledReason }) => (disabledReason === 'OWNER' ? true : null) },
} as const satisfies Field;
