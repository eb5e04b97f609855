// Declares the settings of an SQS destination.
import type { AwsAccess, AwsAccounts, AwsSecrets, AwsSettings } from '../aws/access.js';
import type { AwsInput } from '../aws/check.js';

export interface SqsSettings extends AwsSettings {
  /** The ARN of the queue, which contains the region, the account and the name. */
  queueArn: string;
}

/** The input of an SQS destination. An absent field keeps its saved value. */
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
