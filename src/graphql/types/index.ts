// Adds all GraphQL types that queries and mutations of the API return.

import type { AccessOf } from '../access.js';
import type { Builder } from '../builder.js';
import type { HostTypes } from '../host-types.js';
import { addAttempt } from './attempt.js';
import { addBulkAction } from './bulk-action.js';
import { addContract } from './contract.js';
import { addDelivery } from './delivery.js';
import { addEnums } from './enums.js';
import { addError } from './error.js';
import { addEvent } from './event.js';
import { FieldTypes } from './fields.js';
import { addMissedEvents } from './missed-events.js';
import { addNumbered } from './numbered.js';
import { addPlace } from './place.js';
import { addRecentNodes } from './recent-nodes.js';
import { addRehearsal } from './rehearsal.js';
import { addReplay } from './replay.js';
import { addReport } from './report.js';
import { addStats } from './stats.js';
import { addSubscription } from './subscription.js';
import { addTopic } from './topic.js';
import { addTopicPayload } from './topic-payload.js';
import { addUnreadUpdates } from './unread-updates.js';
import { addVersions } from './version.js';

export interface Joined {
  access: AccessOf;
  host: HostTypes;
  presets: boolean;
}

export function addTypes(builder: Builder, { access, host, presets }: Joined) {
  const enums = addEnums(builder, { presets, integrations: host.integration !== null, environments: host.environment !== null });
  const fieldTypes = new FieldTypes(builder, host);
  const place = addPlace(builder);
  const topic = addTopic(builder, access, enums);
  const event = addEvent(builder, access, enums);
  const attempt = addAttempt(builder, access, enums);
  const delivery = addDelivery(builder, access, { enums, topic: topic.ref, event: event.ref, attempt: attempt.ref, host });
  const error = addError(builder, access, { enums, topic: topic.ref, delivery, attempt });
  const subscription = addSubscription(builder, access, { enums, fieldTypes, topic: topic.ref, delivery, error, host });
  addNumbered(builder, access, { subscription: subscription.ref, delivery: delivery.ref });
  addContract(builder, access, subscription.ref);
  addUnreadUpdates(builder, access, subscription.ref);
  addStats(builder, access, subscription.ref);
  addVersions(builder, access, subscription.ref, host);
  addRecentNodes(builder, access, topic.ref);
  addTopicPayload(builder, access, topic.ref);
  const rehearsal = addRehearsal(builder, access, { enums, event });
  const replay = addReplay(builder, access, { enums, subscription, delivery });
  const bulkAction = addBulkAction(builder, access);
  const missedEvents = addMissedEvents(builder, access, subscription.ref);
  const report = addReport(builder, access, { enums, place, attempt, host });
  const found = { topic, event, attempt, delivery, error, subscription, rehearsal, replay, bulkAction, missedEvents, report };
  return { host, enums, fieldTypes, place, ...found };
}

export type WebhookTypes = ReturnType<typeof addTypes>;
