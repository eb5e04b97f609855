// Takes changes of related rows out of their queue, and puts back those whose nodes are still to be found by some path.
import type { PoolClient } from 'pg';
import type { Change } from './related.js';

/** A step takes at most this many times its size, so that a transaction within it is one event for each node. */
const TRANSACTION = 5;
/** Milliseconds until a change is tried again; each failed try doubles them. */
const FIRST_PAUSE_MS = 1_000;
export const LONGEST_PAUSE_MS = 300_000;

// Only one worker at a time takes changes, so that all those of a transaction are in one step. They are, once the relay has taken all of
// it. Changes that wait for a later try take no place of others. A clock that went back lets none wait longer than the longest pause.
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

/** Takes the changes of up to `limit` rows, oldest first, with the others of their transactions; and as many whose pause is over. */
export async function takeChanges(client: PoolClient, limit: number): Promise<Change[]> {
  const { rows } = await client.query<Change>({ name: 'hookgraph.related', text: TAKE, values: [limit] });
  return rows;
}

/** A change whose nodes are still to be found by a path. */
export interface Left {
  change: Change;
  path: string;
  /** Whether a statement for this change alone has failed. Otherwise the change wasn't tried, and waits for `pauseMs`. */
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
    // The column's type ends at 32,767; the pause no longer grows by then.
    const tries = failed ? Math.min(change.tries + 1, 1_000) : change.tries;
    const pause = failed ? Math.min(FIRST_PAUSE_MS * 2 ** change.tries, LONGEST_PAUSE_MS) : pauseMs;
    return { event_id: change.id, xid: change.xid, path, tries, pause_ms: pause };
  });
  await client.query(PUT_BACK, [JSON.stringify(rows)]);
}

/** Returns those of the paths for which changes wait that have failed. */
export async function failingPaths(client: PoolClient, paths: readonly string[]): Promise<Set<string>> {
  if (paths.length === 0) return new Set();
  const { rows } = await client.query<{ path: string }>(
    `SELECT path FROM unnest($1::text[]) AS p (path)
     WHERE EXISTS (SELECT FROM hookgraph.related_changes c WHERE c.path = p.path AND c.tries > 0 OFFSET 0)`,
    [paths],
  );
  return new Set(rows.map(({ path }) => path));
}
