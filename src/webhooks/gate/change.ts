// Reads, inside a write's transaction, how the write has changed rows, so that before-hooks can be called with the change. It reads what
// the capture triggers recorded, which includes the effects of column defaults and other triggers.
import { parseJson } from '../../runtime/exact-json.mjs';
import type { Json, Operation, RecordedEvent, RowTexts, Snapshot } from '../base/model.js';
import { rowTextsSql } from '../base/store/recorded-events.js';

/** Runs a statement inside the write's transaction. All `values` are texts. */
export type TransactionQuery = (sql: string, values: string[]) => Promise<unknown[]>;

export interface Change {
  operation: Operation;
  tenant: string | null;
  environment: string | null;
  key: string;
  /** The row before the write as the text of a jsonb value, so that equal texts mean equal rows; `null` for a new row. */
  before: string | null;
  /** The row after the write; for a deleted row, the row before it. */
  snapshot: Snapshot;
  /** The event that the triggers recorded for the change. Templates of before-hooks can use it. */
  event: RecordedEvent;
}

// If a transaction deletes a row together with the parent from which its tenant is read, the row has no recorded tenant. The tenant is
// then taken from the parent's deletion.
const eventsOfWrite = (rows: string, limit: string): string => `
  WITH RECURSIVE recorded AS MATERIALIZED (SELECT * FROM hookgraph.captures WHERE xid = pg_current_xact_id()),
  matching AS (SELECT * FROM recorded WHERE ${rows} ORDER BY id ${limit}),
  ancestors (id, tenant, parent_typename, parent_key) AS (
    SELECT id, tenant, parent_typename, parent_key FROM matching
    UNION ALL
    SELECT a.id, p.tenant, p.parent_typename, p.parent_key
    FROM ancestors a JOIN recorded p ON p.typename = a.parent_typename AND p.node_key = a.parent_key AND p.id <> a.id
    WHERE a.tenant IS NULL
  )
  SELECT operation, coalesce(tenant, (SELECT min(a.tenant) FROM ancestors a WHERE a.id = m.id)) AS tenant, environment,
    before::text AS before, after::text AS after, changed, context, ${rowTextsSql('before')} AS "rowBefore", ${rowTextsSql('after')} AS "rowAfter",
    typename, node_key AS key
  FROM matching m ORDER BY m.id`;

const OF_ROW = eventsOfWrite('typename = $1 AND node_key = $2', '');
const OF_TYPES = eventsOfWrite('typename IN (SELECT jsonb_array_elements_text($1::jsonb))', 'LIMIT $2::int');

interface WriteEvent {
  operation: Operation;
  tenant: string | null;
  environment: string | null;
  before: string | null;
  after: string | null;
  changed: string[] | null;
  context: string | null;
  rowBefore: RowTexts | null;
  rowAfter: RowTexts | null;
}

/**
 * Returns the change of one row; `null` when no announced column has changed, because subscribers would not be notified either. Several
 * events of the row are merged into one change.
 */
export async function readChange(query: TransactionQuery, typename: string, key: string): Promise<Change | null> {
  return changeOf(typename, key, (await query(OF_ROW, [typename, key])) as WriteEvent[]);
}

/**
 * Returns the changes of all rows of these types, in the order of their first write; `null` when the triggers recorded more than `limit`
 * events.
 */
export async function readChanges(query: TransactionQuery, typenames: string[], limit: number): Promise<Change[] | null> {
  const events = (await query(OF_TYPES, [JSON.stringify(typenames), String(limit + 1)])) as (WriteEvent & {
    typename: string;
    key: string;
  })[];
  if (events.length > limit) return null;
  const byRow = new Map<string, { typename: string; key: string; events: WriteEvent[] }>();
  for (const event of events) {
    const { typename, key } = event;
    const row = JSON.stringify([typename, key]);
    const known = byRow.get(row);
    if (known) known.events.push(event);
    else byRow.set(row, { typename, key, events: [event] });
  }
  const changes = [...byRow.values()].map(({ typename, key, events: ofRow }) => changeOf(typename, key, ofRow));
  return changes.filter((change) => change !== null);
}

/**
 * Returns the events with the first and the last state of a row. Their order is not enough to find them, because a trigger's change is
 * recorded before the change of the statement itself. But more events start from the first state than end in it. Returns none if the
 * events form a circle, which leads back to where it began, and their order names two states of it.
 */
function endsOf(events: WriteEvent[]): [first: WriteEvent | undefined, last: WriteEvent | undefined] {
  const surplus = new Map<string | null, number>();
  for (const { before, after } of events) {
    surplus.set(before, (surplus.get(before) ?? 0) + 1);
    surplus.set(after, (surplus.get(after) ?? 0) - 1);
  }
  const first = events.find(({ before }) => (surplus.get(before) as number) > 0);
  if (first) return [first, events.findLast(({ after }) => (surplus.get(after) as number) < 0)];
  const circle = [events[0], events.at(-1)] as const;
  return circle[0]?.before === circle[1]?.after ? [...circle] : [undefined, undefined];
}

function changeOf(typename: string, key: string, events: WriteEvent[]): Change | null {
  const [first, last] = endsOf(events);
  if (!first || !last) return null;
  const { before } = first;
  const { tenant, environment, after, context } = last;
  // A row that the write creates and deletes again causes no notification.
  if (before === null && after === null) return null;
  const operation = before === null ? 'created' : after === null ? 'deleted' : 'updated';
  const columns = parseJson(after ?? before ?? '{}') as Record<string, Json>;
  const rows = { before: first.rowBefore, after: last.rowAfter };
  const event: RecordedEvent = { operation, changed: operation === 'updated' ? changedIn(events, rows) : null, ...rows, context };
  return { operation, tenant, environment, key, before, snapshot: { typename, key, columns, ahead: true }, event };
}

/**
 * Returns the columns whose values differ before and after the write. Leaves out columns that the write changed and changed back, except
 * columns whose values were too large to be recorded in full: equal recorded forms don't mean equal values.
 */
function changedIn(events: WriteEvent[], { before, after }: Pick<RecordedEvent, 'before' | 'after'>): string[] {
  const changed = new Set(events.flatMap((event) => event.changed ?? []));
  return [...changed].filter((column) => before?.[column] !== after?.[column] || CUT.test(after?.[column] ?? ''));
}

/** Matches the JSON text that is recorded in place of a value that is too large. */
const CUT = /^".*\(cut: \d+ bytes.*"$|^"\(not computed from large values\)"$/s;

/**
 * Returns whether a write makes the change with which the hooks were called (`seen`). For an existing row, it is enough that the row before
 * the write is the same: the same write then gives the same result, except for times. A new row is written with the values that the hooks
 * were called with, so an equal key is enough.
 */
export function isSameChange(seen: Change | null, now: Change | null): boolean {
  if (seen === null || now === null) return seen === now;
  return seen.operation === now.operation && seen.key === now.key && seen.before === now.before;
}

/**
 * Returns whether a write makes the changes with which the hooks were called (`seen`). New rows are compared only by their number per type,
 * because the database may generate their keys.
 */
export function areSameChanges(seen: Change[], now: Change[]): boolean {
  const isNew = ({ operation }: Change) => operation === 'created';
  const known = new Map(seen.filter((change) => !isNew(change)).map((change) => [rowOf(change), change]));
  const old = now.filter((change) => !isNew(change));
  if (old.length !== known.size || !old.every((change) => isSameChange(known.get(rowOf(change)) ?? null, change))) return false;
  const typesOf = (changes: Change[]) =>
    changes
      .filter(isNew)
      .map(({ snapshot }) => snapshot.typename)
      .sort()
      .join();
  return typesOf(seen) === typesOf(now);
}

const rowOf = ({ snapshot, key }: Change): string => JSON.stringify([snapshot.typename, key]);
