// Searches a GraphQL schema for finders: root fields such as `space(id: $id)` that return one row by its key.
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';
import { camelCase } from '../../sources/catalog/fields.js';
import { type AnnouncedNode, finderProblems } from '../../webhooks/index.js';
import { lowerFirst } from './names.js';

/** Whether the root field `node(id:)` can return the type, so that the type needs no finder of its own. */
export function isFoundByNode(schema: GraphQLSchema, typename: string): boolean {
  const field = schema.getQueryType()?.getFields().node;
  const type = schema.getType(typename);
  const answers = field && getNullableType(field.type);
  return (
    isInterfaceType(answers) &&
    isObjectType(type) &&
    schema.isSubType(answers, type) &&
    field?.args.some(({ name }) => name === 'id') === true
  );
}

/** Returns a finder such as `space(id: $id)`; `null` when no root field returns a row by its key. */
export function finderFor(schema: GraphQLSchema, node: AnnouncedNode): string | null {
  const fields = Object.values(schema.getQueryType()?.getFields() ?? {}).filter(
    ({ type }) => getNamedType(type).name === node.typename && !isListType(getNullableType(type)),
  );
  const cost = ({ name, args }: GraphQLField<unknown, unknown>) => (name === lowerFirst(node.typename) ? 0 : 100) + args.length;
  fields.sort((a, b) => cost(a) - cost(b));
  const sources = fields.flatMap(({ name, args }) => fillings(args, node).map((filled) => (filled === '' ? name : `${name}(${filled})`)));
  return sources.find((source) => finderProblems(schema, [node], { [node.typename]: source }).length === 0) ?? null;
}

/**
 * Returns the texts of arguments that pass the node's key to a root field, such as `id: $id`. Each column of the key needs
 * an argument, and each required argument needs a column. The tenant's column needs no argument, because resolvers get the
 * tenant from the context.
 */
function fillings(args: readonly GraphQLArgument[], node: AnnouncedNode): string[] {
  const [only, second] = args.filter(isRequiredArgument);
  const type = only && getNullableType(only.type);
  const inside = only && !second && isInputObjectType(type) ? fill(Object.values(type.getFields()), node) : null;
  return [fill(args, node), inside && `${only?.name}: { ${inside} }`].filter((filled) => filled !== null);
}

function fill(list: readonly (GraphQLArgument | GraphQLInputField)[], node: AnnouncedNode): string | null {
  const tenant = 'column' in node.tenant ? node.tenant.column : null;
  const usual = node.key.length === 1 ? ['id', 'uuid', 'key', 'nodeId', `${lowerFirst(node.typename)}Id`] : [];
  const found = node.key.map((column) => {
    const supplied = [node.columns[column] ?? camelCase(column), camelCase(column)];
    const at = list.find(({ name }) => [...supplied, column].includes(name)) ?? list.find(({ name }) => usual.includes(name));
    const variable = node.key.length === 1 ? 'id' : at && supplied.includes(at.name) ? at.name : camelCase(column);
    return { column, at, variable };
  });
  const isRequired = (one: GraphQLArgument | GraphQLInputField) => isNonNullType(one.type) && one.defaultValue === undefined;
  if (found.some(({ column, at }) => !at && column !== tenant)) return null;
  if (list.some((one) => isRequired(one) && !found.some(({ at }) => at === one))) return null;
  return found.flatMap(({ at, variable }) => (at ? [`${at.name}: $${variable}`] : [])).join(', ');
}
