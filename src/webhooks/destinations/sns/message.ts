// Builds the SNS message of a delivery, and its attributes: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
import type { Compiled } from '../../base/compiled.js';
import type { Engine } from '../../base/engine.js';
import { type Attributes, attributesOf, type Fifo, fifoOf, recordedHeaders, refusalOf, sizeOf } from '../aws/message.js';
import type { AwsMessage } from '../aws/sender.js';
import type { Composed, DeliveryIds } from '../kind.js';
import type { SnsAccess } from './definition.js';

/** A message to publish to an SNS topic. */
export interface Publication extends AwsMessage {
  access: SnsAccess;
  text: string;
  attributes: Attributes;
  /** `null` unless the topic is a FIFO topic. */
  fifo: Fifo | null;
}

/** Maximum number of bytes of a message with its attributes: https://docs.aws.amazon.com/general/latest/gr/sns.html */
const MAX_BYTES = 262_144;

export function composePublication(
  engine: Pick<Engine, 'settings' | 'host'>,
  compiled: Compiled,
  ids: DeliveryIds,
  { text, contentType }: { text: string; contentType: string },
): Composed<Publication> {
  const { subscriptionId, version, owner } = compiled;
  const access = compiled.destination.access as SnsAccess;
  const { topicArn, managed } = access;
  const attributes = attributesOf(engine, compiled, ids, contentType);
  const fifo = fifoOf(topicArn, attributes.node_id, ids.deliveryId);
  return {
    message: { access, subscriptionId, version, text, attributes, fifo },
    recorded: { url: topicArn, headers: recordedHeaders(fifo, attributes), body: text },
    ...refusalOf({
      service: 'SNS',
      bytes: sizeOf(text, attributes),
      maxBytes: MAX_BYTES,
      mayUse: managed
        ? null
        : { access, arn: topicArn, tenant: owner.tenant, offered: engine.settings.sns, variable: 'HOOKGRAPH_SNS_ACCOUNTS' },
    }),
  };
}
