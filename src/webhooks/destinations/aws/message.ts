// Builds what messages to AWS services have in common: the attributes that identify a delivery, and their size.
import { createHash } from 'node:crypto';
import type { Compiled } from '../../base/compiled.js';
import type { Engine } from '../../base/engine.js';
import type { NoReply } from '../destination.js';
import type { DeliveryIds } from '../kind.js';
import { type AwsAccess, type AwsAccounts, mayUseInstallation } from './access.js';

/** Attributes of a message, all of them texts. */
export type Attributes = Record<string, string>;

export function attributesOf(
  { host }: Pick<Engine, 'host'>,
  { topic, subscriptionId }: Compiled,
  { deliveryId, eventId, typename, nodeKey, traceparent }: DeliveryIds,
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
    ...(eventId !== null && { event_id: eventId }),
    ...(traceparent !== undefined && { traceparent }),
  };
}

/** Attributes in the form of the services' APIs. */
export const toMessageAttributes = (attributes: Attributes) =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, { DataType: 'String', StringValue: value }]));

/** The order and deduplication of a FIFO topic or queue: notifications of a node stay in order, a delivery arrives once. */
export interface Fifo {
  groupId: string;
  deduplicationId: string;
}

const MAX_GROUP_ID_LENGTH = 128;

export function fifoOf(arn: string, nodeId: string, deliveryId: string): Fifo | null {
  if (!arn.endsWith('.fifo')) return null;
  const groupId = nodeId.length <= MAX_GROUP_ID_LENGTH ? nodeId : createHash('sha256').update(nodeId).digest('hex');
  return { groupId, deduplicationId: deliveryId };
}

/** The parameters of a message in the form of recorded headers. */
export const recordedHeaders = (fifo: Fifo | null, attributes: Attributes): Record<string, string> => ({
  ...(fifo && { MessageGroupId: fifo.groupId, MessageDeduplicationId: fifo.deduplicationId }),
  ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`MessageAttributes.${name}`, value])),
});

/** Bytes that the services count: the body, and the name, type and value of each attribute. */
export function sizeOf(body: string, attributes: Attributes): number {
  return Object.entries(attributes).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value) + 'String'.length,
    Buffer.byteLength(body),
  );
}

/** Holds the delivery of a message that AWS would refuse, until the subscription's template changes. */
export const heldFor = (message: string): { refused: NoReply } => ({
  refused: { kind: 'NO_REPLY', stage: 'TEMPLATE', message, held: true, sendMs: 0 },
});

export interface Limits {
  /** The name of the service. */
  service: string;
  bytes: number;
  maxBytes: number;
  /** The call for which the installation's credentials need permission; `null` when no check is needed. */
  mayUse: { access: AwsAccess; arn: string; tenant: string; offered: AwsAccounts | undefined; variable: string } | null;
}

/** Why a message must not be sent: it is too large, or the installation's credentials must not be used for the account. */
export function refusalOf({ service, bytes, maxBytes, mayUse }: Limits): { refused?: NoReply } {
  if (bytes > maxBytes)
    return heldFor(
      `The message has ${bytes} bytes with its attributes; ${service} accepts ${maxBytes}. Make the template render a shorter body.`,
    );
  if (mayUse === null || mayUse.access.keys !== null) return {};
  if (mayUseInstallation(mayUse.offered, mayUse.tenant, mayUse.access.role?.arn ?? mayUse.arn)) return {};
  const message = `The installation's AWS credentials may not be used for this account: set your own access key, or ask the operator to allow the account in ${mayUse.variable}.`;
  return { refused: { kind: 'NO_REPLY', stage: 'ADDRESS', message, sendMs: 0 } };
}
