// Declares AWS EventBridge event buses as a kind of destination.
import { type AwsSecrets, accountsFor, awsAccessOf, awsOrigin, regionOf } from '../aws/access.js';
import { accountsVariable } from '../aws/options.js';
import { openAwsSender } from '../aws/sender.js';
import type { DestinationKind } from '../kind.js';
import { ACCOUNTS, type EventBridgeAccess, type EventBridgeSettings } from './definition.js';
import { EVENT_BRIDGE_FIELD } from './field.js';
import { type BusEvent, composeEvent } from './message.js';
import { EVENT_BRIDGE } from './sender.js';

export const eventBridge: DestinationKind<EventBridgeSettings, EventBridgeAccess, BusEvent> = {
  field: EVENT_BRIDGE_FIELD,
  title: 'AWS EventBridge',
  notBefore: 'EventBridge returns no response that could refuse a write',
  isHttp: false,
  receiverOf: ({ eventBusArn, endpoint }) => [eventBusArn, endpoint],
  variables: { accounts: accountsVariable(ACCOUNTS, 'EventBridge event buses') },
  offer: (settings, tenant) => ({ accounts: accountsFor(settings.eventBridge, tenant), managed: false }),

  locate(settings, secrets: AwsSecrets = {}, { tenant }) {
    const { eventBusArn, source } = settings;
    const access = awsAccessOf(regionOf(eventBusArn), settings, secrets, tenant);
    return { url: eventBusArn, origin: awsOrigin('events', access), access: { ...access, eventBusArn, source } };
  },
  compose: composeEvent,
  open: async (guard, deadlineMs) => openAwsSender(EVENT_BRIDGE, guard, deadlineMs),
};
