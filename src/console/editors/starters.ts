// Writes a first query and a first template for a topic, so that nobody begins with an empty editor.
import {
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';
import { isList } from './selection.js';
import type { Shape } from './shape.js';

const MAX_FIELDS = 8;
/** Fields that most receivers want come first. */
const FIRST = ['id', 'name', 'title', 'state', 'status', 'email', 'createdAt', 'updatedAt'];

/** Returns a query that selects some fields of the node; `null` when the schema has no field that finds it by its id or key. */
export function starterQuery(schema: GraphQLSchema, nodeType: string): string | null {
  const type = schema.getType(nodeType);
  if (!isObjectType(type)) return null;
  const fields = leafFields(type);
  const node = schema.getQueryType()?.getFields().node;
  const id = node?.args.find(({ name }) => name === 'id');
  if (node && id) return `query ($nodeId: ID!) {\n  node(id: $nodeId) {\n    ... on ${nodeType} {\n${lines(fields, 6)}\n    }\n  }\n}\n`;
  const finder = Object.values(schema.getQueryType()?.getFields() ?? {}).find(
    (field) => getNamedType(field.type) === type && !isList(field.type) && field.args.filter(isRequiredArgument).length === 1,
  );
  const key = finder?.args.find(isRequiredArgument);
  if (!finder || !key) return null;
  return `query ($id: ${key.type}) {\n  ${finder.name}(${key.name}: $id) {\n${lines(fields, 4)}\n  }\n}\n`;
}

const lines = (names: readonly string[], indent: number) => names.map((name) => ' '.repeat(indent) + name).join('\n');

function leafFields(type: GraphQLObjectType): string[] {
  const names = Object.values(type.getFields())
    .filter(isPlain)
    .map(({ name }) => name);
  const rank = (name: string) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  const chosen = names.sort((one, other) => rank(one) - rank(other)).slice(0, MAX_FIELDS);
  return chosen.length === 0 ? ['__typename'] : chosen;
}

const isPlain = ({ type, args, deprecationReason }: GraphQLField<unknown, unknown>) =>
  isLeafType(getNamedType(type)) && !args.some(isRequiredArgument) && deprecationReason == null;

/** Returns a template that writes each value of the query's result. */
export function starterTemplate(data: Shape, contentType: 'JSON' | 'XML'): string {
  const values = leaves(data, ['data']).slice(0, 2 * MAX_FIELDS);
  const unique = (path: readonly string[]) =>
    values.filter((other) => other.at(-1) === path.at(-1)).length > 1 ? path.slice(-2).join('_') : (path.at(-1) ?? '');
  if (contentType === 'JSON') return `{\n${values.map((path) => `  "${unique(path)}": {{ ${path.join('.')} | json }}`).join(',\n')}\n}\n`;
  const elements = values.map((path) => `  <${unique(path)}>{{ ${path.join('.')} }}</${unique(path)}>`);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<notification>\n${elements.join('\n')}\n</notification>\n`;
}

/** Returns the paths of all values outside of lists. */
function leaves(shape: Shape, path: readonly string[]): string[][] {
  if (!shape.fields) return [[...path]];
  if (shape.isList) return [];
  return Object.entries(shape.fields).flatMap(([name, inner]) => leaves(inner, [...path, name]));
}
