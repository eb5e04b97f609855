// Loads the events of a batch of deliveries: the rows, for queries that no longer find the node, and the whole events, for templates.
import type { Pool } from 'pg';
import { parseJson } from '../../runtime/exact-json.mjs';
import type { Compiled } from '../base/compiled.js';
import type { Json, RecordedEvent } from '../base/model.js';
import { loadEvents } from '../base/store/recorded-events.js';

type Columns = Record<string, Json>;

/** The rows and the events, by event id. */
export interface BatchEvents {
  snapshots: Map<string, Columns>;
  events: Map<string, RecordedEvent>;
}

/** Loads the events in two statements. Leaves out deliveries whose definition doesn't need them. */
export async function loadBatchEvents<Delivery extends { eventId: string | null }>(
  pool: Pool,
  batch: Delivery[],
  definitionOf: (delivery: Delivery) => Compiled | null,
): Promise<BatchEvents> {
  const idsWhere = (needs: (definition: Compiled) => boolean): string[] => {
    const ids = batch.flatMap((delivery) => {
      const definition = delivery.eventId === null ? null : definitionOf(delivery);
      return definition && needs(definition) ? [delivery.eventId as string] : [];
    });
    return [...new Set(ids)];
  };
  const [snapshots, events] = await Promise.all([
    loadSnapshots(
      pool,
      idsWhere(({ document, event }) => document !== null || event !== null),
    ),
    loadEvents(
      pool,
      idsWhere(({ event }) => event !== null),
    ),
  ]);
  return { snapshots, events };
}

/** Loads the rows of events by event id. OFFSET 0 makes the planner use one index probe per event. */
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
