// Determines the columns of a node's row that a definition reads, so that changes of other columns can be skipped.
import { type DocumentNode, type GraphQLSchema, Kind, TypeInfo, visit, visitWithTypeInfo } from 'graphql';
import type { AnnouncedNode } from '../announced-node.js';

/** Fields whose values never change. */
const CONSTANT = new Set(['id', '__typename']);

export interface Reading {
  node: AnnouncedNode | null;
  /** All announced node types. */
  nodes: readonly AnnouncedNode[];
  document: DocumentNode | null;
  /** The paths after `event` that the templates read, such as `['before', 'email']`; `[]` means the whole event. */
  eventPaths: readonly (readonly string[])[];
}

/**
 * Returns the columns of the node's own row that decide the content of a notification. Returns `null` when any column may decide it: there
 * is no query, the query has a field that is no announced column (e.g. a computed field), or a template reads which fields have changed.
 * Fields of other rows count as unchanged.
 */
export function readColumns(schema: GraphQLSchema, { node, nodes, document, eventPaths }: Reading): ReadonlySet<string> | null {
  if (node === null || document === null) return null;
  const columns = new Set<string>();
  const own = columnsByField(node);
  for (const [part, field] of eventPaths) {
    if (part === 'operation' || part === 'actor') continue;
    const column = part === 'before' || part === 'after' ? own.get(field ?? '') : undefined;
    if (column === undefined) return null;
    columns.add(column);
  }
  const known = new Map(nodes.map((one) => [one.typename, columnsByField(one)]));
  let isKnown = rootFieldsOf(document) === 1;
  const types = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(types, {
      Field({ name: { value: field } }) {
        const parent = types.getParentType();
        if (parent === schema.getQueryType() || CONSTANT.has(field)) return;
        const column = known.get(parent?.name ?? '')?.get(field);
        const relation = nodes.find(({ typename }) => typename === parent?.name)?.relations?.find((one) => one.field === field);
        if (relation) {
          if (parent?.name === node.typename) for (const one of relation.columns) columns.add(one);
        } else if (column === undefined) isKnown = false;
        else if (parent?.name === node.typename) columns.add(column);
      },
    }),
  );
  // The time of the last change differs after each change, so a query that reads it depends on all columns.
  return isKnown && !columns.has(node.updatedAt ?? '') ? columns : null;
}

const columnsByField = ({ columns }: AnnouncedNode): Map<string, string> =>
  new Map(Object.entries(columns).map(([column, field]) => [field, column]));

/** Counts the root fields. A fragment at the root counts as several. */
function rootFieldsOf({ definitions }: DocumentNode): number {
  const selections = definitions.flatMap((one) => (one.kind === Kind.OPERATION_DEFINITION ? one.selectionSet.selections : []));
  return selections.every(({ kind }) => kind === Kind.FIELD) ? selections.length : Number.POSITIVE_INFINITY;
}
