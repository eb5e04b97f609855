// Checks `relatedChanges` of a draft, and finds the related fields and types that are stored with a subscription for the relay.
import { type DocumentNode, parse } from 'graphql';
import type { Engine } from '../../base/engine.js';
import type { Problem } from '../../base/errors.js';
import type { AnnouncedNode, Definition, Topic } from '../../base/model.js';
import { announcedNode } from '../../base/own-node.js';
import { relatedFields, relatedPaths } from '../../base/query/related-fields.js';

export interface Related {
  fields: string[];
  typenames: string[];
}

/** Returns the related fields that a valid definition reads; `null` when `relatedChanges` is off. */
export function relatedOf({ host }: Engine, { relatedChanges, query }: Definition, { typename }: Topic): Related | null {
  const node = announcedNode(host, typename);
  return relatedChanges && query !== null && node ? find(host, node, parse(query)) : null;
}

function find(host: Engine['host'], node: AnnouncedNode, document: DocumentNode): Related {
  const fields = [...relatedFields(host.schema(), { node, nodes: host.nodes, document })].sort();
  const typenames = new Set(relatedPaths(host.nodes, node.typename, fields).map(({ typename }) => typename));
  return { fields, typenames: [...typenames].sort() };
}

/** `document`: the query of the draft; `null` when the draft has no query, or an invalid one. */
export function checkRelated(
  { host }: Engine,
  relatedChanges: boolean,
  { key, typename }: Topic,
  document: DocumentNode | null,
): Problem[] {
  const refuse = (message: string): Problem[] => [{ field: 'relatedChanges', message }];
  if (!relatedChanges) return [];
  if (!key.endsWith('/updated'))
    return refuse(`can't be used with ${key}: only topics about every update of a node, such as user/updated, can`);
  const node = announcedNode(host, typename);
  if (document === null || !node) return refuse('needs a query, which says which related rows matter');
  const { fields } = find(host, node, document);
  const known = (node.relations ?? []).map(({ field }) => field);
  const choices = known.length > 0 ? `its relations are ${known.join(', ')}` : `${typename} has no relation to another announced type`;
  if (fields.length === 0)
    return refuse(`finds no related row: the query selects no relation of ${typename} to an announced type; ${choices}`);
  const unrecorded = relatedPaths(host.nodes, typename, fields).flatMap(({ name, relations, typename: other }) => {
    const recorded = host.nodes.find((one) => one.typename === other)?.columns ?? {};
    const missing = relations.at(-1)?.otherColumns.find((column) => recorded[column] === undefined);
    return missing === undefined ? [] : [{ name, column: `${other}.${missing}` }];
  });
  const [first] = unrecorded;
  return first ? refuse(`can't follow ${first.name}: the column ${first.column} is not recorded`) : [];
}
