// Builds the EventBridge event of a delivery: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
import type { Compiled } from '../../base/compiled.js';
import type { Engine } from '../../base/engine.js';
import { attributesOf, heldFor, refusalOf } from '../aws/message.js';
import type { AwsMessage } from '../aws/sender.js';
import type { Composed, DeliveryIds } from '../kind.js';
import { ACCOUNTS, type EventBridgeAccess } from './definition.js';

/** An event to put on an event bus. */
export interface BusEvent extends AwsMessage {
  access: EventBridgeAccess;
  detailType: string;
  detail: string;
  /**
   * Values such as `delivery_id=…`, which identify delivery, subscription and node. They are here, because events of EventBridge have no
   * attributes.
   */
  resources: string[];
}

/**
 * Maximum number of bytes of an event, which must be smaller than 1 MiB:
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 */
const MAX_BYTES = 1_048_575;

export function composeEvent(
  engine: Pick<Engine, 'settings' | 'host'>,
  compiled: Compiled,
  ids: DeliveryIds,
  { text, contentType }: { text: string; contentType: string },
): Composed<BusEvent> {
  const { subscriptionId, version, owner, topic } = compiled;
  const access = compiled.destination.access as EventBridgeAccess;
  const { eventBusArn, source } = access;
  const { content_type: _type, topic: _topic, event: _event, ...attributes } = attributesOf(engine, compiled, ids, contentType);
  const resources = Object.entries(attributes).map(([name, value]) => `${name}=${value}`);
  return {
    message: { access, subscriptionId, version, detailType: topic.key, detail: text, resources },
    recorded: {
      url: eventBusArn,
      headers: { Source: source, DetailType: topic.key, ...Object.fromEntries(resources.map((text, at) => [`Resources.${at + 1}`, text])) },
      body: text,
    },
    ...(unsendable(text) ??
      refusalOf({
        service: 'EventBridge',
        // The size of an event as AWS counts it: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
        bytes: [source, topic.key, text, ...resources].reduce((sum, part) => sum + Buffer.byteLength(part), 0),
        maxBytes: MAX_BYTES,
        mayUse: { access, arn: eventBusArn, tenant: owner.tenant, offered: engine.settings.eventBridge, variable: ACCOUNTS },
      })),
  };
}

/** Returns a result with the reason why EventBridge would reject the body; `null` for a JSON object, which it accepts. */
function unsendable(text: string) {
  if (/^\s*\{/.test(text) && isJson(text)) return null;
  return heldFor('The body is not a JSON object, but EventBridge accepts only JSON objects. Let the template render one.');
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
