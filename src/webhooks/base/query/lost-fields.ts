// Finds the fields of a stored query that a schema lacks or deprecates, as paths in the query's response.
import {
  type DocumentNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isObjectType,
  Kind,
  SchemaMetaFieldDef,
  type SelectionSetNode,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
} from 'graphql';

const META = new Set([SchemaMetaFieldDef.name, TypeMetaFieldDef.name, TypeNameMetaFieldDef.name]);
/** Maximum number of selections that lostFields visits, with fragments expanded. A stored query may have 1,000 fields. */
const MOST_SELECTIONS = 5000;

/**
 * Returns the path of each field that the schema lacks or deprecates: the response keys from the root, e.g. `['order', 'lines', 'sku']`.
 * Fields below such a field aren't listed.
 */
export function lostFields(schema: GraphQLSchema, document: DocumentNode): string[][] {
  const lost: string[][] = [];
  const fragments = new Map(
    document.definitions.flatMap((node) => (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [])),
  );
  let left = MOST_SELECTIONS;

  function walk(set: SelectionSetNode, type: GraphQLNamedType | null | undefined, path: string[], inside: readonly string[]): void {
    for (const selection of set.selections) {
      if (--left < 0) return;
      if (selection.kind === Kind.FIELD) {
        const key = [...path, selection.alias?.value ?? selection.name.value];
        if (META.has(selection.name.value)) continue;
        const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[selection.name.value] : undefined;
        if (!field || field.deprecationReason != null) lost.push(key);
        else if (selection.selectionSet) walk(selection.selectionSet, getNamedType(field.type), key, inside);
        continue;
      }
      const name = selection.kind === Kind.FRAGMENT_SPREAD ? selection.name.value : null;
      const fragment = name === null ? selection : fragments.get(name);
      if (!fragment || !('selectionSet' in fragment) || (name !== null && inside.includes(name))) continue;
      const condition = fragment.typeCondition;
      walk(
        fragment.selectionSet,
        condition ? schema.getType(condition.name.value) : type,
        path,
        name === null ? inside : [...inside, name],
      );
    }
  }
  for (const operation of document.definitions)
    if (operation.kind === Kind.OPERATION_DEFINITION) walk(operation.selectionSet, schema.getQueryType(), [], []);
  return lost;
}

/**
 * `read`: the paths that a template reads. Returns those of them that are empty without the `lost` fields, in the form `data.order.sku`.
 */
export function emptyPaths(lost: readonly string[][], read: readonly string[][]): string[] {
  const isBelow = (path: readonly string[], above: readonly string[]) => above.every((name, index) => path[index] === name);
  const empty = read.filter((path) => lost.some((gone) => isBelow(path, gone)));
  return [...new Set(empty.map((path) => ['data', ...path].join('.')))].sort();
}
