// Builds an SNS message and its attributes: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
import { createHash } from 'node:crypto';
import type { Compiled } from '../base/compiled.js';
import type { Publication, SnsAccess } from '../base/model.js';
import { isFifo } from '../base/sns.js';

/** Identifies the delivery in the attributes of the message. */
export interface Told {
  deliveryId: string;
  eventId: string | null;
  typename: string;
  /** Global id of the node. */
  nodeId: string;
}

/** Maximum size of a message with its attributes: https://docs.aws.amazon.com/general/latest/gr/sns.html */
const MAX_BYTES = 262_144;
const MAX_GROUP_ID_LENGTH = 128;

export interface OutgoingPublication {
  publication: Publication;
  /** The publication in the form of a recorded request: topic, parameters and message. */
  recorded: { url: string; headers: Record<string, string>; body: string };
  /** The reason why SNS would reject the message for its size; `null` when it is small enough. */
  tooLarge: string | null;
}

export function buildPublication(
  compiled: Compiled,
  access: SnsAccess,
  told: Told,
  body: { text: string; contentType: string },
): OutgoingPublication {
  const { topic, subscriptionId, version } = compiled;
  const { topicArn } = access;
  const attributes: Record<string, string> = {
    topic: topic.key,
    topic_version: topic.version,
    event: topic.key.slice(topic.key.indexOf('/') + 1),
    delivery_id: told.deliveryId,
    subscription_id: subscriptionId,
    node_id: told.nodeId,
    node_type: told.typename,
    content_type: body.contentType,
    ...(told.eventId !== null && { event_id: told.eventId }),
  };
  const fifo = isFifo(topicArn) ? { groupId: groupOf(told.nodeId), deduplicationId: told.deliveryId } : null;
  const bytes = Object.entries(attributes).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value) + 'String'.length,
    Buffer.byteLength(body.text),
  );
  return {
    publication: { access, subscriptionId, version, message: body.text, attributes, fifo },
    recorded: {
      url: topicArn,
      headers: {
        ...(fifo && { MessageGroupId: fifo.groupId, MessageDeduplicationId: fifo.deduplicationId }),
        ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`MessageAttributes.${name}`, value])),
      },
      body: body.text,
    },
    tooLarge:
      bytes > MAX_BYTES ? `The message has ${bytes} bytes with its attributes; SNS takes ${MAX_BYTES}. Let the template write less.` : null,
  };
}

const groupOf = (nodeId: string): string =>
  nodeId.length <= MAX_GROUP_ID_LENGTH ? nodeId : createHash('sha256').update(nodeId).digest('hex');
