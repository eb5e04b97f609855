// Decides which look-ups in the host's tables find the nodes that changed rows are related to. Runs no SQL.
import type { AnnouncedNode, Operation } from '../base/model.js';
import { type RelatedPath, relatedPaths, touchedFields } from '../base/query/related-fields.js';

/** The related fields that subscriptions of a tenant to updates of a type read. */
export interface Wanted {
  tenant: string;
  typename: string;
  fields: string[];
}

type Row = Record<string, unknown>;

/** A recorded change of a row. */
export interface Change {
  id: string;
  xid: string;
  tenant: string;
  typename: string;
  operation: Operation;
  changed: string[] | null;
  before: Row | null;
  after: Row | null;
  /** The path whose nodes are not found yet, such as `Order.items`. An empty text means all paths. */
  path: string;
  /** How often a statement for this change alone has failed. */
  tries: number;
}

/** All changes with the same path. */
export interface LookUp {
  /** The type of the nodes. */
  typename: string;
  path: RelatedPath;
  /** The type and the path, such as `Order.items`. */
  name: string;
  /** `row`: the values that lead to the nodes, before or after the change. `fields`: the changed fields that a subscription reads. */
  changes: { change: Change; row: Row; fields: string[] }[];
}

/** A node, with all fields of its related rows that a transaction changed. The names are those that related.sql reads. */
export interface NodeOfChanges {
  event_id: string;
  xid: string;
  tenant: string;
  typename: string;
  node_key: string;
  environment: string | null;
  document: unknown;
  changed: ReadonlySet<string>;
}

export function lookUpsOf(nodes: readonly AnnouncedNode[], changes: readonly Change[], wanted: readonly Wanted[]): LookUp[] {
  const lookUps = new Map<string, LookUp>();
  for (const [tenant, fieldsByType] of byTenant(wanted))
    for (const [typename, read] of fieldsByType)
      for (const path of relatedPaths(nodes, typename, read)) {
        const name = `${typename}.${path.name}`;
        for (const change of changes) {
          if (change.tenant !== tenant || change.typename !== path.typename) continue;
          if (change.path !== '' && change.path !== name) continue;
          const touched = touchedFields(nodes, path, change.operation === 'updated' ? change.changed : null);
          const fields = touched.filter((field) => read.has(field));
          if (fields.length === 0) continue;
          const lookUp = lookUps.get(name) ?? { typename, path, name, changes: [] };
          lookUps.set(name, lookUp);
          for (const row of rowsOf(change, path)) lookUp.changes.push({ change, row, fields });
        }
      }
  return [...lookUps.values()];
}

function byTenant(wanted: readonly Wanted[]): Map<string, Map<string, Set<string>>> {
  const found = new Map<string, Map<string, Set<string>>>();
  for (const { tenant, typename, fields } of wanted) {
    const types = found.get(tenant) ?? new Map<string, Set<string>>();
    found.set(tenant, types.set(typename, new Set([...(types.get(typename) ?? []), ...fields])));
  }
  return found;
}

/** Returns the column values by which a row leads to nodes, before and after the change; only once if they are equal. */
function rowsOf({ before, after }: Change, { relations }: RelatedPath): Row[] {
  const columns = relations.at(-1)?.otherColumns ?? [];
  const rows = [before, after].flatMap((row) => (row ? [Object.fromEntries(columns.map((column) => [column, row[column] ?? null]))] : []));
  const [first, second] = rows;
  return second && JSON.stringify(first) === JSON.stringify(second) ? [second] : rows;
}
