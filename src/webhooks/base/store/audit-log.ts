// Reads the audit log of the owner's subscriptions in batches, including deleted subscriptions.
import type { Pool, PoolClient } from 'pg';
import type { Owner } from '../model.js';
import type { AuditAction, Change } from './audit.js';
import { cutPage, isBigId, isUuid, type Page, type Rows } from './page.js';

type Db = Pool | PoolClient;

export interface AuditEntry {
  id: string;
  subscriptionId: string;
  action: AuditAction;
  at: Date;
  /** `null` when a rule made the change. */
  userId: string | null;
  tokenId: string | null;
  tokenName: string | null;
  rule: string | null;
  versionBefore: number | null;
  versionAfter: number | null;
  changes: Change[];
  message: string | null;
  deliveryId: string | null;
}

export interface AuditFilter {
  actions?: readonly AuditAction[] | null;
  /** `true`: only changes made by a rule. `false`: only changes made by a user. `null` or absent: both. */
  byRule?: boolean | null;
  /** Only entries written at or after this time; `null` or absent: no minimum. */
  createdAtMin?: Date | null;
  /** Only entries written at or before this time; `null` or absent: no maximum. */
  createdAtMax?: Date | null;
}

const ENTRY = `l.id, l.subscription_id AS "subscriptionId", l.action, l.at, l.user_id AS "userId", l.token_id AS "tokenId",
  l.token_name AS "tokenName", l.rule, l.version_before AS "versionBefore", l.version_after AS "versionAfter", l.changes, l.message,
  l.delivery_id AS "deliveryId"`;
const MATCHES = `l.tenant = $1 AND l.owner = $2 AND ($4::text[] IS NULL OR l.action = ANY ($4))
  AND ($5::boolean IS NULL OR (l.rule IS NOT NULL) = $5)
  AND ($6::timestamptz IS NULL OR l.at >= $6) AND ($7::timestamptz IS NULL OR l.at <= $7)`;
const AFTER_AND_BEFORE = '($8::bigint IS NULL OR l.id < $8) AND ($9::bigint IS NULL OR l.id > $9)';

function filterValues(owner: Owner, subscriptionIds: readonly string[] | null, filter: AuditFilter): unknown[] {
  const { actions, byRule, createdAtMin, createdAtMax } = filter;
  const ids = subscriptionIds?.filter(isUuid) ?? null;
  return [owner.tenant, owner.userId, ids, actions ?? null, byRule ?? null, createdAtMin ?? null, createdAtMax ?? null];
}

function pageValues({ after, before, limit }: Page): unknown[] {
  const cursor = (key: string | null) => (key !== null && isBigId(key) ? key : null);
  return [cursor(after), cursor(before), limit + 1];
}

/** Reads one page of audit log entries for each of these subscriptions, newest first, in one statement. */
export async function listAuditOf(
  db: Db,
  owner: Owner,
  subscriptionIds: readonly string[],
  filter: AuditFilter,
  page: Page,
): Promise<Map<string, Rows<AuditEntry>>> {
  const direction = page.backward ? 'ASC' : 'DESC';
  const { rows } = await db.query<AuditEntry>(
    `SELECT e.* FROM unnest($3::uuid[]) AS s (id) CROSS JOIN LATERAL (
       SELECT ${ENTRY} FROM hookgraph.audit_log l WHERE l.subscription_id = s.id AND ${MATCHES} AND ${AFTER_AND_BEFORE}
       ORDER BY l.id ${direction} LIMIT $10
     ) e ORDER BY e.id ${direction}`,
    [...filterValues(owner, [...new Set(subscriptionIds)], filter), ...pageValues(page)],
  );
  const bySubscription = new Map<string, AuditEntry[]>(subscriptionIds.map((id) => [id, []]));
  for (const entry of rows) bySubscription.get(entry.subscriptionId)?.push(entry);
  return new Map([...bySubscription].map(([id, found]) => [id, cutPage(found, page)]));
}

const OF_THESE = '($3::uuid[] IS NULL OR l.subscription_id = ANY ($3))';

/** Reads one page of audit log entries of all the owner's subscriptions, or only of `subscriptionIds`, newest first. */
export async function listAudit(
  db: Db,
  owner: Owner,
  subscriptionIds: readonly string[] | null,
  filter: AuditFilter,
  page: Page,
): Promise<Rows<AuditEntry>> {
  const direction = page.backward ? 'ASC' : 'DESC';
  const { rows } = await db.query<AuditEntry>(
    `SELECT ${ENTRY} FROM hookgraph.audit_log l WHERE ${OF_THESE} AND ${MATCHES} AND ${AFTER_AND_BEFORE}
     ORDER BY l.id ${direction} LIMIT $10`,
    [...filterValues(owner, subscriptionIds, filter), ...pageValues(page)],
  );
  return cutPage(rows, page);
}

export async function countAuditOf(
  db: Db,
  owner: Owner,
  subscriptionIds: readonly string[] | null,
  filter: AuditFilter,
): Promise<Map<string, number>> {
  const { rows } = await db.query<{ id: string; count: number }>(
    `SELECT l.subscription_id AS id, count(*)::int AS count FROM hookgraph.audit_log l WHERE ${OF_THESE} AND ${MATCHES} GROUP BY 1`,
    filterValues(owner, subscriptionIds, filter),
  );
  return new Map(rows.map((row) => [row.id, row.count]));
}
