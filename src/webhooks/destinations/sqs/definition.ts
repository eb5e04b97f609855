// Declares the settings of an SQS destination: a queue of the subscriber.
import type { AwsAccess, AwsAccounts, AwsSecrets, AwsSettings } from '../aws/access.js';
import type { AwsInput } from '../aws/check.js';

export interface SqsSettings extends AwsSettings {
  /** Names the region, the account and the queue. */
  queueArn: string;
}

/** An SQS queue. An absent field keeps its saved value. */
export interface SqsInput extends AwsInput {
  queueArn?: string | null;
}

export interface SqsAccess extends AwsAccess {
  queueArn: string;
  queueUrl: string;
}

declare module '../../base/definition.js' {
  interface DestinationSettings {
    sqs: SqsSettings;
  }
  interface DestinationSecrets {
    sqs: AwsSecrets;
  }
  interface DestinationInputs {
    sqs: SqsInput | null;
  }
}
declare module '../../base/engine.js' {
  interface DestinationOptions {
    sqs: AwsAccounts;
  }
}

export const ACCOUNTS = 'HOOKGRAPH_SQS_ACCOUNTS';
