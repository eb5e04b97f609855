// Checks the stored subscriptions against the current schema when a worker starts: marks as broken those whose query or topic no longer
// works, and unmarks those that work again.

import type { Engine } from './base/engine.js';
import { logRuleChanges } from './base/rule-log.js';
import { releaseDeliveries } from './base/store/delivery-moves.js';
import { unsetBroken } from './base/store/subscription-status.js';
import { loadForSending } from './base/store/subscriptions.js';
import { compileDefinition } from './compile-definition.js';
import { checkStored } from './operations/check-stored.js';
import { markBroken } from './verdict/mark-broken.js';

/**
 * Must run before the worker turns events into deliveries, so that an owner learns that a subscription is broken before any of its
 * deliveries is held.
 */
export async function recheckStored(engine: Engine): Promise<void> {
  const found = await checkStored(engine, engine.host.schema());
  const broken = found.filter(({ kind }) => kind !== 'DEPRECATED');
  if (broken.length > 0)
    await markBroken(
      engine,
      broken.map(({ subscriptionId: id, version, kind, message }) => ({
        id,
        version,
        reason: kind === 'RETIRED' ? message : `The query is no longer valid: ${message}`,
      })),
    );
  await releaseMended(engine, new Set(broken.map(({ subscriptionId }) => subscriptionId)));
}

async function releaseMended(engine: Engine, broken: ReadonlySet<string>): Promise<void> {
  const { rows } = await engine.pool.query<{ id: string }>(
    `SELECT id FROM hookgraph.subscriptions WHERE broken_at IS NOT NULL AND deleted_at IS NULL`,
  );
  const candidates = rows.map((row) => row.id).filter((id) => !broken.has(id));
  if (candidates.length === 0) return;
  const loaded = await loadForSending(engine, candidates);
  const compiled = await Promise.all([...loaded.values()].map(async (one) => ({ ...one, result: await compileDefinition(engine, one) })));
  const valid = compiled.filter(({ result }) => !('broken' in result));
  if (valid.length === 0) return;
  // Restricted to the checked versions, because a concurrent save has checked the newer version itself.
  const corrected = await unsetBroken(
    engine.pool,
    valid.map(({ subscription }) => subscription),
  );
  const ids = corrected.map(({ id }) => id);
  logRuleChanges(engine.log, 'recovered', corrected, await releaseDeliveries(engine.pool, ids, ['BROKEN']));
}
