// Loads the events of a batch of deliveries: the nodes' rows, for stored queries that no longer find a node, and the whole events, for
// templates. Loads the current rows of deliveries without an event.
import type { Pool } from 'pg';
import { parseRow } from '../../runtime/exact-json.mjs';
import type { Compiled } from '../base/compiled.js';
import type { Engine } from '../base/engine.js';
import type { Json, RecordedEvent, RowTexts } from '../base/model.js';
import { announcedNode } from '../base/own-node.js';
import { rowsNow } from '../base/store/announced-rows.js';
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
      idsWhere(({ event, reads, related }) => event !== null || reads !== null || related.size > 0),
    ),
  ]);
  return { snapshots, events };
}

/**
 * Loads the current rows for deliveries that send snapshots, by delivery id, with one SQL statement for each node type and tenant. The
 * result leaves out nodes that were deleted or belong to another tenant.
 */
export async function loadCurrentRows<Delivery extends { id: string; eventId: string | null; typename: string; nodeKey: string }>(
  { pool, host }: Pick<Engine, 'pool' | 'host'>,
  batch: Delivery[],
  definitionOf: (delivery: Delivery) => Compiled | null,
): Promise<Map<string, RowTexts>> {
  const groups = new Map<string, { tenant: string; typename: string; deliveries: Delivery[] }>();
  for (const delivery of batch) {
    const tenant = delivery.eventId === null ? definitionOf(delivery)?.owner.tenant : undefined;
    if (tenant === undefined) continue;
    const { typename } = delivery;
    const name = JSON.stringify([tenant, typename]);
    const group = groups.get(name) ?? { tenant, typename, deliveries: [] };
    groups.set(name, group);
    group.deliveries.push(delivery);
  }
  const found = [...groups.values()].map(async ({ tenant, typename, deliveries }) => {
    const node = announcedNode(host, typename);
    const keys = [...new Set(deliveries.map(({ nodeKey }) => nodeKey))];
    const rows = node ? await rowsNow(pool, node, host.nodes, tenant, keys) : new Map<string, RowTexts>();
    return deliveries.flatMap(({ id, nodeKey }) => {
      const row = rows.get(nodeKey);
      return row ? [[id, row] as const] : [];
    });
  });
  return new Map((await Promise.all(found)).flat());
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
           CROSS JOIN LATERAL (SELECT e.id, hookgraph.row_of(e.layout_id, coalesce(e.after, e.before)) AS columns FROM hookgraph.events e WHERE e.id = i.id OFFSET 0) e`,
    rowMode: 'array',
    values: [eventIds],
  });
  return new Map(rows.map(([id, columns]) => [id, parseRow(columns)]));
}
