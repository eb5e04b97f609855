// Remembers the id up to which history was deleted, so that the audit doesn't report rows missing before it as lost.
import type { Pool, PoolClient } from 'pg';

export type History = 'events' | 'deliveries' | 'attempts';

/** Call it before rows are deleted, so that no row seems lost if the process dies in between. `tenant`: `null` for all tenants. */
export async function rememberForgotten(
  db: Pool | PoolClient,
  { histories, before, tenant = null }: { histories: readonly History[]; before: Date; tenant?: string | null },
): Promise<void> {
  await db.query(
    `INSERT INTO hookgraph.forgotten AS f (history, tenant, before_id) SELECT h, coalesce($2, ''), hookgraph.id_at($3) FROM unnest($1::text[]) AS h
     ON CONFLICT (history, tenant) DO UPDATE SET before_id = excluded.before_id WHERE f.before_id < excluded.before_id`,
    [histories, tenant, before],
  );
}
