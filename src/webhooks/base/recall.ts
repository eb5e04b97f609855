// Remembers rows as they were at an event, so that the host's resolvers can return a row that the database no longer has.

import type { Host, Json, Snapshot } from './model.js';
import { announcedNode } from './own-node.js';

interface Known {
  host: Pick<Host, 'nodes'>;
  snapshots: Snapshot[];
}

const known = new WeakMap<object, Known>();

/** Advice for a host whose root fields don't find deleted nodes. */
export const HOW_TO_RECALL =
  'to make deleted nodes readable, use a source that returns them, or write `row ?? recall(context, typename, key)` in the resolver of the root field';

/**
 * Maximum number of snapshots (rows as they were at an event) kept for one context object. A host may return the same object for many
 * executions of stored queries; the oldest snapshots are dropped.
 */
const MOST_SNAPSHOTS = 500;

/**
 * Creates the GraphQL context of one stored-query execution, and remembers `overlay` for it: rows as they were at the event, which `recall`
 * returns.
 */
export function openContext(
  host: Pick<Host, 'nodes'>,
  contextOf: (overlay: Snapshot[]) => object | Promise<object>,
  overlay: Snapshot[],
): object | Promise<object> {
  const made = contextOf(overlay);
  return made instanceof Promise ? made.then((context) => remember(host, context, overlay)) : remember(host, made, overlay);
}

function remember(host: Pick<Host, 'nodes'>, context: object, overlay: Snapshot[]): object {
  if (overlay.length === 0) return context;
  const before = known.get(context)?.snapshots ?? [];
  known.set(context, { host, snapshots: before.length === 0 ? overlay : [...overlay, ...before].slice(0, MOST_SNAPSHOTS) });
  return context;
}

/**
 * Returns the row of a node as it was at the event of this stored query, by column and by GraphQL field.
 * Returns `null` when the query is about another node, and for requests that are not stored queries.
 * Call it in the resolver of a root field that finds no row, so that stored queries can read deleted nodes.
 * @param key the primary key's value; for several columns, a list of values in the order of the announced key
 */
export function recall(
  context: object,
  typename: string,
  key: string | number | bigint | readonly (string | number | bigint)[],
): Record<string, Json> | null {
  const remembered = known.get(context);
  const text = Array.isArray(key) ? JSON.stringify(key.map(String)) : String(key);
  const snapshot = remembered?.snapshots.find((one) => one.typename === typename && one.key === text);
  if (!remembered || !snapshot) return null;
  const fields = Object.entries(announcedNode(remembered.host, typename)?.columns ?? {});
  const { columns } = snapshot;
  return {
    ...columns,
    ...Object.fromEntries(fields.flatMap(([column, field]) => (column in columns ? [[field, columns[column] as Json]] : []))),
  };
}
