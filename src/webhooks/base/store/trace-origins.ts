// Reads, for a batch of deliveries, the time of each event and the trace of the write that caused it: `traceparent` in the setting
// `hookgraph.context` of the writer's session.
import type { Pool } from 'pg';
import type { TraceOrigin } from '../tracing.js';

// The context is searched by a regular expression, because it need not be JSON. OFFSET 0 makes the planner use one index lookup per event.
const ORIGINS = `
  SELECT e.id, e.occurred_at AS "occurredAt", substring(e.context FROM '"traceparent"\\s*:\\s*"([0-9a-f-]{55})"') AS traceparent
  FROM unnest($1::bigint[]) AS i (id)
  CROSS JOIN LATERAL (SELECT e.id, coalesce(e.occurred_at, hookgraph.time_of(e.id)) AS occurred_at, e.context FROM hookgraph.events e WHERE e.id = i.id OFFSET 0) e`;

export async function loadTraceOrigins(pool: Pool, batch: readonly { eventId: string | null }[]): Promise<Map<string, TraceOrigin>> {
  const ids = [...new Set(batch.flatMap(({ eventId }) => eventId ?? []))];
  if (ids.length === 0) return new Map();
  const { rows } = await pool.query<TraceOrigin & { id: string }>({ name: 'hookgraph-trace-origins', text: ORIGINS, values: [ids] });
  return new Map(rows.map(({ id, ...origin }) => [id, origin]));
}
