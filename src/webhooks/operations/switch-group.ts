// Disables or enables all subscriptions of an actor that belong to one integration.

import type { Engine } from '../base/engine.js';
import type { Problem } from '../base/errors.js';
import type { Actor } from '../base/model.js';
import { recordAudit, switched as switchedTo } from '../base/store/audit.js';
import { holdDeliveries, releaseDeliveries } from '../base/store/delivery-moves.js';
import { countMissedOfFirst, type MissedEvents } from '../base/store/missed-events.js';
import { disableIntegration, enableIntegration } from '../base/store/subscription-status.js';
import { insideTransaction } from '../base/store/transaction.js';
import { listYoungClaims, NOTHING_BEGINS, untilNoneBegins } from '../lease/lease-freshness.js';
import { begin } from './begin-move.js';
import { missingOf } from './save/check-references.js';
import { NOT_ALLOWED } from './save.js';

export interface Switched {
  problems: Problem[];
  /** Number of subscriptions that changed. */
  count: number;
  /** The events that the subscriptions missed while they were disabled, if they were enabled. */
  missed: (MissedEvents & { subscriptionId: string })[];
}

/**
 * Disabling changes the enabled subscriptions and holds their open deliveries; no attempt begins after it has returned. Enabling changes
 * only the subscriptions that this operation disabled, not those that their owner or a rule disabled. Idempotent.
 */
export async function switchGroup(engine: Engine, actor: Actor, integrationId: string, disabled: boolean): Promise<Switched> {
  if (!actor.canManageWebhooks) return { problems: [NOT_ALLOWED], count: 0, missed: [] };
  if ((await missingOf(engine, actor, engine.host.integrationType, [integrationId])).length > 0)
    return { problems: [{ field: 'integrationId', message: 'not found', type: 'NOT_FOUND' }], count: 0, missed: [] };
  const { ids, young } = await insideTransaction(engine.pool, async (client) => {
    const rows = await (disabled ? disableIntegration : enableIntegration)(client, actor, integrationId);
    const switched = rows.map(({ id }) => id);
    const records = rows.map(({ id, version }) => ({ subscriptionId: id, versionBefore: version, versionAfter: version }));
    const change = { action: disabled ? ('DISABLED' as const) : ('ENABLED' as const), changes: [switchedTo(disabled)] };
    await recordAudit(
      client,
      actor,
      records.map((record) => ({ ...record, ...change, message: 'Together with the other subscriptions of its integration.' })),
    );
    return { ids: switched, young: disabled ? await listYoungClaims(client, switched) : NOTHING_BEGINS };
  });
  await begin(engine, () => (disabled ? holdDeliveries(engine.pool, ids, 'DISABLED') : releaseDeliveries(engine.pool, ids, ['DISABLED'])));
  await untilNoneBegins(engine.pool, young);
  return { problems: [], count: ids.length, missed: disabled ? [] : await countMissedOfFirst(engine.pool, actor, ids) };
}
