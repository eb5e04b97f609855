// Adds SNS topics as destinations: an input with access keys, and an output type without them.

import { regionOf } from '../../webhooks/destinations/aws/access.js';
import { topicArnOf } from '../../webhooks/destinations/sns/definition.js';
import type { Subscription } from '../../webhooks/index.js';
import type { Builder } from '../builder.js';

export function addSnsInput(builder: Builder) {
  return builder.inputType('WebhookSnsInput', {
    description: 'An AWS SNS topic: one of yours by its ARN, or with `managed` one that is made for you. What is absent stays as it is.',
    fields: (t) => ({
      topicArn: t.string({ description: 'The ARN of your topic. Where its name ends with `.fifo`, each node is a message group.' }),
      region: t.string({ description: 'Its region; not needed, since the ARN says it.' }),
      endpoint: t.string({ description: "An address in place of AWS' own, with keys of your own only." }),
      accessKeyId: t.string({
        description: "The id of an access key that may publish; without one the installation's credentials are used.",
      }),
      secretAccessKey: t.string({ description: 'Its secret. It is never answered.' }),
      roleArn: t.string({ description: 'A role to assume first. It is assumed with `externalId`.' }),
      managed: t.boolean({ description: 'Whether a topic is made for this subscription, and deleted with it.' }),
      subscriberPrincipal: t.string({
        description: 'Who may subscribe to the managed topic: an account, or the ARN of an account, a role or a user.',
      }),
      fifo: t.boolean({ description: 'Whether the managed topic is a FIFO topic.' }),
    }),
  });
}

/** The output type; its source is a subscription that has an SNS destination. */
export function addSns(builder: Builder) {
  const ownOf = ({ definition: { sns } }: Subscription) => (sns?.kind === 'OWN' ? sns : null);
  const managedOf = ({ definition: { sns } }: Subscription) => (sns?.kind === 'MANAGED' ? sns : null);
  const arnOf = ({ definition: { sns }, id }: Subscription) => (sns ? topicArnOf(sns, id) : '');
  return builder.objectRef<Subscription>('WebhookSns').implement({
    description: 'An AWS SNS topic that notifications are published to.',
    fields: (t) => ({
      topicArn: t.string({ nullable: false, description: 'Its ARN.', resolve: arnOf }),
      region: t.string({ nullable: false, description: 'Its region.', resolve: (subscription) => regionOf(arnOf(subscription)) }),
      endpoint: t.string({ description: "The address in place of AWS' own.", resolve: (subscription) => ownOf(subscription)?.endpoint }),
      roleArn: t.string({ description: 'The role that is assumed first.', resolve: (subscription) => ownOf(subscription)?.roleArn }),
      externalId: t.string({
        nullable: false,
        description: "The external id with which a role is assumed: let the role's trust policy ask for it.",
        resolve: ({ tenant }) => tenant,
      }),
      hasOwnKeys: t.boolean({
        nullable: false,
        description: "Whether it is published to with keys of the subscription's own.",
        resolve: (subscription) => ownOf(subscription)?.ownKeys === true,
      }),
      managed: t.boolean({
        nullable: false,
        description: 'Whether it was made for this subscription.',
        resolve: (subscription) => managedOf(subscription) !== null,
      }),
      subscriberPrincipal: t.string({
        description: 'Who may subscribe to the managed topic.',
        resolve: (subscription) => managedOf(subscription)?.subscriberPrincipal,
      }),
    }),
  });
}
