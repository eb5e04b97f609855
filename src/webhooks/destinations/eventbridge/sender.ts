// Sends events to EventBridge event buses with the official SDK, and reads the failures that its responses report.
import type { EventBridgeClient, PutEventsCommandOutput } from '@aws-sdk/client-eventbridge';
import { missing } from '../aws/packages.js';
import type { AwsService } from '../aws/sender.js';
import type { BusEvent } from './message.js';

const loadEventBridge = () => import('@aws-sdk/client-eventbridge').catch((cause) => missing('@aws-sdk/client-eventbridge', cause));

export const EVENT_BRIDGE: AwsService<EventBridgeClient, BusEvent> = {
  name: 'EventBridge',
  async connect(config) {
    const { EventBridgeClient } = await loadEventBridge();
    return new EventBridgeClient(config);
  },
  async send(client, { access, detailType, detail, resources }, options): Promise<PutEventsCommandOutput> {
    const { PutEventsCommand } = await loadEventBridge();
    const entry = { EventBusName: access.eventBusArn, Source: access.source, DetailType: detailType, Detail: detail, Resources: resources };
    return client.send(new PutEventsCommand({ Entries: [entry] }), options);
  },
  idIn: (output) => (output as PutEventsCommandOutput).Entries?.[0]?.EventId,
  // The HTTP status is successful even if EventBridge rejects the event.
  failureIn(output) {
    const { FailedEntryCount, Entries } = output as Omit<PutEventsCommandOutput, '$metadata'>;
    if (!FailedEntryCount) return null;
    const { ErrorCode = 'Failed', ErrorMessage = 'the event was refused' } = Entries?.[0] ?? {};
    return { code: ErrorCode, message: ErrorMessage };
  },
  advice: {
    ResourceNotFound: 'There is no such event bus in this account and region: correct `eventBusArn`, or create the event bus',
    AccessDenied: 'Allow `events:PutEvents` on the event bus, in its policy or in that of the key or role',
    NotAuthorizedForSource: 'Choose another `source`',
  },
};
