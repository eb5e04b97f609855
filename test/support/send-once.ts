// Sends a delivery once, without a worker and without recording an attempt.
import type { Compiled } from '../../src/webhooks/base/compiled.js';
import type { Engine } from '../../src/webhooks/base/engine.js';
import { openDeliverySender } from '../../src/webhooks/send-delivery.js';

export async function sendOnce(engine: Engine, compiled: Compiled, deadlineMs?: number) {
  const sender = openDeliverySender(engine, deadlineMs);
  const ids = { deliveryId: '1', typename: 'Thing', nodeKey: '1', eventId: null };
  const { answer } = await sender.send(compiled, ids, { text: '{}', contentType: 'application/json' });
  await sender.close();
  return { answer };
}
