// Builds the parts that messages to AWS services have in common, and decides whether a message may be sent.
import { createHash } from 'node:crypto';
import type { Compiled } from '../../base/compiled.js';
import type { Engine } from '../../base/engine.js';
import type { NoReply } from '../destination.js';
import type { DeliveryIds } from '../kind.js';
import { type AwsAccess, type AwsAccounts, mayUseInstallation } from './access.js';

/** The attributes of a message by name. All values are strings. */
export type Attributes = Record<string, string>;

export function attributesOf(
  { host }: Pick<Engine, 'host'>,
  { topic, subscriptionId }: Compiled,
  { deliveryId, eventId, typename, nodeKey, traceparent, sequence, replay, isSnapshot }: DeliveryIds,
  contentType: string,
): Attributes & { node_id: string } {
  return {
    topic: topic.key,
    topic_version: topic.version,
    event: topic.key.slice(topic.key.indexOf('/') + 1),
    delivery_id: deliveryId,
    subscription_id: subscriptionId,
    node_id: host.toGlobalId(typename, nodeKey),
    node_type: typename,
    content_type: contentType,
    event_id: eventId ?? deliveryId,
    ...(sequence && { sequence: sequence.number, previous_sequence: sequence.previous }),
    ...(replay !== undefined && { replay }),
    ...(isSnapshot && { snapshot: 'true' }),
    ...(traceparent !== undefined && { traceparent }),
  };
}

/** Converts attributes to the format of the SQS and SNS APIs. */
export const toMessageAttributes = (attributes: Attributes) =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, { DataType: 'String', StringValue: value }]));

/**
 * The parameters of a message to a FIFO topic or queue. The group is the node: AWS keeps the messages of a group in order. The
 * deduplication id is the delivery: AWS drops repeats of it within five minutes.
 */
export interface Fifo {
  groupId: string;
  deduplicationId: string;
}

const MAX_GROUP_ID_LENGTH = 128;

/** Returns `null` unless the ARN belongs to a FIFO topic or queue. */
export function fifoOf(arn: string, nodeId: string, deliveryId: string): Fifo | null {
  if (!arn.endsWith('.fifo')) return null;
  const groupId = nodeId.length <= MAX_GROUP_ID_LENGTH ? nodeId : createHash('sha256').update(nodeId).digest('hex');
  return { groupId, deduplicationId: deliveryId };
}

/** Returns the parameters of a message as the headers that its attempt records. */
export const recordedHeaders = (fifo: Fifo | null, attributes: Attributes): Record<string, string> => ({
  ...(fifo && { MessageGroupId: fifo.groupId, MessageDeduplicationId: fifo.deduplicationId }),
  ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`MessageAttributes.${name}`, value])),
});

/** Returns the size of a message in bytes, as SQS and SNS count it: the body, and the name, type and value of each attribute. */
export function sizeOf(body: string, attributes: Attributes): number {
  return Object.entries(attributes).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value) + 'String'.length,
    Buffer.byteLength(body),
  );
}

/**
 * Returns a result that holds the delivery (keeps it without retries) until the subscription changes, because AWS would reject the message.
 */
export const heldFor = (message: string): { refused: NoReply } => ({
  refused: { kind: 'NO_REPLY', stage: 'TEMPLATE', message, held: true, sendMs: 0 },
});

export interface Limits {
  service: string;
  bytes: number;
  maxBytes: number;
  /** The values that decide whether the installation's credentials may be used; `null` when no check is needed. */
  mayUse: { access: AwsAccess; arn: string; tenant: string; offered: AwsAccounts | undefined; variable: string } | null;
}

/**
 * Returns the reason not to send a message: it is too large, or the installation's credentials are not allowed for the account. Returns an
 * empty object when the message may be sent.
 */
export function refusalOf({ service, bytes, maxBytes, mayUse }: Limits): { refused?: NoReply } {
  if (bytes > maxBytes)
    return heldFor(
      `The message has ${bytes} bytes with its attributes; ${service} accepts at most ${maxBytes}. Make the template render a shorter body.`,
    );
  if (mayUse === null || mayUse.access.keys !== null) return {};
  if (mayUseInstallation(mayUse.offered, mayUse.tenant, mayUse.access.role?.arn ?? mayUse.arn)) return {};
  const message = `The installation's AWS credentials may not be used for this account: set your own access key, or ask the operator to allow the account in ${mayUse.variable}.`;
  return { refused: { kind: 'NO_REPLY', stage: 'ADDRESS', message, sendMs: 0 } };
}
