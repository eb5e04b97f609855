// Reads the bodies that subscriptions sent last, from which the schema of a template's body is inferred.
import type { Pool } from 'pg';
import type { Json, Owner } from '../../base/model.js';
import { attemptsByIds, lastAttemptsOf } from '../../base/store/attempts.js';
import { listDeliveriesOf } from '../../base/store/deliveries.js';
import { subscriptionsByIds } from '../../base/store/subscriptions.js';

/** Number of each subscription's latest deliveries whose bodies are read. */
const OBSERVED = 50;

/** Returns the JSON bodies that were sent with the current version of each subscription, in a few statements for all of them. */
export async function observedBodies(pool: Pool, owner: Owner, ids: readonly string[]): Promise<Map<string, Json[]>> {
  const page = { limit: OBSERVED, backward: false, after: null, before: null };
  const [subscriptions, deliveries] = await Promise.all([
    subscriptionsByIds(pool, owner, ids),
    listDeliveriesOf(pool, owner, ids, { states: ['DELIVERED'] }, page),
  ]);
  const all = [...deliveries.values()].flatMap(({ rows }) => rows);
  const last = await lastAttemptsOf(
    pool,
    owner,
    all.map(({ id }) => id),
  );
  const attempts = await attemptsByIds(
    pool,
    owner,
    [...last.values()].map(({ id }) => id),
  );
  return new Map(
    [...subscriptions].map(([id, { version }]) => {
      const sent = (deliveries.get(id)?.rows ?? []).flatMap((delivery) => {
        const attempt = attempts.get(last.get(delivery.id)?.id ?? '');
        return attempt?.subscriptionVersion === version ? jsonOf(attempt.request?.body ?? null) : [];
      });
      return [id, sent] as const;
    }),
  );
}

/** Returns the value of a JSON text in a list; an empty list for a text that is no JSON, e.g. because it was cut. */
function jsonOf(text: string | null): Json[] {
  if (text === null) return [];
  try {
    return [JSON.parse(text) as Json];
  } catch {
    return [];
  }
}
