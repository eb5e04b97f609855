// Takes changes of related rows out of their queue, and puts those back whose nodes were not found yet.
import type { PoolClient } from 'pg';
import type { Change } from './related.js';

/** A step takes at most this many times its limit of changes, so that the changes of a transaction become one event per node. */
const TRANSACTION = 5;
/** Milliseconds until a failed change is tried again; each further failure doubles the pause. */
const FIRST_PAUSE_MS = 1_000;
export const LONGEST_PAUSE_MS = 300_000;

// Only one worker at a time takes changes, so that a transaction's changes are in one step, once the relay has relayed all of them. Changes
// that wait for a retry have a limit of their own. If the clock went back, changes that would wait longer than the longest pause are taken.
const TAKE = `
  WITH mine AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(hashtextextended('hookgraph.related', 0)) AS is_mine
  ), oldest AS MATERIALIZED (
    SELECT xid FROM hookgraph.related_changes WHERE path = '' AND (SELECT is_mine FROM mine) ORDER BY event_id LIMIT $1
  ), relayed AS MATERIALIZED (
    SELECT DISTINCT xid FROM oldest o WHERE NOT EXISTS (SELECT FROM hookgraph.captures c WHERE c.xid = o.xid OFFSET 0)
  ), due AS MATERIALIZED (
    (SELECT ctid AS place FROM hookgraph.related_changes
     WHERE path = '' AND xid = ANY (ARRAY(SELECT xid FROM relayed)) ORDER BY event_id LIMIT $1 * ${TRANSACTION})
    UNION ALL
    (SELECT ctid FROM hookgraph.related_changes WHERE due_at <= now() AND (SELECT is_mine FROM mine) ORDER BY due_at, event_id LIMIT $1)
    UNION ALL
    (SELECT ctid FROM hookgraph.related_changes
     WHERE due_at > now() + ${LONGEST_PAUSE_MS} * interval '1 ms' AND (SELECT is_mine FROM mine) LIMIT $1)
  ), taken AS (
    DELETE FROM hookgraph.related_changes WHERE ctid = ANY (ARRAY(SELECT place FROM due)) RETURNING event_id, xid, path, tries
  )
  SELECT t.event_id AS id, t.xid::text, t.path, t.tries, e.* FROM taken t CROSS JOIN LATERAL (
    SELECT tenant, typename, operation, changed, hookgraph.row_of(layout_id, before) AS before, hookgraph.row_of(layout_id, after) AS after
    FROM hookgraph.events WHERE id = t.event_id OFFSET 0
  ) e ORDER BY t.event_id`;

/** Takes up to `limit` of the oldest changes with the others of their transactions, and up to `limit` changes whose pause is over. */
export async function takeChanges(client: PoolClient, limit: number): Promise<Change[]> {
  const { rows } = await client.query<Change>({ name: 'hookgraph.related', text: TAKE, values: [limit] });
  return rows;
}

/** A change for which a path's nodes were not found yet. */
export interface Left {
  change: Change;
  path: string;
  /** Whether a statement for this change alone has failed. If not, the change wasn't tried, and waits for `pauseMs` milliseconds. */
  failed: boolean;
  pauseMs: number;
}

const PUT_BACK = `
  INSERT INTO hookgraph.related_changes (event_id, xid, path, tries, due_at)
  SELECT DISTINCT ON (event_id, path) event_id, xid, path, tries, clock_timestamp() + pause_ms * interval '1 ms'
  FROM jsonb_to_recordset($1) AS l (event_id bigint, xid xid8, path text, tries smallint, pause_ms float8)
  ORDER BY event_id, path, tries DESC
  ON CONFLICT DO NOTHING`;

/** Puts changes at the end of the queue. */
export async function putBack(client: PoolClient, left: readonly Left[]): Promise<void> {
  if (left.length === 0) return;
  const rows = left.map(({ change, path, failed, pauseMs }) => {
    // The column is a smallint, whose maximum is 32,767. The pause stops growing long before that.
    const tries = failed ? Math.min(change.tries + 1, 1_000) : change.tries;
    const pause = failed ? Math.min(FIRST_PAUSE_MS * 2 ** change.tries, LONGEST_PAUSE_MS) : pauseMs;
    return { event_id: change.id, xid: change.xid, path, tries, pause_ms: pause };
  });
  await client.query(PUT_BACK, [JSON.stringify(rows)]);
}

/** Returns the paths that have waiting changes whose look-up has failed before. */
export async function failingPaths(client: PoolClient, paths: readonly string[]): Promise<Set<string>> {
  if (paths.length === 0) return new Set();
  const { rows } = await client.query<{ path: string }>(
    `SELECT path FROM unnest($1::text[]) AS p (path)
     WHERE EXISTS (SELECT FROM hookgraph.related_changes c WHERE c.path = p.path AND c.tries > 0 OFFSET 0)`,
    [paths],
  );
  return new Set(rows.map(({ path }) => path));
}
