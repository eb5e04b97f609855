// Declares the field `sns`, the SNS topic that a subscription publishes to.
import type { Field } from '../../base/fields/field.js';
import type { Subscription } from '../../base/model.js';
import { regionOf } from '../aws/access.js';
import { awsFields } from '../aws/field.js';
import { storeDraft } from '../draft.js';
import { checkSns, mergeSns } from './check.js';
import { topicArnOf } from './definition.js';

const definitionOf = ({ definition: { sns } }: Subscription) => sns;
const existingOf = ({ definition: { sns } }: Subscription) => (sns?.kind === 'OWN' ? sns : undefined);
const managedOf = ({ definition: { sns } }: Subscription) => (sns?.kind === 'MANAGED' ? sns : null);
const arnOf = ({ id, definition: { sns } }: Subscription) => (sns ? topicArnOf(sns, id) : '');
const isManaged = (parent: Readonly<Record<string, unknown>>) => parent.managed === true;

export const SNS_FIELD = {
  name: 'sns',
  type: {
    kind: 'RECORD',
    keepsAbsent: true,
    input: {
      typename: 'WebhookSnsInput',
      description:
        'An AWS SNS topic: an existing topic with this `topicArn`, or with `managed` a topic that Hookgraph creates. An absent field keeps its value.',
    },
    output: { typename: 'WebhookSns', description: 'An AWS SNS topic that notifications are published to.' },
    fields: [
      {
        name: 'topicArn',
        type: { kind: 'TEXT' },
        description:
          'The ARN of the existing topic. If the name of the topic ends with `.fifo`, the notifications of each node are a message group, so that they stay in order.',
        output: { description: 'The ARN of the topic.', required: true, read: arnOf },
        file: { write: (sns) => (isManaged(sns) ? null : sns.topicArn), isFilledIn: isManaged },
      },
      {
        name: 'managed',
        type: { kind: 'BOOLEAN' },
        description: 'Whether Hookgraph creates a topic for this subscription, and deletes it together with the subscription.',
        output: {
          description: 'Whether Hookgraph created the topic for this subscription.',
          required: true,
          read: (source: Subscription) => managedOf(source) !== null,
        },
        file: { write: (sns) => isManaged(sns) || null },
      },
      {
        name: 'region',
        type: { kind: 'TEXT' },
        description: 'The AWS region of the topic. Optional, because the ARN contains the region.',
        output: { description: 'The AWS region of the topic.', required: true, read: (source: Subscription) => regionOf(arnOf(source)) },
        file: { write: (sns) => (isManaged(sns) ? sns.region : null), isFilledIn: true },
      },
      ...awsFields('publish', existingOf),
      {
        name: 'subscriberPrincipal',
        type: { kind: 'TEXT' },
        description: 'The AWS principal that may subscribe to the managed topic: an account id, or the ARN of an account, role or user.',
        output: {
          description: 'The AWS principal that may subscribe to the managed topic.',
          read: (source: Subscription) => managedOf(source)?.subscriberPrincipal,
        },
      },
      {
        name: 'fifo',
        type: { kind: 'BOOLEAN' },
        description: 'Whether the managed topic is a FIFO topic.',
        output: false,
        file: { write: (sns) => (isManaged(sns) && String(sns.topicArn).endsWith('.fifo')) || null },
      },
    ],
  },
  description: 'An AWS SNS topic to publish notifications to. Setting it removes the previous destination.',
  output: {
    description: 'The AWS SNS topic that notifications are published to. `null` when they go to another destination.',
    read: (source: Subscription) => (definitionOf(source) ? source : null),
  },
  destination: true,
  option: {
    flags: '--sns <name=value>',
    help: 'publish to an AWS SNS topic: topicArn=…, accessKeyId=env:NAME, secretAccessKey=env:NAME; can be repeated',
    isRepeated: true,
  },
  merge: mergeSns,
  check: checkSns,
  store: storeDraft('sns'),
} as const satisfies Field;
