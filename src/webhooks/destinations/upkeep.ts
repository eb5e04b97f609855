// Creates and deletes the resources that subscriptions need at their destinations, such as SNS topics.
import type { PoolClient } from 'pg';
import type { Engine } from '../base/engine.js';
import type { Problem } from '../base/errors.js';
import type { Definition } from '../base/model.js';
import type { Upkeep } from './kind.js';
import { DESTINATIONS, settingsOf } from './registry.js';

/**
 * Returns the kinds of destinations in the definitions that need resources: for each, the functions that create and delete resources, and
 * its settings.
 */
function upkeepOf(definitions: Definition[]): { upkeep: Upkeep<unknown>; settings: unknown[] }[] {
  return DESTINATIONS.flatMap((kind) => {
    const settings = definitions.map((definition) => settingsOf(kind, definition)).filter((known) => known !== undefined);
    return kind.upkeep && settings.length > 0 ? [{ upkeep: kind.upkeep, settings }] : [];
  });
}

/**
 * Queues the creation and deletion of the resources that the old and the new definition name. Must run in the transaction of the
 * save.
 */
export async function noteUpkeep(client: PoolClient, subscriptionId: string, ...definitions: Definition[]): Promise<void> {
  for (const { upkeep, settings } of upkeepOf(definitions)) await upkeep.note(client, subscriptionId, settings);
}

/** Queues the deletion of a subscription's resources. Must run in the transaction that deletes the subscription. */
export async function forgetUpkeep(client: PoolClient, subscriptionId: string): Promise<void> {
  for (const { upkeep } of DESTINATIONS) await upkeep?.forget(client, subscriptionId);
}

/** Creates and deletes the queued resources of a subscription. A step that fails is returned as a warning, and a worker retries it. */
export async function settleUpkeep(engine: Engine, subscriptionId: string, ...definitions: Definition[]): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const { upkeep } of upkeepOf(definitions)) problems.push(...(await upkeep.settle(engine, subscriptionId)));
  return problems;
}
