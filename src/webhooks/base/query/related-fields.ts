// Finds the fields of related rows that a stored query reads, e.g. `items.price`, and those that a change of a related row affects.
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql';
import type { AnnouncedNode, Relation } from '../announced-node.js';

/** The maximum number of relations that may lead from a node to a row whose changes are sent as the node's own. */
const MOST_RELATIONS = 2;

/** A path of relations from a node to a related row, such as `items.product`. */
export interface RelatedPath {
  /** The fields, joined by dots. */
  name: string;
  /** The relations, in order; the first one starts at the node. */
  relations: Relation[];
  /** The type of the related row, at the end of the path. */
  typename: string;
}

/**
 * Returns the fields of related rows that the query reads: `items` for the rows themselves, and `items.price` for a field of them. Rows at
 * the end of more than two relations are left out.
 */
export function relatedFields(
  schema: GraphQLSchema,
  { node, nodes, document }: { node: AnnouncedNode; nodes: readonly AnnouncedNode[]; document: DocumentNode },
): Set<string> {
  const found = new Set<string>();
  const fragments = new Map(document.definitions.flatMap((one) => (one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one]] : [])));
  /** `at`: the type of the nearest announced row above `set`, and the path of fields from the node to it. */
  const walk = (set: SelectionSetNode, type: GraphQLNamedType | undefined, at: { typename: string; path: string[] }): void => {
    for (const selection of set.selections) {
      if (selection.kind !== Kind.FIELD) {
        const part = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection;
        const condition = (part as FragmentDefinitionNode | undefined)?.typeCondition?.name.value;
        if (part) walk(part.selectionSet, condition === undefined ? type : schema.getType(condition), at);
        continue;
      }
      const field = selection.name.value;
      const inner = isObjectType(type) || isInterfaceType(type) ? getNamedType(type.getFields()[field]?.type) : undefined;
      const own = type?.name === at.typename ? nodes.find(({ typename }) => typename === at.typename) : undefined;
      const relation = own?.relations?.find((one) => one.field === field);
      const path = [...at.path, field];
      if (relation && path.length > MOST_RELATIONS) continue;
      if (relation || (at.path.length > 0 && own && Object.values(own.columns).includes(field))) found.add(path.join('.'));
      // Between two rows there may be other types, such as a connection and its edges.
      if (selection.selectionSet) walk(selection.selectionSet, inner, relation ? { typename: relation.typename, path } : at);
    }
  };
  for (const one of document.definitions)
    if (one.kind === Kind.OPERATION_DEFINITION)
      walk(one.selectionSet, schema.getQueryType() ?? undefined, { typename: node.typename, path: [] });
  return found;
}

/** Returns the paths that lead to the rows with these fields. Fields that the host no longer announces are left out. */
export function relatedPaths(nodes: readonly AnnouncedNode[], typename: string, fields: Iterable<string>): RelatedPath[] {
  const paths = [...fields].flatMap((name): RelatedPath[] => {
    const relations: Relation[] = [];
    let at = typename;
    for (const field of name.split('.')) {
      const relation = nodes.find((node) => node.typename === at)?.relations?.find((one) => one.field === field);
      // The last name of a path may be a column's field instead of a relation, e.g. `price` in `items.price`.
      if (!relation) return [];
      relations.push(relation);
      at = relation.typename;
    }
    return [{ name, relations, typename: at }];
  });
  return paths.filter(({ relations }) => relations.length <= MOST_RELATIONS);
}

/**
 * Returns the fields that a change of the row at the end of a path affects, named as by relatedFields(). `changed`: the row's changed
 * columns; `null` when the row was created or deleted.
 */
export function touchedFields(
  nodes: readonly AnnouncedNode[],
  { name, relations, typename }: RelatedPath,
  changed: readonly string[] | null,
): string[] {
  if (changed === null) return [name];
  const node = nodes.find((one) => one.typename === typename);
  const leads = changed.some((column) => relations.at(-1)?.otherColumns.includes(column));
  return [
    ...(leads ? [name] : []),
    ...changed.flatMap((column) => (node?.columns[column] === undefined ? [] : [`${name}.${node.columns[column]}`])),
    ...(node?.relations ?? []).flatMap(({ field, columns }) =>
      columns.some((column) => changed.includes(column)) ? [`${name}.${field}`] : [],
    ),
  ];
}
