// Derives what a template can read under `data` from the query's selection and the schema.
import {
  type DocumentNode,
  doTypesOverlap,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isAbstractType,
  isCompositeType,
  isListType,
  isObjectType,
  isUnionType,
  Kind,
  parse,
  type SelectionSetNode,
} from 'graphql';
import type { Shape } from './shape.js';

/** Parses a query; returns `null` while it has syntax errors. */
export function parseQuery(source: string): DocumentNode | null {
  try {
    return parse(source, { noLocation: true });
  } catch {
    return null;
  }
}

/**
 * Returns the shape of the query's result. Unknown fields are left out. A field that gets a variable, such as `node(id: $nodeId)`, returns
 * the topic's node, so that fragments on other types don't apply to it.
 * @param nodeType the GraphQL type of the topic's node; `null` when no topic is chosen
 */
export function shapeOfQuery(schema: GraphQLSchema, document: DocumentNode, nodeType: string | null): Shape {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  const operation = document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  const query = schema.getQueryType();
  return { type: query?.name ?? 'object', fields: operation && query ? select(query, operation.selectionSet, []) : {} };

  /** `open`: the names of the fragments around the selection, because a fragment must not contain itself. */
  function select(type: GraphQLCompositeType, set: SelectionSetNode, open: readonly string[]): Record<string, Shape> {
    let found: Record<string, Shape> = {};
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        const shape = shapeOfField(type, selection, open);
        const key = selection.alias?.value ?? selection.name.value;
        if (shape) found = merged(found, { [key]: shape });
        continue;
      }
      const name = selection.kind === Kind.FRAGMENT_SPREAD ? selection.name.value : null;
      if (name !== null && open.includes(name)) continue;
      const part = name === null ? selection : fragments.get(name);
      if (!part || part.kind === Kind.FRAGMENT_SPREAD) continue;
      const condition = part.typeCondition ? schema.getType(part.typeCondition.name.value) : type;
      if (!isCompositeType(condition) || !doTypesOverlap(schema, type, condition)) continue;
      // A fragment on an interface keeps the type of the object around it, which has more fields.
      const inner = isObjectType(type) ? type : condition;
      found = merged(found, select(inner, part.selectionSet, name === null ? open : [...open, name]));
    }
    return found;
  }

  function shapeOfField(parent: GraphQLCompositeType, field: FieldNode, open: readonly string[]): Shape | null {
    if (field.name.value === '__typename') return { type: 'String!', description: 'The name of the object type.' };
    const known = isUnionType(parent) ? undefined : parent.getFields()[field.name.value];
    if (!known) return null;
    const named = getNamedType(known.type);
    const shape: Shape = {
      type: String(known.type),
      ...(known.description && { description: known.description }),
      ...(isList(known.type) && { isList: true as const }),
    };
    if (!isCompositeType(named) || !field.selectionSet) return shape;
    const hasVariable = field.arguments?.some(({ value }) => value.kind === Kind.VARIABLE) ?? false;
    return { ...shape, fields: select(hasVariable ? nodeTypeOf(named) : named, field.selectionSet, open) };
  }

  function nodeTypeOf(type: GraphQLCompositeType): GraphQLCompositeType {
    const node = nodeType === null ? undefined : schema.getType(nodeType);
    return isAbstractType(type) && isObjectType(node) && schema.isSubType(type, node) ? node : type;
  }
}

export const isList = (type: GraphQLOutputType): boolean => isListType(getNullableType(type));

/** Merges two selections of the same object. */
function merged(one: Record<string, Shape>, other: Record<string, Shape>): Record<string, Shape> {
  const both = { ...one };
  for (const [name, shape] of Object.entries(other)) {
    const earlier = both[name];
    both[name] = earlier?.fields && shape.fields ? { ...earlier, fields: merged(earlier.fields, shape.fields) } : shape;
  }
  return both;
}
