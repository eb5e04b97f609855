// Lists every place where a schema takes an id, and selects everything that a field returns. Uses introspection, so
// that no field is missed.
import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';

export interface IdPlace {
  operation: 'query' | 'mutation';
  field: string;
  /** The path from the argument down, e.g. `['input', 'user', 'originGroupId']`. */
  path: string[];
  isList: boolean;
}

const DEPTH_OF_INPUT = 4;

/** Returns every argument and input field of type ID, of every query and mutation. */
export function idPlaces(schema: GraphQLSchema): IdPlace[] {
  const places: IdPlace[] = [];
  const visit = (about: Pick<IdPlace, 'operation' | 'field'>, path: string[], type: GraphQLInputType): void => {
    const named = getNamedType(type);
    if (named.name === 'ID') places.push({ ...about, path, isList: isListType(isNonNullType(type) ? type.ofType : type) });
    if (isInputObjectType(named) && path.length < DEPTH_OF_INPUT)
      for (const field of Object.values(named.getFields())) visit(about, [...path, field.name], field.type);
  };
  for (const [operation, type] of [
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
  ] as const)
    for (const field of Object.values(type?.getFields() ?? {}))
      for (const arg of field.args) visit({ operation, field: field.name }, [arg.name], arg.type);
  return places;
}

/** Returns the selection for a field: every leaf down to `depth`, under aliases that never conflict. */
export function selectAll(schema: GraphQLSchema, output: GraphQLOutputType, depth: number): string {
  const type = getNamedType(output);
  if (isLeafType(type)) return '';
  if (isInterfaceType(type)) {
    const possible = depth > 0 ? schema.getPossibleTypes(type) : [];
    const each = possible.map(
      (one) => `... on ${one.name} { ${fieldsOf(schema, one.getFields(), { depth: depth - 1, prefix: `${one.name}_` })} }`,
    );
    return `{ __typename ${each.join(' ')} }`;
  }
  return `{ __typename ${isObjectType(type) ? fieldsOf(schema, type.getFields(), { depth, prefix: '' }) : ''} }`;
}

function fieldsOf(
  schema: GraphQLSchema,
  fields: Record<string, GraphQLField<unknown, unknown>>,
  { depth, prefix }: { depth: number; prefix: string },
): string {
  const chosen = Object.values(fields).flatMap(({ name, type, args }) => {
    if (args.some((arg) => isNonNullType(arg.type) && arg.defaultValue === undefined)) return [];
    const named = getNamedType(type);
    if (!isLeafType(named) && (depth <= 0 || name === 'edges')) return [];
    // A connection doesn't count as a level: `depth` is the distance of its objects from the root.
    const down = named.name.endsWith('Connection') || name === 'nodes' ? depth : depth - 1;
    return [`${prefix}${name}: ${name} ${selectAll(schema, type, name === 'nodes' && depth > 0 ? depth - 1 : down)}`];
  });
  return chosen.join(' ');
}

/** Fills every field of an input that has no ID type, so that a missing field is never the reason for a refusal. */
export function fill(type: GraphQLInputType, known: Record<string, unknown>): Record<string, unknown> {
  const named = getNamedType(type);
  if (!isInputObjectType(named)) return {};
  return Object.fromEntries(
    Object.values(named.getFields()).flatMap((field) => {
      if (field.name in known) return known[field.name] === undefined ? [] : [[field.name, known[field.name]]];
      const inner = getNamedType(field.type);
      const one = isEnumType(inner) ? inner.getValues()[0]?.name : inner.name === 'String' ? `x-${count++}` : SAMPLES[inner.name];
      if (one === undefined) return [];
      return [[field.name, isListType(field.type) ? [one] : one]];
    }),
  );
}

/** The number in the last filled text. Texts are `x-` and a number, because some texts must be unique. */
let count = 0;

const SAMPLES: Record<string, unknown> = { Int: 1, Float: 1, BigInt: '1', JSON: { a: 1 }, DateTime: '2099-01-01T00:00:00Z' };
