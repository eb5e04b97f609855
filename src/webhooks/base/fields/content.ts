// Declares which changes make a notification, its format, and the query and templates that make its content.
import type { Coalescing, ContentType, Ordering } from '../definition.js';
import type { Subscription } from '../model.js';
import type { EnumType, Field } from './field.js';

export const COALESCING = {
  name: 'coalescing',
  type: {
    kind: 'ENUM',
    typename: 'WebhookCoalescing',
    description: 'Which changes of a node are coalesced: sent as one notification.',
    values: {
      TRANSACTION:
        'All changes that one database transaction makes to a node. Created and then updated is created; changes that cancel each other send nothing.',
      NONE: 'None: each change of a node is a notification.',
    } satisfies Record<Coalescing, string>,
  },
  description: 'Which changes of a node are coalesced: sent as one notification. NONE can be used only with the phase AFTER.',
  output: {
    description: 'Which changes of a node are coalesced: sent as one notification.',
    required: true,
    read: ({ definition }: Subscription) => definition.coalescing ?? 'TRANSACTION',
  },
  default: 'TRANSACTION',
  store: (coalescing: Coalescing) => (coalescing === 'NONE' ? { definition: { coalescing } } : {}),
  option: { flags: '--coalescing <changes>', help: 'which changes of a node are sent as one notification: TRANSACTION or NONE' },
} as const satisfies Field;

export const ORDERING = {
  name: 'ordering',
  type: {
    kind: 'ENUM',
    typename: 'WebhookOrdering',
    description: 'In which order the notifications about one node are sent. Different nodes never wait for each other.',
    values: {
      NONE: 'In any order, and several at the same time.',
      PER_NODE:
        'One at a time, in the order of the changes. A notification waits until the earlier ones of its node are delivered, skipped, cancelled or have failed for good.',
      LATEST_ONLY:
        'One at a time. A later notification replaces the earlier ones of its node that the receiver has not accepted yet; they are skipped.',
    } satisfies Record<Ordering | 'NONE', string>,
  },
  description: 'In which order the notifications about one node are sent. PER_NODE and LATEST_ONLY can be used only with the phase AFTER.',
  output: {
    description: 'In which order the notifications about one node are sent.',
    required: true,
    read: ({ definition }: Subscription) => definition.ordering ?? 'NONE',
  },
  default: 'NONE',
  store: (ordering: Ordering | 'NONE') => (ordering === 'NONE' ? {} : { definition: { ordering } }),
  option: { flags: '--ordering <order>', help: 'the order of the notifications about one node: NONE, PER_NODE or LATEST_ONLY' },
} as const satisfies Field;

export const NUMBERED = {
  name: 'numbered',
  type: { kind: 'BOOLEAN' },
  description:
    'Whether notifications are numbered, so that a receiver notices a missing one and gets it by `deliveriesAfter`. Can be used only with the phase AFTER.',
  output: {
    description: 'Whether notifications are numbered, in the headers `X-Scope-Sequence` and `X-Scope-Previous-Sequence`.',
    required: true,
    read: ({ definition }: Subscription) => definition.numbered === true,
  },
  default: false,
  store: (numbered: boolean) => (numbered ? { definition: { numbered } } : {}),
  option: { flags: '--numbered', help: 'number the notifications, so that a receiver notices a missing one' },
} as const satisfies Field;

export const SKIP_UNREAD = {
  name: 'skipUnread',
  type: { kind: 'BOOLEAN' },
  description:
    'Whether updates are skipped that change only fields which neither the query nor a template reads. Works for topics like `user/updated`, if the query reads only fields that are columns of announced tables. Can be used only with the phase AFTER.',
  output: {
    description: 'Whether updates are skipped that change only fields which neither the query nor a template reads.',
    required: true,
    read: ({ definition }: Subscription) => definition.skipUnread === true,
  },
  default: false,
  store: (skipUnread: boolean) => (skipUnread ? { definition: { skipUnread } } : {}),
  option: { flags: '--skip-unread', help: 'skip updates that change only fields which neither the query nor a template reads' },
} as const satisfies Field;

export const RELATED_CHANGES = {
  name: 'relatedChanges',
  type: { kind: 'BOOLEAN' },
  description:
    'Whether changes of related rows that the query reads are sent as updates of the node, such as `items.price` of an order. Works for topics like `order/updated`, over one or two relations between announced tables. Can be used only with the phase AFTER.',
  output: {
    description: 'Whether changes of related rows that the query reads are sent as updates of the node.',
    required: true,
    read: ({ definition }: Subscription) => definition.relatedChanges === true,
  },
  default: false,
  store: (relatedChanges: boolean) => (relatedChanges ? { definition: { relatedChanges } } : {}),
  option: { flags: '--related-changes', help: 'send changes of related rows that the query reads as updates of the node' },
} as const satisfies Field;

export const CONTENT_TYPE_ENUM = {
  kind: 'ENUM',
  typename: 'WebhookContentType',
  description: 'The format of a notification body.',
  values: { JSON: 'The body is JSON, sent as `application/json`.', XML: 'The body is XML, sent as `application/xml`.' } satisfies Record<
    ContentType,
    string
  >,
} as const satisfies EnumType;

export const CONTENT_TYPE = {
  name: 'contentType',
  type: CONTENT_TYPE_ENUM,
  description: 'The format of the notification body.',
  output: { required: true },
  default: 'JSON',
  option: { flags: '--content-type <type>', help: 'the format of the body: JSON or XML' },
} as const satisfies Field;

export const QUERY = {
  name: 'query',
  type: { kind: 'SOURCE', extension: 'graphql' },
  description:
    'The GraphQL query whose result is the payload. It may declare `$nodeId: ID!` and `$nodeType: String`. Without a query the payload is the id and URL of the node.',
  option: { flags: '--query <query>', help: 'the GraphQL query whose result is the payload; @file reads it from a file' },
} as const satisfies Field;

export const VALIDATION_TEMPLATE = {
  name: 'validationTemplate',
  type: { kind: 'SOURCE', extension: 'validation.liquid' },
  description: 'A Liquid template that reads the payload and renders `true` to send the notification or `false` to skip it.',
  option: {
    flags: '--validation-template <liquid>',
    help: 'a Liquid template that renders true to send or false to skip; @file reads it from a file',
  },
} as const satisfies Field;

export const TEMPLATE = {
  name: 'template',
  type: { kind: 'SOURCE', extension: 'liquid' },
  description: 'A Liquid template that reads the payload and renders the body. Without a template the body is the payload.',
  option: { flags: '--template <liquid>', help: 'a Liquid template that renders the body; @file reads it from a file' },
} as const satisfies Field;

export const ERROR_TEMPLATE = {
  name: 'errorTemplate',
  type: { kind: 'SOURCE', extension: 'errors.liquid' },
  description:
    "A Liquid template that reads the receiver's response (`body`, `headers`, `status`). Any text that it renders marks the attempt as failed, with that text as the error.",
  option: {
    flags: '--error-template <liquid>',
    help: "a Liquid template that reads the receiver's response; any text that it renders is an error; @file reads it from a file",
  },
} as const satisfies Field;
