// Declares the settings of an EventBridge destination: an event bus of the subscriber.
import type { AwsAccess, AwsAccounts, AwsSecrets, AwsSettings } from '../aws/access.js';
import type { AwsInput } from '../aws/check.js';

export interface EventBridgeSettings extends AwsSettings {
  /** Names the region, the account and the event bus. */
  eventBusArn: string;
  /** The source of the events, by which rules select them. */
  source: string;
}

/** An EventBridge event bus. An absent field keeps its saved value. */
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
