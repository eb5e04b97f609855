// Builds the SQS message of a delivery: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
import type { Compiled } from '../../base/compiled.js';
import type { Engine } from '../../base/engine.js';
import { type Attributes, attributesOf, type Fifo, fifoOf, heldFor, recordedHeaders, refusalOf, sizeOf } from '../aws/message.js';
import type { AwsMessage } from '../aws/sender.js';
import type { Composed, DeliveryIds } from '../kind.js';
import { ACCOUNTS, type SqsAccess } from './definition.js';

/** A message to send to an SQS queue. */
export interface QueueMessage extends AwsMessage {
  access: SqsAccess;
  text: string;
  attributes: Attributes;
  /** `null` unless the queue is a FIFO queue. */
  fifo: Fifo | null;
}

/**
 * Maximum number of bytes of a message with its attributes:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
 */
const MAX_BYTES = 1_048_576;

/** Matches a character that XML 1.0 does not allow. SQS rejects such characters. */
const REJECTED = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u;

export function composeQueueMessage(
  engine: Pick<Engine, 'settings' | 'host'>,
  compiled: Compiled,
  ids: DeliveryIds,
  { text, contentType }: { text: string; contentType: string },
): Composed<QueueMessage> {
  const { subscriptionId, version, owner } = compiled;
  const access = compiled.destination.access as SqsAccess;
  const attributes = attributesOf(engine, compiled, ids, contentType);
  const fifo = fifoOf(access.queueArn, attributes.node_id, ids.deliveryId);
  return {
    message: { access, subscriptionId, version, text, attributes, fifo },
    recorded: { url: access.queueArn, headers: recordedHeaders(fifo, attributes), body: text },
    ...(unsendable(text) ??
      refusalOf({
        service: 'SQS',
        bytes: sizeOf(text, attributes),
        maxBytes: MAX_BYTES,
        mayUse: { access, arn: access.queueArn, tenant: owner.tenant, offered: engine.settings.sqs, variable: ACCOUNTS },
      })),
  };
}

/** Returns a result with the reason why SQS would reject the body; `null` when SQS accepts it. JSON and XML bodies are never empty. */
function unsendable(text: string) {
  const character = REJECTED.exec(text)?.[0].codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
  return character === undefined ? null : heldFor(`The message has the character U+${character}, which SQS does not accept.`);
}
