// Declares the field `sns`: the SNS topic that a subscription publishes to.
import type { Field } from '../../base/fields/field.js';
import type { Subscription } from '../../base/model.js';
import { regionOf } from '../aws/access.js';
import { topicArnOf } from './definition.js';

const definitionOf = ({ definition: { sns } }: Subscription) => sns;
const customersOf = ({ definition: { sns } }: Subscription) => (sns?.kind === 'OWN' ? sns : null);
const managedOf = ({ definition: { sns } }: Subscription) => (sns?.kind === 'MANAGED' ? sns : null);
const arnOf = ({ id, definition: { sns } }: Subscription) => (sns ? topicArnOf(sns, id) : '');
const isManaged = (parent: Readonly<Record<string, unknown>>) => parent.managed === true;

export const SNS = {
  name: 'sns',
  type: {
    kind: 'RECORD',
    keepsAbsent: true,
    input: {
      typename: 'WebhookSnsInput',
      description:
        'An AWS SNS topic: an existing topic, named by `topicArn`, or with `managed` a topic that Hookgraph creates. An absent field keeps its value.',
    },
    output: { typename: 'WebhookSns', description: 'An AWS SNS topic that notifications are published to.' },
    fields: [
      {
        name: 'topicArn',
        type: { kind: 'TEXT' },
        description: 'The ARN of the existing topic. If its name ends with `.fifo`, each node is a message group.',
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
        description: 'The AWS region of the topic. It is optional, and must match the region in the ARN.',
        output: { description: 'The AWS region of the topic.', required: true, read: (source: Subscription) => regionOf(arnOf(source)) },
        file: { write: (sns) => (isManaged(sns) ? sns.region : null), isFilledIn: true },
      },
      {
        name: 'endpoint',
        type: { kind: 'TEXT' },
        description: 'The URL of an endpoint to use instead of the one of AWS. It needs an access key of its own.',
        output: {
          description: 'The URL that is used instead of the endpoint of AWS.',
          read: (source: Subscription) => customersOf(source)?.endpoint,
        },
      },
      {
        name: 'roleArn',
        type: { kind: 'TEXT' },
        description: 'The ARN of a role to assume before publishing. It is assumed with `externalId`.',
        output: {
          description: 'The ARN of the role that is assumed before publishing.',
          read: (source: Subscription) => customersOf(source)?.roleArn,
        },
      },
      {
        name: 'accessKeyId',
        type: { kind: 'TEXT' },
        description: "The id of an AWS access key that may publish to the topic. Without one the installation's credentials are used.",
        output: false,
        secret: true,
        file: { shownBy: 'hasOwnKeys' },
      },
      {
        name: 'secretAccessKey',
        type: { kind: 'TEXT' },
        description: 'The secret of the AWS access key. It is never returned.',
        output: false,
        secret: true,
        file: { shownBy: 'hasOwnKeys' },
      },
      {
        name: 'externalId',
        type: { kind: 'TEXT' },
        description: "The external id with which the role is assumed. Require it in the role's trust policy.",
        input: false,
        output: { required: true, read: ({ tenant }: Subscription) => tenant },
        file: { isFilledIn: true },
      },
      {
        name: 'hasOwnKeys',
        type: { kind: 'BOOLEAN' },
        description: "Whether the subscription's own access key is used to publish.",
        input: false,
        output: { required: true, read: (source: Subscription) => customersOf(source)?.ownKeys === true },
        file: { isFilledIn: true },
      },
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
  description: 'An AWS SNS topic to publish notifications to. Setting it removes another destination.',
  output: {
    description: 'The AWS SNS topic that notifications are published to. `null` when they go to another destination.',
    read: (source: Subscription) => (definitionOf(source) ? source : null),
  },
  destination: true,
} as const satisfies Field;
