// Lists the events of a tenant, newest first.
import type { Pool, PoolClient } from 'pg';
import type { Operation, Owner } from '../model.js';
import type { VisibleEvent } from './deliveries.js';
import { isBigId, type Page, type PartOfRows } from './page.js';
import { isNode } from './recorded-events.js';

export interface EventFilter {
  node?: { typename: string; key: string } | null;
  typename?: string | null;
  operation?: Operation | null;
  occurredAtMin?: Date | null;
  occurredAtMax?: Date | null;
}

/** The number of hours that a list goes back without `occurredAtMin`. */
export const LISTED_HOURS = 24;

/**
 * The number of events, of all tenants and types, that one page reads at most. If a page ends there, it may be empty, and the next page
 * continues from that position.
 */
const MAX_SCANNED = 20_000;

/**
 * Reads one page of the events in the owner's tenant. Several changes of a node in one transaction are one event.
 * Callers must not show `before` and `after`: whether the owner may read their columns is not checked.
 */
export async function listEvents(
  db: Pool | PoolClient,
  { tenant }: Owner,
  filter: EventFilter,
  page: Page,
  maxScanned = MAX_SCANNED,
): Promise<PartOfRows<VisibleEvent>> {
  const { node, typename, operation, occurredAtMin, occurredAtMax } = filter;
  const direction = page.backward ? 'ASC' : 'DESC';
  const since = occurredAtMin ?? new Date((occurredAtMax?.getTime() ?? Date.now()) - LISTED_HOURS * 3_600_000);
  const idOrNull = (cursor: string | null) => (cursor !== null && isBigId(cursor) ? cursor : null);
  const clamped = (time: string) => `least(greatest(${time}::timestamptz, '2020-01-01Z'), '2200-01-01Z')`;
  // The single changes of a node in a transaction (PART) are left out, because one event contains all of them (WHOLE).
  const { rows } = await db.query<VisibleEvent & { matches: boolean; scanned: number; lastId: string }>(
    `WITH scanned AS MATERIALIZED (
       SELECT id, occurred_at, tenant, typename, node_key, operation, changed, fold FROM hookgraph.recorded e
       WHERE e.id >= hookgraph.id_at(${clamped('$4')}) AND ($5::timestamptz IS NULL OR e.id < hookgraph.id_at(${clamped('$5')} + interval '1 ms'))
         AND ($6::bigint IS NULL OR e.id < $6) AND ($7::bigint IS NULL OR e.id > $7)
         AND ($8::text IS NULL OR (e.tenant = $1 AND ${isNode('$8', '$9')}))
       ORDER BY e.id ${direction} LIMIT $10
     ), found AS (
       SELECT * FROM scanned WHERE tenant = $1 AND fold IS DISTINCT FROM 'PART' AND ($2::text IS NULL OR typename = $2)
         AND ($3::text IS NULL OR operation = $3) ORDER BY id ${direction} LIMIT $11
     )
     SELECT f.id, f.occurred_at AS "occurredAt", f.typename, f.node_key AS "nodeKey", f.operation, f.changed, true AS matches,
       (SELECT count(*) FROM scanned)::int AS scanned, (SELECT ${page.backward ? 'max' : 'min'}(id) FROM scanned) AS "lastId" FROM found f
     UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, false, (SELECT count(*) FROM scanned)::int, (SELECT ${page.backward ? 'max' : 'min'}(id) FROM scanned)`,
    [
      ...[tenant, typename ?? null, operation ?? null, since, occurredAtMax ?? null, idOrNull(page.after), idOrNull(page.before)],
      ...[node?.typename ?? null, node?.key.replaceAll('\0', '') ?? null, maxScanned, page.limit + 1],
    ],
  );
  const found = rows.filter(({ matches }) => matches);
  const { scanned = 0, lastId = null } = rows.at(-1) ?? {};
  const events = found
    .slice(0, page.limit)
    .map(({ matches: _, scanned: __, lastId: ___, ...event }) => ({ ...event, before: null, after: null }));
  if (page.backward) events.reverse();
  const isFull = found.length > page.limit;
  const more = isFull || scanned === maxScanned;
  return {
    rows: events,
    hasNextPage: page.backward ? page.before !== null : more,
    hasPreviousPage: page.backward ? more : page.after !== null,
    readUpTo: more && !isFull ? lastId : null,
  };
}
