// Declares the settings of an SNS destination: an existing topic, or a managed topic, which Hookgraph creates.
import type { AwsAccess, AwsAccounts, AwsSecrets, AwsSettings } from '../aws/access.js';

/** The SNS topic to publish notifications to. Its ARN contains the region and the account. */
export type SnsSettings =
  | ({ kind: 'OWN'; topicArn: string } & AwsSettings)
  /**
   * A managed topic, which is created and deleted together with the subscription. `subscriberPrincipal` may subscribe to it. `prefix` is
   * the ARN of the topic without its name.
   */
  | { kind: 'MANAGED'; prefix: string; fifo: boolean; subscriberPrincipal: string };

/**
 * The input of an SNS destination: `topicArn` for an existing topic, `managed` for a topic that Hookgraph creates. An absent field keeps
 * its saved value if the kind of topic stays the same.
 */
export interface SnsInput {
  topicArn?: string | null;
  /** The region of the topic. If given, it must match the region in the ARN. */
  region?: string | null;
  endpoint?: string | null;
  accessKeyId?: string | null;
  secretAccessKey?: string | null;
  roleArn?: string | null;
  managed?: boolean | null;
  subscriberPrincipal?: string | null;
  fifo?: boolean | null;
}

export interface SnsOptions extends AwsAccounts {
  /**
   * The beginning of the ARN of managed topics, e.g. `arn:aws:sns:eu-central-1:123456789012`; `null` when subscriptions can't have managed
   * topics.
   */
  managedTopics: string | null;
}

declare module '../../base/definition.js' {
  interface DestinationSettings {
    sns: SnsSettings;
  }
  interface DestinationSecrets {
    sns: AwsSecrets;
  }
  interface DestinationInputs {
    sns: SnsInput | null;
  }
}
declare module '../../base/engine.js' {
  interface DestinationOptions {
    sns: SnsOptions;
  }
}

export interface SnsAccess extends AwsAccess {
  topicArn: string;
  /** Whether Hookgraph created the topic. */
  managed: boolean;
}

export const TOPIC_ARN = /^arn:aws[a-z-]*:sns:([a-z0-9-]+):(\d{12}):(?:[\w-]{1,256}|[\w-]{1,251}\.fifo)$/;

/**
 * Returns the ARN of the topic. The ARN of a managed topic follows from the subscription's id, so that creating the topic is idempotent.
 */
export function topicArnOf(sns: SnsSettings, subscriptionId: string): string {
  return sns.kind === 'OWN' ? sns.topicArn : `${sns.prefix}:hookgraph-${subscriptionId}${sns.fifo ? '.fifo' : ''}`;
}
