// Changes the status of subscriptions: disables, enables, marks as broken (a query or template no longer works), marks as paced (slowed,
// probed or rate-limited). Only this file and operations/save.ts write the table `subscriptions`.
import type { Pool, PoolClient } from 'pg';
import type { DisablingRule } from '../meter.js';
import type { DisabledReason, Owner, SlowedReason } from '../model.js';
import type { RuleChange } from '../rule-log.js';
import { auditByRule, switched } from './audit.js';

type Db = Pool | PoolClient;

interface Disabling {
  reason: DisabledReason;
  message: string;
}

/**
 * Disables enabled subscriptions: those in `reasons` (subscription id → reason), and those in `failing` that had more than `limit` failed
 * attempts within the last hour. An attempt at a time in the future, from before the clock of the database went back, doesn't count.
 * Returns the disabled subscriptions, each with the rule.
 */
export async function disableByRule(
  client: PoolClient,
  reasons: ReadonlyMap<string, Disabling>,
  failing: { subscriptionIds: readonly string[]; limit: number },
): Promise<RuleChange<DisablingRule>[]> {
  const { rows } = await client.query<RuleChange<DisablingRule>>(
    `WITH orders AS (
       SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[]) AS o (id, reason, message)
     ), noisy AS (
       SELECT x.id FROM hookgraph.subscriptions x
       WHERE x.id = ANY ($4::uuid[]) AND (
         SELECT count(*) FROM (
           SELECT 1 FROM hookgraph.attempts a
           WHERE a.subscription_id = x.id AND a.outcome = 'FAILED' AND NOT a.test AND a.counted
             AND a.id >= hookgraph.id_at(greatest(now() - interval '1 hour', x.enabled_at))
             AND a.id < hookgraph.id_at(now() + interval '1 minute')
           LIMIT $5 + 1
         ) counted
       ) > $5
     ), disabling AS (
       SELECT id, reason, message FROM orders
       UNION ALL
       SELECT id, 'TOO_MANY_ERRORS', 'More than ' || $5 || ' errors within an hour.' FROM noisy WHERE id NOT IN (SELECT id FROM orders)
     ), changed AS (
       UPDATE hookgraph.subscriptions x SET disabled_at = now(), disabled_reason = d.reason, disabled_message = d.message, updated_at = clock_timestamp()
       FROM disabling d WHERE x.id = d.id AND x.disabled_at IS NULL AND x.deleted_at IS NULL
       RETURNING x.id, x.tenant, x.owner, x.version, d.reason AS rule, d.message
     ), audited AS (${auditByRule('DISABLED', [switched(true)])})
     SELECT id, tenant, rule, message FROM changed`,
    [
      [...reasons.keys()],
      [...reasons.values()].map(({ reason }) => reason),
      [...reasons.values()].map(({ message }) => message),
      failing.subscriptionIds,
      failing.limit,
    ],
  );
  return rows;
}

export interface VersionOf {
  id: string;
  version: number;
}

/** Disables the owner's enabled subscriptions of an integration (a group of subscriptions), and returns them. */
export async function disableIntegration(client: PoolClient, owner: Owner, integrationId: string): Promise<VersionOf[]> {
  const { rows } = await client.query<VersionOf>(
    `UPDATE hookgraph.subscriptions SET disabled_at = now(), disabled_reason = 'INTEGRATION', disabled_message = NULL, updated_at = clock_timestamp()
     WHERE tenant = $1 AND owner = $2 AND integration_id = $3 AND deleted_at IS NULL AND disabled_at IS NULL RETURNING id, version`,
    [owner.tenant, owner.userId, integrationId],
  );
  return rows;
}

/**
 * SQL for `enabled_at` of a subscription that is enabled now: errors before this time don't count. It is later than errors at a time in the
 * future, from before the clock of the database went back.
 */
export const ENABLED_NOW = `greatest(now(), (
  SELECT hookgraph.time_of(max(a.id)) + interval '1 ms' FROM hookgraph.attempts a
  WHERE a.subscription_id = x.id AND a.outcome = 'FAILED' AND NOT a.test AND a.counted AND a.id >= hookgraph.id_at(now())))`;

/** Enables those subscriptions of the integration that disableIntegration has disabled, and returns them. */
export async function enableIntegration(client: PoolClient, owner: Owner, integrationId: string): Promise<VersionOf[]> {
  const { rows } = await client.query<VersionOf>(
    `UPDATE hookgraph.subscriptions x SET disabled_at = NULL, disabled_reason = NULL, disabled_message = NULL, slowed_at = NULL, slowed_reason = NULL,
       enabled_at = ${ENABLED_NOW}, updated_at = clock_timestamp()
     WHERE tenant = $1 AND owner = $2 AND integration_id = $3 AND deleted_at IS NULL AND disabled_reason = 'INTEGRATION' RETURNING id, version`,
    [owner.tenant, owner.userId, integrationId],
  );
  return rows;
}

/**
 * Marks subscriptions as broken, because their query or a template no longer works. Skips subscriptions that are already broken or have a
 * newer version. Returns the marked ones.
 */
export async function setBroken(db: Db, broken: readonly (VersionOf & { reason: string })[]): Promise<RuleChange[]> {
  const { rows } = await db.query<RuleChange>(
    `WITH changed AS (
       UPDATE hookgraph.subscriptions x SET broken_at = now(), broken_reason = b.reason, updated_at = clock_timestamp()
       FROM unnest($1::uuid[], $2::int[], $3::text[]) AS b (id, version, reason)
       WHERE x.id = b.id AND x.version = b.version AND x.broken_at IS NULL
       RETURNING x.id, x.tenant, x.owner, x.version, 'BROKEN' AS rule, b.reason AS message
     ), audited AS (${auditByRule('HELD')})
     SELECT id, tenant, rule, message FROM changed`,
    [broken.map(({ id }) => id), broken.map(({ version }) => version), broken.map(({ reason }) => reason)],
  );
  return rows;
}

/**
 * Marks broken subscriptions as valid, because their query and templates work again. Skips subscriptions that have a newer version. Returns
 * the changed ones.
 */
export async function unsetBroken(db: Db, valid: readonly VersionOf[]): Promise<RuleChange[]> {
  const { rows } = await db.query<RuleChange>(
    `WITH changed AS (
       UPDATE hookgraph.subscriptions x SET broken_at = NULL, broken_reason = NULL, updated_at = clock_timestamp()
       FROM unnest($1::uuid[], $2::int[]) AS v (id, version) WHERE x.id = v.id AND x.version = v.version AND x.broken_at IS NOT NULL
       RETURNING x.id, x.tenant, x.owner, x.version, 'RECHECKED' AS rule, NULL AS message
     ), audited AS (${auditByRule('RESTORED')})
     SELECT id, tenant, rule, message FROM changed`,
    [valid.map(({ id }) => id), valid.map(({ version }) => version)],
  );
  return rows;
}

/** Counts a release of the subscription's held deliveries. All deliveries that are held for the reason NODE now are then released. */
export async function countRelease(client: PoolClient, id: string): Promise<void> {
  await client.query('UPDATE hookgraph.subscriptions SET releases = releases + 1 WHERE id = $1', [id]);
}

/** SQL for writePaces in paces.ts: sets the column `paced` of the subscriptions in its CTE `r`, which no longer run at full speed. */
export const SET_PACED =
  'UPDATE hookgraph.subscriptions x SET paced = true FROM r WHERE x.id = r.id AND NOT x.paced AND x.deleted_at IS NULL';
/** SQL for writePaces in paces.ts: clears the column `paced` of the subscriptions in $1, which run at full speed again. */
export const UNSET_PACED = 'UPDATE hookgraph.subscriptions SET paced = false WHERE id = ANY ($1::uuid[]) AND paced';

/** Marks subscriptions as slowed since now. Leaves the time of those that are already slowed, so that their owners are notified once. */
export async function setSlowed(client: PoolClient, slowed: ReadonlyMap<string, SlowedReason>): Promise<void> {
  if (slowed.size === 0) return;
  await client.query(
    `UPDATE hookgraph.subscriptions x SET slowed_at = now(), slowed_reason = r.reason FROM unnest($1::uuid[], $2::text[]) AS r (id, reason)
     WHERE x.id = r.id AND x.slowed_at IS NULL AND x.deleted_at IS NULL`,
    [[...slowed.keys()], [...slowed.values()]],
  );
}

/** Marks subscriptions as no longer slowed. */
export async function unsetSlowed(client: PoolClient, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await client.query(
    'UPDATE hookgraph.subscriptions SET slowed_at = NULL, slowed_reason = NULL WHERE id = ANY ($1::uuid[]) AND slowed_at IS NOT NULL',
    [ids],
  );
}
