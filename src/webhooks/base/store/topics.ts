// Reads topics in batches. Topics belong to the installation: every tenant sees all of them.
import type { Pool, PoolClient } from 'pg';
import type { Topic } from '../model.js';
import { cutPage, isUuid, type Page, type Rows } from './page.js';

type Db = Pool | PoolClient;

const COLUMNS = `id, key, version, typename, operation, column_name IS NOT NULL AS "isLifecycle", description, created_at AS "createdAt", updated_at AS "updatedAt"`;

export interface TopicFilter {
  key?: string | null;
  typename?: string | null;
}

/** Reads topics by id. Includes retired topics, which the host no longer announces, because old deliveries refer to them. */
export async function topicsByIds(db: Db, ids: readonly string[]): Promise<Map<string, Topic>> {
  const { rows } = await db.query<Topic>(`SELECT ${COLUMNS} FROM hookgraph.topics WHERE id = ANY ($1::uuid[])`, [ids.filter(isUuid)]);
  return new Map(rows.map((topic) => [topic.id, topic]));
}

/** Reads one page of the topics that the host announces (not the retired ones), in the order of key and version. */
export async function listTopics(db: Db, filter: TopicFilter, page: Page): Promise<Rows<Topic>> {
  const direction = page.backward ? 'DESC' : 'ASC';
  const { rows } = await db.query<Topic>(
    `SELECT ${COLUMNS} FROM hookgraph.topics t WHERE ${MATCHES}
       AND ($3::uuid IS NULL OR (key, version, id) > (SELECT a.key, a.version, a.id FROM hookgraph.topics a WHERE a.id = $3))
       AND ($4::uuid IS NULL OR (key, version, id) < (SELECT b.key, b.version, b.id FROM hookgraph.topics b WHERE b.id = $4))
     ORDER BY key ${direction}, version ${direction}, id ${direction} LIMIT $5`,
    [filter.key ?? null, filter.typename ?? null, uuidOrNull(page.after), uuidOrNull(page.before), page.limit + 1],
  );
  return cutPage(rows, page);
}

export async function countTopics(db: Db, filter: TopicFilter): Promise<number> {
  const { rows } = await db.query<{ count: number }>(`SELECT count(*)::int AS count FROM hookgraph.topics t WHERE ${MATCHES}`, [
    filter.key ?? null,
    filter.typename ?? null,
  ]);
  return rows[0]?.count ?? 0;
}

const MATCHES = 'retired_at IS NULL AND ($1::text IS NULL OR key = $1) AND ($2::text IS NULL OR typename = $2)';

/** A reference to a topic: an id, a key (meaning its latest version), or a key with a version. */
export interface TopicReference {
  id?: string | null;
  key?: string | null;
  version?: string | null;
}

/**
 * Returns the topic that matches all given parts, in the latest matching version; `null` when there is none, or the host no longer
 * announces it.
 */
export async function resolveTopic(db: Db, reference: TopicReference): Promise<Topic | null> {
  if (reference.id == null && reference.key == null) return null;
  if (reference.id != null && !isUuid(reference.id)) return null;
  // Postgres text can't contain NUL.
  if (reference.key?.includes('\0') || reference.version?.includes('\0')) return null;
  const { rows } = await db.query<Topic>(
    `SELECT ${COLUMNS} FROM hookgraph.topics
     WHERE retired_at IS NULL AND ($1::uuid IS NULL OR id = $1) AND ($2::text IS NULL OR key = $2) AND ($3::text IS NULL OR version = $3)`,
    [reference.id ?? null, reference.key ?? null, reference.version ?? null],
  );
  // Numeric order, so that 1.10 comes after 1.9.
  rows.sort((a, b) => b.version.localeCompare(a.version, 'en', { numeric: true }));
  return rows[0] ?? null;
}

function uuidOrNull(cursor: string | null): string | null {
  return cursor !== null && isUuid(cursor) ? cursor : null;
}
