// Describes the known shape of the data that templates read, and finds the part of a path that can't exist in it.
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isCompositeType,
  isEnumType,
  isInterfaceType,
  isListType,
  isObjectType,
  isSpecifiedScalarType,
  Kind,
  type SelectionSetNode,
} from 'graphql';

/** The known shape of a value. `ANY`: unknown, since the value is JSON. `LEAF`: a text, number or boolean. */
export type Shape = { kind: 'ANY' } | { kind: 'LEAF' } | { kind: 'LIST'; item: Shape } | { kind: 'OBJECT'; fields: Map<string, Shape> };

export const ANY: Shape = { kind: 'ANY' };
export const LEAF: Shape = { kind: 'LEAF' };
export const listOf = (item: Shape): Shape => ({ kind: 'LIST', item });
export const objectOf = (fields: Record<string, Shape>): Shape => ({ kind: 'OBJECT', fields: new Map(Object.entries(fields)) });

/** Maximum number of selections that are visited, with fragments expanded. A stored query may have 1,000 fields. */
const MOST_SELECTIONS = 5_000;

/**
 * Returns the shape of a valid query's answer. Fields that only some of the possible types have are part of it, and so are fields with
 * `@include`. A scalar that GraphQL doesn't specify may be any JSON.
 */
export function shapeOfAnswer(schema: GraphQLSchema, document: DocumentNode): Shape {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  let left = MOST_SELECTIONS;

  function select(type: GraphQLNamedType | null | undefined, set: SelectionSetNode, fields: Map<string, Shape>): void {
    for (const selection of set.selections) {
      if (--left < 0) return;
      if (selection.kind === Kind.FIELD) {
        const name = selection.name.value;
        const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined;
        const key = selection.alias?.value ?? name;
        fields.set(key, name === '__typename' ? LEAF : field ? shapeOf(field.type, selection.selectionSet, fields.get(key)) : ANY);
        continue;
      }
      const part = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection;
      const condition = part?.typeCondition?.name.value;
      if (part) select(condition === undefined ? type : schema.getType(condition), part.selectionSet, fields);
    }
  }

  /** `known`: the shape of an earlier selection with the same response key, into which this one is merged. */
  function shapeOf(type: GraphQLOutputType, set: SelectionSetNode | undefined, known: Shape | undefined): Shape {
    const nullable = getNullableType(type);
    if (isListType(nullable)) return listOf(shapeOf(nullable.ofType, set, known?.kind === 'LIST' ? known.item : undefined));
    const named = getNamedType(nullable);
    if (!isCompositeType(named) || !set) return isEnumType(named) || isSpecifiedScalarType(named) ? LEAF : ANY;
    const fields = known?.kind === 'OBJECT' ? known.fields : new Map<string, Shape>();
    select(named, set, fields);
    return { kind: 'OBJECT', fields };
  }

  const operation = document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  const fields = new Map<string, Shape>();
  if (operation) select(schema.getQueryType(), operation.selectionSet, fields);
  return left < 0 ? ANY : { kind: 'OBJECT', fields };
}

/** The part of a path that can't exist. `at`: its index. `known`: the names that exist there. */
export type Miss = { at: number; of: 'OBJECT'; known: string[] } | { at: number; of: 'LIST' } | { at: number; of: 'LEAF' };

/** Returns the first part of the path that can't exist in the shape; `null` when the path may lead to a value. */
export function findMiss(shape: Shape, path: readonly (string | number | null)[]): Miss | null {
  let reached = shape;
  for (const [at, part] of path.entries()) {
    if (part === null || reached.kind === 'ANY') return null;
    if (reached.kind === 'OBJECT') {
      const next = typeof part === 'string' ? reached.fields.get(part) : undefined;
      // `size` and `first` are the number of fields and the first of them; the index 0 is that of a loop over the fields.
      if (!next) return part === 'size' || part === 'first' || part === 0 ? null : { at, of: 'OBJECT', known: [...reached.fields.keys()] };
      reached = next;
    } else if (typeof part === 'number' || ['first', 'last', 'size'].includes(part)) {
      if (reached.kind === 'LEAF' || part === 'size') return null;
      reached = reached.item;
    } else return { at, of: reached.kind };
  }
  return null;
}
