// Loads the events of a batch of deliveries: the nodes' rows, for stored queries that no longer find a node, and the whole events, for
// templates.
import type { Pool } from 'pg';
import { parseJson } from '../../runtime/exact-json.mjs';
import type { Compiled } from '../base/compiled.js';
import type { Json, RecordedEvent } from '../base/model.js';
import { loadEvents } from '../base/store/recorded-events.js';

type Columns = Record<string, Json>;

/** The rows (as they were at the events) and the whole events, by event id. */
export interface BatchEvents {
  snapshots: Map<string, Columns>;
  events: Map<string, RecordedEvent>;
}

/** Loads rows and events by one SQL statement each. Leaves out what a delivery's query and templates don't need. */
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
      idsWhere(({ event, reads }) => event !== null || reads !== null),
    ),
  ]);
  return { snapshots, events };
}

/**
 * Loads the row of each event, as it was after the event or, for a deletion, before. OFFSET 0 makes the planner use one index probe per
 * event.
 */
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
