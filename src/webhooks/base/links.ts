// Announces the tables whose rows link announced nodes with each other, such as memberships, if the host doesn't announce them.
import type { AnnouncedNode, Link } from './announced-node.js';

const nameOf = ({ schema, name }: AnnouncedNode['table']): string => `${schema}.${name}`;

/** Returns the name under which changes of the link's table are recorded: the announced type of the table, otherwise its qualified name. */
export function linkTypename({ table }: Link, nodes: AnnouncedNode[]): string {
  return nodes.find((node) => nameOf(node.table) === nameOf(table))?.typename ?? nameOf(table);
}

/**
 * Returns a node for each link table without an announced type. Changes of the table are recorded, but make no events. The node's typename
 * contains a dot, so it differs from every GraphQL type.
 */
export function linkNodes(nodes: AnnouncedNode[]): AnnouncedNode[] {
  const found = new Map<string, AnnouncedNode>();
  for (const node of nodes)
    for (const link of node.links ?? []) {
      const typename = linkTypename(link, nodes);
      if (nodes.some((announced) => announced.typename === typename)) continue;
      const columns = [...link.key, ...link.columns, ...link.otherColumns];
      found.set(typename, {
        typename,
        table: link.table,
        key: link.key,
        columns: { ...found.get(typename)?.columns, ...Object.fromEntries(columns.map((column) => [column, column])) },
        tenant: { none: true },
        operations: [],
        ...(node.allowsTruncate && { allowsTruncate: true }),
      });
    }
  return [...found.values()];
}
