// Remembers until which id history was deleted. The audit takes what is missing before it for forgotten, not for lost.
import type { Pool, PoolClient } from 'pg';

export type History = 'events' | 'deliveries' | 'attempts';

/** Call it before rows are deleted, so that a process that dies between them leaves no row that seems lost. `tenant`: `null` for all. */
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
