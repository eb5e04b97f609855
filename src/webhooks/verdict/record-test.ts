// Records a test as a final delivery with one attempt, which no worker ever claims.
import type { Pool } from 'pg';
import type { Engine } from '../base/engine.js';
import type { Actor } from '../base/model.js';
import { recordAudit } from '../base/store/audit.js';
import { insideTransaction } from '../base/store/transaction.js';
import { reportOnlyAttempt } from './attempt-log.js';
import { type EndedRecord, insertEnded } from './record-ended.js';

/** Returns a new delivery id for a test. It is needed before the delivery is recorded, because the test's request contains it. */
export async function nextDeliveryId(pool: Pool): Promise<string> {
  const { rows } = await pool.query<{ id: string }>('SELECT hookgraph.next_id() AS id');
  return (rows[0] as { id: string }).id;
}

export async function recordTest(engine: Engine, actor: Actor, record: EndedRecord): Promise<void> {
  const { definition, delivery } = record.attempt;
  await insideTransaction(engine.pool, async (client) => {
    await insertEnded(client, [record]);
    const { subscriptionId, version } = definition;
    await recordAudit(client, actor, [
      { subscriptionId, action: 'TESTED', versionBefore: version, versionAfter: version, deliveryId: delivery.id },
    ]);
  });
  reportOnlyAttempt(engine, record.attempt);
}
