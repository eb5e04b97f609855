// Declares the settings of an EventBridge destination.
import type { AwsAccess, AwsAccounts, AwsSecrets, AwsSettings } from '../aws/access.js';
import type { AwsInput } from '../aws/check.js';

export interface EventBridgeSettings extends AwsSettings {
  /** The ARN of the event bus, which contains the region, the account and the name. */
  eventBusArn: string;
  /** The `source` of the events. Rules of the event bus can select events by it. */
  source: string;
}

/** The input of an EventBridge destination. An absent field keeps its saved value. */
export interface EventBridgeInput extends AwsInput {
  eventBusArn?: string | null;
  source?: string | null;
}

export interface EventBridgeAccess extends AwsAccess {
  eventBusArn: string;
  source: string;
}

declare module '../../base/definition.js' {
  interface DestinationSettings {
    eventBridge: EventBridgeSettings;
  }
  interface DestinationSecrets {
    eventBridge: AwsSecrets;
  }
  interface DestinationInputs {
    eventBridge: EventBridgeInput | null;
  }
}
declare module '../../base/engine.js' {
  interface DestinationOptions {
    eventBridge: AwsAccounts;
  }
}

export const ACCOUNTS = 'HOOKGRAPH_EVENTBRIDGE_ACCOUNTS';
