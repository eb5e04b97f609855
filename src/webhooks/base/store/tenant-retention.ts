// Reads and saves how long a tenant keeps history, if that is shorter than in the rest of the installation. Records each change.
import type { Pool, PoolClient } from 'pg';
import type { Actor } from '../model.js';
import { cutPage, isBigId, type Page, type Rows } from './page.js';
import type { Retention } from './retention-limits.js';
import { insideTransaction } from './transaction.js';

/** The kinds of history whose age is limited. */
export const KINDS = ['bodies', 'attempts', 'errors', 'events'] as const;
export type Kind = (typeof KINDS)[number];
/** Days by kind; `null`: as long as the installation keeps it. */
export type TenantRetention = Pick<Retention, Kind>;

export interface RetentionChange {
  id: string;
  at: Date;
  userId: string;
  tokenId: string | null;
  tokenName: string | null;
  before: Partial<Record<Kind, number>>;
  after: Partial<Record<Kind, number>>;
}

const withNulls = (days: Partial<Record<Kind, number>>): TenantRetention => ({
  bodies: null,
  attempts: null,
  errors: null,
  events: null,
  ...days,
});

export async function readTenantRetention(db: Pool | PoolClient, tenant: string): Promise<TenantRetention> {
  const { rows } = await db.query<{ days: Partial<Record<Kind, number>> }>(
    `SELECT coalesce(jsonb_object_agg(kind, days), '{}') AS days FROM hookgraph.tenant_retention WHERE tenant = $1`,
    [tenant],
  );
  return withNulls(rows[0]?.days ?? {});
}

/** Saves the numbers of days for the actor's tenant, and records the change. Absent kinds stay as they are. */
export async function saveTenantRetention(
  pool: Pool,
  { tenant, userId, token }: Actor,
  changed: Partial<TenantRetention>,
): Promise<TenantRetention> {
  return insideTransaction(pool, async (client) => {
    // The lock makes the second of two concurrent changes see what the first one has saved.
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('hookgraph.tenant_retention ' || $1, 0))`, [tenant]);
    const before = await readTenantRetention(client, tenant);
    const entries = Object.entries(changed).filter(([kind, days]) => before[kind as Kind] !== days);
    if (entries.length === 0) return before;
    const removed = entries.filter(([, days]) => days === null).map(([kind]) => kind);
    await client.query('DELETE FROM hookgraph.tenant_retention WHERE tenant = $1 AND kind = ANY ($2)', [tenant, removed]);
    const set = entries.filter(([, days]) => days !== null);
    await client.query(
      `INSERT INTO hookgraph.tenant_retention (tenant, kind, days) SELECT $1, * FROM unnest($2::text[], $3::int[])
       ON CONFLICT (tenant, kind) DO UPDATE SET days = excluded.days`,
      [tenant, set.map(([kind]) => kind), set.map(([, days]) => days)],
    );
    const after = await readTenantRetention(client, tenant);
    await client.query(
      `INSERT INTO hookgraph.tenant_retention_changes (tenant, user_id, token_id, token_name, before, after)
       VALUES ($1, $2, $3, $4, jsonb_strip_nulls($5), jsonb_strip_nulls($6))`,
      [tenant, userId, token?.id ?? null, token?.name ?? null, before, after],
    );
    return after;
  });
}

/** Reads one page of the tenant's changes, newest first. */
export async function listRetentionChanges(db: Pool | PoolClient, tenant: string, page: Page): Promise<Rows<RetentionChange>> {
  const cursor = (key: string | null) => (key !== null && isBigId(key) ? key : null);
  const { rows } = await db.query<RetentionChange>(
    `SELECT id, at, user_id AS "userId", token_id AS "tokenId", token_name AS "tokenName", before, after
     FROM hookgraph.tenant_retention_changes WHERE tenant = $1 AND ($2::bigint IS NULL OR id < $2) AND ($3::bigint IS NULL OR id > $3)
     ORDER BY id ${page.backward ? 'ASC' : 'DESC'} LIMIT $4`,
    [tenant, cursor(page.after), cursor(page.before), page.limit + 1],
  );
  return cutPage(rows, page);
}

export async function countRetentionChanges(db: Pool | PoolClient, tenant: string): Promise<number> {
  const { rows } = await db.query('SELECT count(*)::int AS count FROM hookgraph.tenant_retention_changes WHERE tenant = $1', [tenant]);
  return rows[0].count;
}

/** Tenants that keep a kind of history for the same time, and whose history was read up to the same id: one scan serves them all. */
export interface TenantGroup {
  kind: Kind;
  days: number;
  position: string;
  tenants: string[];
}

/** Returns the groups that keep less than the installation does. */
export async function tenantGroups(pool: Pool, installation: Retention): Promise<TenantGroup[]> {
  const { rows } = await pool.query<TenantGroup>(
    `SELECT kind, days, position, array_agg(tenant ORDER BY tenant) AS tenants FROM hookgraph.tenant_retention
     GROUP BY kind, days, position ORDER BY kind, days, position`,
  );
  return rows.filter(({ kind, days }) => days < (installation[kind] ?? Number.POSITIVE_INFINITY));
}

/** Stores the position that a group has reached, unless a tenant's limit was removed or set again meanwhile. */
export async function moveGroup(client: PoolClient, { kind, position, tenants }: TenantGroup, to: string): Promise<void> {
  await client.query('UPDATE hookgraph.tenant_retention SET position = $4 WHERE kind = $1 AND tenant = ANY ($2) AND position = $3', [
    kind,
    tenants,
    position,
    to,
  ]);
}
