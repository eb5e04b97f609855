// Reads subscriptions in batches: without secrets for their owner, with secrets for the worker.
import type { Pool, PoolClient } from 'pg';
import type { Sendable } from '../compiled.js';
import type { Engine } from '../engine.js';
import { EMPTY_DEFINITION, type Owner, type Secrets, type Subscription } from '../model.js';
import type { Vault } from '../secrets/vault.js';
import { cutPage, isUuid, type Page, type Rows } from './page.js';
import { SEALED, type SealedRow, unseal } from './secrets.js';

type Db = Pool | PoolClient;

const ABSENT = `'${JSON.stringify(EMPTY_DEFINITION)}'::jsonb`;

const PER_SECOND = `CASE WHEN p.state <> 'PROBING' THEN least(p.per_second, p.limit_per_second) END`;
const RESUMES_AT = 'CASE WHEN p.resume_at > now() THEN p.resume_at END';

const COLUMNS = `s.id, s.tenant, s.owner, s.name, s.topic_id AS "topicId", s.version, ${ABSENT} || v.definition AS definition,
  ARRAY(SELECT x.field FROM hookgraph.secrets x WHERE x.subscription_id = s.id AND x.expires_at IS NULL ORDER BY x.field) AS "secretFields",
  (SELECT max(x.expires_at) FROM hookgraph.secrets x WHERE x.subscription_id = s.id AND x.expires_at > now()) AS "rotationEndsAt",
  s.integration_id AS "integrationId", s.environment_ids AS "environmentIds", s.status, s.disabled_at AS "disabledAt",
  s.disabled_reason AS "disabledReason", s.disabled_message AS "disabledMessage", s.broken_reason AS "brokenReason",
  CASE WHEN s.paced THEN (SELECT jsonb_build_object('state', p.state, 'perSecond', ${PER_SECOND}, 'resumesAt', ${RESUMES_AT}, 'since', p.since)
    FROM hookgraph.paces p WHERE p.subscription_id = s.id) END AS pace, s.created_at AS "createdAt", s.updated_at AS "updatedAt"`;
const TABLES = 'hookgraph.subscriptions s JOIN hookgraph.subscription_versions v ON v.subscription_id = s.id AND v.number = s.version';
/** The condition for the owner's subscriptions that aren't deleted. */
const OWN = 's.tenant = $1 AND s.owner = $2 AND s.deleted_at IS NULL';

export async function subscriptionsByIds(db: Db, owner: Owner, ids: readonly string[]): Promise<Map<string, Subscription>> {
  const { rows } = await db.query<Subscription>(`SELECT ${COLUMNS} FROM ${TABLES} WHERE ${OWN} AND s.id = ANY ($3::uuid[])`, [
    owner.tenant,
    owner.userId,
    ids.filter(isUuid),
  ]);
  return new Map(rows.map((subscription) => [subscription.id, subscription]));
}

export interface SubscriptionFilter {
  topicKey?: string | null;
  disabled?: boolean | null;
  integrationId?: string | null;
}

const MATCHES = `${OWN} AND ($3::text IS NULL OR s.topic_id IN (SELECT t.id FROM hookgraph.topics t WHERE t.key = $3))
  AND ($4::boolean IS NULL OR (s.disabled_at IS NOT NULL) = $4) AND ($5::text IS NULL OR s.integration_id = $5)`;

const AFTER_AND_BEFORE = `($6::timestamptz IS NULL OR (s.created_at, s.id) > ($6, $7::uuid))
  AND ($8::timestamptz IS NULL OR (s.created_at, s.id) < ($8, $9::uuid))`;

/** Reads one page of the owner's subscriptions, oldest first. The cursors of the page come from cursorOfSubscription. */
export async function listSubscriptions(db: Db, owner: Owner, filter: SubscriptionFilter, page: Page): Promise<Rows<Subscription>> {
  const direction = page.backward ? 'DESC' : 'ASC';
  const { rows } = await db.query<Subscription>(
    `SELECT ${COLUMNS} FROM ${TABLES} WHERE ${MATCHES}
       AND ${AFTER_AND_BEFORE}
     ORDER BY s.created_at ${direction}, s.id ${direction} LIMIT $10`,
    [...filterValues(owner, filter), ...keyOf(page.after), ...keyOf(page.before), page.limit + 1],
  );
  return cutPage(rows, page);
}

export async function countSubscriptions(db: Db, owner: Owner, filter: SubscriptionFilter): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM hookgraph.subscriptions s WHERE ${MATCHES}`,
    filterValues(owner, filter),
  );
  return rows[0]?.count ?? 0;
}

/** Reads one page of subscriptions for each integration (a group of subscriptions), oldest first, in one statement. */
export async function subscriptionsOfIntegrations(
  db: Db,
  owner: Owner,
  integrationIds: readonly string[],
  filter: SubscriptionFilter,
  page: Page,
): Promise<Map<string, Rows<Subscription>>> {
  const direction = page.backward ? 'DESC' : 'ASC';
  const { rows } = await db.query<Subscription>(
    `SELECT f.* FROM unnest($11::text[]) AS i (id) CROSS JOIN LATERAL (
       SELECT ${COLUMNS} FROM ${TABLES} WHERE s.integration_id = i.id AND ${MATCHES} AND ${AFTER_AND_BEFORE}
       ORDER BY s.created_at ${direction}, s.id ${direction} LIMIT $10
     ) f ORDER BY f."createdAt" ${direction}, f.id ${direction}`,
    [...filterValues(owner, filter), ...keyOf(page.after), ...keyOf(page.before), page.limit + 1, [...new Set(integrationIds)]],
  );
  const byIntegration = new Map<string, Subscription[]>(integrationIds.map((id) => [id, []]));
  for (const subscription of rows) byIntegration.get(subscription.integrationId as string)?.push(subscription);
  return new Map([...byIntegration].map(([id, found]) => [id, cutPage(found, page)]));
}

export async function countOfIntegrations(
  db: Db,
  owner: Owner,
  integrationIds: readonly string[],
  filter: SubscriptionFilter,
): Promise<Map<string, number>> {
  const { rows } = await db.query<{ id: string; count: number }>(
    `SELECT s.integration_id AS id, count(*)::int AS count FROM hookgraph.subscriptions s
     WHERE ${MATCHES} AND s.integration_id = ANY ($6::text[]) GROUP BY s.integration_id`,
    [...filterValues(owner, filter), integrationIds],
  );
  return new Map(rows.map((row) => [row.id, row.count]));
}

export function cursorOfSubscription(subscription: Subscription): string {
  return `${subscription.createdAt.toISOString()}_${subscription.id}`;
}

function filterValues(owner: Owner, filter: SubscriptionFilter): unknown[] {
  return [owner.tenant, owner.userId, filter.topicKey ?? null, filter.disabled ?? null, filter.integrationId ?? null];
}

function keyOf(cursor: string | null): [string | null, string | null] {
  const [at = '', id = ''] = cursor?.split('_') ?? [];
  return isUuid(id) && !Number.isNaN(Date.parse(at)) ? [at, id] : [null, null];
}

/**
 * Loads subscriptions of any owner with their secrets, for the worker. Includes deleted subscriptions, which have no secrets. Uses one
 * statement, so that a concurrent save can't mix two versions.
 * Logs and skips a subscription whose secrets can't be decrypted: a late delivery is better than an unsigned delivery.
 */
export async function loadForSending(engine: Engine, ids: readonly string[]): Promise<Map<string, Sendable>> {
  const { rows } = await engine.pool.query<Subscription & { sealed: SealedRow[]; topic: Sendable['topic'] }>(
    `SELECT ${COLUMNS}, ${SEALED}, jsonb_build_object('key', t.key, 'version', t.version, 'typename', t.typename, 'operation', t.operation) AS topic
     FROM ${TABLES} JOIN hookgraph.topics t ON t.id = s.topic_id WHERE s.id = ANY ($1::uuid[])`,
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
 * Loads one of the owner's subscriptions with its secrets, with which a save is compared; `null` when it doesn't exist.
 * @throws WebhooksError when its secrets can't be decrypted
 */
export async function loadUnsealed(db: Db, vault: Vault, owner: Owner, id: string): Promise<Unsealed | null> {
  if (!isUuid(id)) return null;
  const { rows } = await db.query<Subscription & { sealed: SealedRow[] }>(
    `SELECT ${COLUMNS}, ${SEALED} FROM ${TABLES} WHERE ${OWN} AND s.id = $3`,
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
  await client.query(`SELECT 1 FROM hookgraph.subscriptions s WHERE ${OWN} AND s.id = $3 FOR NO KEY UPDATE`, [
    owner.tenant,
    owner.userId,
    id,
  ]);
}
