// Events' ids -> the rows as those events saw them, for queries that find their node's row gone.
import type { Pool } from 'pg';
import { parseJson } from '../../runtime/exact-json.mjs';
import type { Json } from '../base/model.js';

export type Columns = Record<string, Json>;

/** By the event's id; OFFSET 0 keeps the planner to one probe an event. */
export async function loadSnapshots(pool: Pool, eventIds: string[]): Promise<Map<string, Columns>> {
  if (eventIds.length === 0) return new Map();
  const { rows } = await pool.query<[string, string]>({
    name: 'hookgraph-snapshots',
    text: `SELECT e.id, e.columns::text FROM unnest($1::bigint[]) AS i (id)
           CROSS JOIN LATERAL (SELECT e.id, coalesce(e.after, e.before) AS columns FROM hookgraph.events e WHERE e.id = i.id OFFSET 0) e`,
    rowMode: 'array',
    values: [eventIds],
  });
  return new Map(rows.map(([id, columns]) => [id, parseJson(columns)]));
}
