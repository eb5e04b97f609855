// Reads recorded events in batches. Returns their rows with values as JSON texts, so that long numbers keep all digits.
import pg, { type Pool } from 'pg';
import type { AnnouncedNode, Operation, RecordedEvent, RowTexts } from '../model.js';
import { keyTexts } from '../query/key-variables.js';

/** Returns SQL for whether the event `e` is of the node with this type and key. An index has the hash of both. */
export const isNode = (typename: string, key: string): string =>
  `hookgraph.node_hash(e.typename, e.node_key) = hookgraph.node_hash(${typename}, ${key}) AND e.typename = ${typename} AND e.node_key = ${key}`;

/** Returns SQL that converts a jsonb document to RowTexts: column → its value as JSON text. NULL when the document is NULL. */
export const rowTextsSql = (document: string): string => `(SELECT jsonb_object_agg(d.key, d.value::text) FROM jsonb_each(${document}) d)`;

/** Returns SQL for the RowTexts of a document of the event `e`: an object, or an array of the values of its layout's columns. */
const storedTextsSql = (document: string): string =>
  `CASE WHEN jsonb_typeof(${document}) = 'array' THEN (
     SELECT jsonb_object_agg(c.name, (${document} -> (c.place - 1)::int)::text)
     FROM hookgraph.layouts l CROSS JOIN unnest(l.columns) WITH ORDINALITY AS c (name, place) WHERE l.id = e.layout_id
   ) ELSE ${rowTextsSql(document)} END`;

/** The columns of a RecordedEvent; its row is `e`. */
export const RECORDED_COLUMNS = `e.operation, e.changed, ${storedTextsSql('e.before')} AS before, ${storedTextsSql('e.after')} AS after, e.context`;

/** Reads events by id; events in partitions that were dropped are missing. OFFSET 0 makes the planner use one index lookup per event. */
export async function loadEvents(pool: Pool, ids: readonly string[]): Promise<Map<string, RecordedEvent>> {
  if (ids.length === 0) return new Map();
  const { rows } = await pool.query<RecordedEvent & { id: string }>({
    name: 'hookgraph-events',
    text: `SELECT e.id, ${RECORDED_COLUMNS} FROM unnest($1::bigint[]) AS i (id)
           CROSS JOIN LATERAL (SELECT * FROM hookgraph.events e WHERE e.id = i.id OFFSET 0) e`,
    values: [ids],
  });
  return new Map(rows.map(({ id, ...event }) => [id, event]));
}

/**
 * Reads the last event of a node in this tenant that matches the topic; `null` when there is none. Several changes of one transaction are
 * read as one event. `fits`: the matching condition in SQL,
 * over the event `e` and the topic `t`.
 */
export async function lastEventOf(
  pool: Pool,
  { tenant, topicId, typename, key, fits }: { tenant: string; topicId: string; typename: string; key: string; fits: string },
): Promise<RecordedEvent | null> {
  const { rows } = await pool.query<RecordedEvent>(
    `SELECT ${RECORDED_COLUMNS} FROM hookgraph.recorded e JOIN hookgraph.topics t ON t.id = $4
     WHERE e.tenant = $1 AND ${isNode('$2', '$3')} AND e.fold IS DISTINCT FROM 'PART' AND ${fits} ORDER BY e.id DESC LIMIT 1`,
    [tenant, typename, key, topicId],
  );
  return rows[0] ?? null;
}

/** The number of events, of all tenants and types, that one page reads at most. Such a page may be empty although more pages follow. */
const MAX_SCANNED = 20_000;

export interface LastEvents {
  tenant: string;
  topicId: string;
  /** The matching condition in SQL, over the event `e` and the topic `t`. */
  fits: string;
  /** Only events in these environments, or without an environment; `null` or empty: events in all environments. */
  environmentIds: readonly string[] | null;
  /** Whether several changes of a node in one transaction count as one event. */
  coalesces: boolean;
  /** Only events with ids smaller than this one; `null`: all. */
  after: string | null;
  limit: number;
}

export interface EventKey {
  id: string;
  typename: string;
  nodeKey: string;
}

/** Reads a page of the events of a tenant that match a topic, newest first. The next page continues from the id `position`. */
export async function lastEventsOf(
  pool: Pool,
  { tenant, topicId, fits, environmentIds, coalesces, after, limit }: LastEvents,
): Promise<{ events: EventKey[]; position: string | null; hasNext: boolean }> {
  const { rows } = await pool.query<EventKey & { scanned: number; lastId: string | null }>(
    `WITH scanned AS MATERIALIZED (
       SELECT * FROM hookgraph.events e WHERE $5::bigint IS NULL OR e.id < $5 ORDER BY e.id DESC LIMIT ${MAX_SCANNED}
     ), found AS (
       SELECT e.id, e.typename, e.node_key FROM scanned e JOIN hookgraph.topics t ON t.id = $2
       WHERE e.tenant = $1 AND ${fits} AND (e.environment IS NULL OR coalesce(cardinality($3::text[]), 0) = 0 OR e.environment = ANY ($3))
         AND (e.fold IS NULL OR (e.fold IN ('WHOLE', 'PART') AND (e.fold = 'WHOLE') = $4::boolean))
       ORDER BY e.id DESC LIMIT $6
     )
     SELECT f.id, f.typename, f.node_key AS "nodeKey", s.* FROM
       (SELECT count(*)::int AS scanned, min(id) AS "lastId" FROM scanned) s LEFT JOIN found f ON true ORDER BY f.id DESC`,
    [tenant, topicId, environmentIds, coalesces, after, limit],
  );
  const { scanned = 0, lastId = null } = rows[0] ?? {};
  const events = rows.flatMap(({ id, typename, nodeKey }) => (id === null ? [] : [{ id, typename, nodeKey }]));
  if (events.length === limit) return { events, position: events.at(-1)?.id ?? null, hasNext: true };
  return { events, position: lastId, hasNext: scanned === MAX_SCANNED };
}

const id = pg.escapeIdentifier;

/** Reads the announced columns of a row as it is now; `null` when the row doesn't exist. */
export async function rowNow(pool: Pool, node: AnnouncedNode, key: string): Promise<RowTexts | null> {
  const texts = keyTexts(node, key);
  if (!texts) return null;
  // Parameters take the type of the key columns, so that the primary key's index is used.
  const isOne = node.key.map((column, place) => `r.${id(column)} = $${place + 2}`).join(' AND ');
  try {
    const { rows } = await pool.query<{ row: RowTexts }>(
      `SELECT (SELECT jsonb_object_agg(d.key, d.value::text) FROM jsonb_each(to_jsonb(r)) d WHERE d.key = ANY ($1)) AS row
       FROM ${id(node.table.schema)}.${id(node.table.name)} r WHERE ${isOne} LIMIT 1`,
      [Object.keys(node.columns), ...texts],
    );
    return rows[0]?.row ?? null;
  } catch (error) {
    // An error of class 22: the text is not a value of the key's type, so no row can have it.
    if (String((error as { code?: unknown }).code).startsWith('22')) return null;
    throw error;
  }
}

/** Returns the event that templates read when no event was recorded, e.g. in a test, or when its partition was dropped. */
export const unrecorded = (operation: Operation, after: RowTexts | null = null): RecordedEvent => ({
  operation,
  changed: null,
  before: null,
  after,
  context: null,
});
