// A builder and access to the engine in, the types of topics, subscriptions, deliveries, attempts, errors, events, replays and reports out.
import type { Builder } from '../../sample/graph/builder.js';
import type { AccessOf } from '../access.js';
import { addAttempt } from './attempt.js';
import { addDelivery } from './delivery.js';
import { addEnums } from './enums.js';
import { addError } from './error.js';
import { addEvent } from './event.js';
import { addReplay } from './replay.js';
import { addReport } from './report.js';
import { addSubscription } from './subscription.js';
import { addTopic } from './topic.js';

export interface Joined {
  access: AccessOf;
  /** The typename of owners. */
  ownerType: string;
}

export function addTypes(builder: Builder, { access, ownerType }: Joined) {
  const enums = addEnums(builder);
  const topic = addTopic(builder, access, enums);
  const event = addEvent(builder, access, enums);
  const attempt = addAttempt(builder, access, enums);
  const delivery = addDelivery(builder, access, { enums, topic: topic.ref, event, attempt: attempt.ref });
  const error = addError(builder, access, { enums, topic: topic.ref, delivery, attempt });
  const subscription = addSubscription(builder, access, { enums, topic: topic.ref, delivery, error, ownerType });
  const replay = addReplay(builder, access, { enums, subscription, delivery });
  const report = addReport(builder, access, { enums, attempt });
  return { enums, topic, event, attempt, delivery, error, subscription, replay, report };
}

export type WebhookTypes = ReturnType<typeof addTypes>;
