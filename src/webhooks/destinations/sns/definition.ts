// Declares the settings of an SNS destination: a topic of the subscriber, or one that Hookgraph creates.
import type { AwsAccess, AwsAccounts, AwsSecrets, AwsSettings } from '../aws/access.js';

/** The SNS topic that notifications are published to; its ARN names the region and the account. */
export type SnsSettings =
  | ({ kind: 'OWN'; topicArn: string } & AwsSettings)
  /**
   * A topic that Hookgraph creates, opens to `subscriberPrincipal` and deletes with the subscription. `prefix` is its ARN without the
   * name.
   */
  | { kind: 'MANAGED'; prefix: string; fifo: boolean; subscriberPrincipal: string };

/**
 * An SNS topic of the subscriber or, with `managed`, a topic that Hookgraph creates. An absent field keeps its saved value if the
 * kind stays the same.
 */
export interface SnsInput {
  topicArn?: string | null;
  /** Region of the topic. Optional; it must match the region in the ARN. */
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
  /** Where managed topics are created, as an ARN prefix such as `arn:aws:sns:eu-central-1:123456789012`. `null`: they are off. */
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

/** The ARN of a managed topic follows from the subscription's id, so that creating the topic is idempotent. */
export function topicArnOf(sns: SnsSettings, subscriptionId: string): string {
  return sns.kind === 'OWN' ? sns.topicArn : `${sns.prefix}:hookgraph-${subscriptionId}${sns.fifo ? '.fifo' : ''}`;
}
