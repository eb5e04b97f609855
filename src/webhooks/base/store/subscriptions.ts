// Reads subscriptions in batches: without secrets for their owner, with secrets for the worker.
import type { Pool, PoolClient } from 'pg';
import type { Sendable } from '../compiled.js';
import type { Engine } from '../engine.js';
import { EMPTY_DEFINITION, type Owner, type Secrets, type Subscription } from '../model.js';
import type { Vault } from '../secrets/vault.js';
import { isUuid } from './page.js';
import { SEALED, type SealedRow, unseal } from './secrets.js';

type Db = Pool | PoolClient;

const ABSENT = `'${JSON.stringify(EMPTY_DEFINITION)}'::jsonb`;

const PER_SECOND = `CASE WHEN p.state <> 'PROBING' THEN least(p.per_second, p.limit_per_second) END`;
const RESUMES_AT = 'CASE WHEN p.resume_at > now() THEN p.resume_at END';

/** The columns of a Subscription; the statement's tables are SUBSCRIPTION_TABLES. */
export const SUBSCRIPTION_COLUMNS = `s.id, s.tenant, s.owner, s.name, s.topic_id AS "topicId", s.version, ${ABSENT} || v.definition AS definition,
  ARRAY(SELECT x.field FROM hookgraph.secrets x WHERE x.subscription_id = s.id AND x.expires_at IS NULL ORDER BY x.field) AS "secretFields",
  (SELECT max(x.expires_at) FROM hookgraph.secrets x WHERE x.subscription_id = s.id AND x.expires_at > now()) AS "rotationEndsAt",
  s.integration_id AS "integrationId", s.environment_ids AS "environmentIds", s.status, s.disabled_at AS "disabledAt",
  s.disabled_reason AS "disabledReason", s.disabled_message AS "disabledMessage", s.broken_at AS "brokenAt", s.broken_reason AS "brokenReason",
  s.health, s.slowed_at AS "slowedAt", s.slowed_reason AS "slowedReason",
  CASE WHEN s.paced THEN (SELECT jsonb_build_object('state', p.state, 'perSecond', ${PER_SECOND}, 'resumesAt', ${RESUMES_AT}, 'since', p.since)
    FROM hookgraph.paces p WHERE p.subscription_id = s.id) END AS pace, s.created_at AS "createdAt", s.updated_at AS "updatedAt"`;
export const SUBSCRIPTION_TABLES =
  'hookgraph.subscriptions s JOIN hookgraph.subscription_versions v ON v.subscription_id = s.id AND v.number = s.version';
/** The condition for the owner's subscriptions that aren't deleted. */
export const OWN_SUBSCRIPTION = 's.tenant = $1 AND s.owner = $2 AND s.deleted_at IS NULL';

export async function subscriptionsByIds(db: Db, owner: Owner, ids: readonly string[]): Promise<Map<string, Subscription>> {
  const { rows } = await db.query<Subscription>(
    `SELECT ${SUBSCRIPTION_COLUMNS} FROM ${SUBSCRIPTION_TABLES} WHERE ${OWN_SUBSCRIPTION} AND s.id = ANY ($3::uuid[])`,
    [owner.tenant, owner.userId, ids.filter(isUuid)],
  );
  return new Map(rows.map((subscription) => [subscription.id, subscription]));
}

/**
 * Loads subscriptions of any owner with their secrets, for the worker. Includes deleted subscriptions, which have no secrets. Uses one
 * statement, so that a concurrent save can't mix two versions.
 * Logs and skips a subscription whose secrets can't be decrypted: a late delivery is better than an unsigned delivery.
 */
export async function loadForSending(engine: Engine, ids: readonly string[]): Promise<Map<string, Sendable>> {
  const { rows } = await engine.pool.query<Subscription & { sealed: SealedRow[]; topic: Sendable['topic'] }>(
    `SELECT ${SUBSCRIPTION_COLUMNS}, ${SEALED}, jsonb_build_object('key', t.key, 'version', t.version, 'typename', t.typename, 'operation', t.operation) AS topic
     FROM ${SUBSCRIPTION_TABLES} JOIN hookgraph.topics t ON t.id = s.topic_id WHERE s.id = ANY ($1::uuid[])`,
    [ids],
  );
  const sendables = new Map<string, Sendable>();
  for (const { topic, sealed, ...subscription } of rows) {
    try {
      const secrets = await unseal(engine.vault, subscription.id, sealed);
      sendables.set(subscription.id, { subscription, topic, secrets });
    } catch (error) {
      engine.log.error({ err: error, subscriptionId: subscription.id }, "a subscription's secrets can't be decrypted; its deliveries wait");
    }
  }
  return sendables;
}

export interface Unsealed {
  subscription: Subscription;
  secrets: Secrets;
}

/**
 * Loads one of the owner's subscriptions with its secrets, so that a save can be compared with it; `null` when it doesn't exist.
 * @throws WebhooksError when its secrets can't be decrypted
 */
export async function loadUnsealed(db: Db, vault: Vault, owner: Owner, id: string): Promise<Unsealed | null> {
  if (!isUuid(id)) return null;
  const { rows } = await db.query<Subscription & { sealed: SealedRow[] }>(
    `SELECT ${SUBSCRIPTION_COLUMNS}, ${SEALED} FROM ${SUBSCRIPTION_TABLES} WHERE ${OWN_SUBSCRIPTION} AND s.id = $3`,
    [owner.tenant, owner.userId, id],
  );
  if (!rows[0]) return null;
  const { sealed, ...subscription } = rows[0];
  return { subscription, secrets: await unseal(vault, id, sealed) };
}

/**
 * Locks a subscription against other saves, claims and rules until the transaction ends. Read its values after the lock, because earlier
 * values may be outdated.
 */
export async function lockSubscription(client: PoolClient, owner: Owner, id: string): Promise<void> {
  await client.query(`SELECT 1 FROM hookgraph.subscriptions s WHERE ${OWN_SUBSCRIPTION} AND s.id = $3 FOR NO KEY UPDATE`, [
    owner.tenant,
    owner.userId,
    id,
  ]);
}
