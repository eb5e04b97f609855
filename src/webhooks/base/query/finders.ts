// Checks the root fields by which the host finds a node by its key, and builds queries that call them.
import {
  type DocumentNode,
  type FieldNode,
  GraphQLError,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isAbstractType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  parse,
  parseType,
  type SelectionSetNode,
  TypeInfo,
  type VariableDefinitionNode,
  validate,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import type { AnnouncedNode, Host } from '../model.js';
import { announcedNode } from '../own-node.js';
import { formOfType, givenValue, keyNames, keyTexts } from './key-variables.js';

/** A finder: a root field of the host's schema that returns one node by its key. */
export interface Finder {
  field: FieldNode;
  /** Name of each variable in the arguments → the GraphQL input type that is expected there. */
  types: Map<string, GraphQLInputType>;
}

const known = new WeakMap<GraphQLSchema, Map<string, Finder | null>>();

/**
 * Returns the root field that finds a node of this type: the field that the host names in `find`, otherwise `node(id:)`; `null` when the
 * schema has neither.
 */
export function finderOf(host: Host, typename: string): Finder | null {
  const schema = host.schema();
  const ofSchema = known.get(schema) ?? new Map<string, Finder | null>();
  known.set(schema, ofSchema);
  const found = ofSchema.get(typename);
  if (found !== undefined) return found;
  const source = host.find?.[typename];
  const finder = source === undefined ? null : readFinder(schema, source);
  const usable = finder && !('problem' in finder) ? finder : hasNodeField(schema, typename) ? nodeFinder(schema) : null;
  ofSchema.set(typename, usable);
  return usable;
}

/** Whether the schema's root field `node` is Relay's lookup by id and can return this type, and isn't another field of the same name. */
function hasNodeField(schema: GraphQLSchema, typename: string): boolean {
  const field = schema.getQueryType()?.getFields().node;
  const type = schema.getType(typename);
  if (!field || !isObjectType(type)) return false;
  const answers = getNullableType(field.type);
  const byId = field.args.some(({ name, type: argument }) => name === 'id' && ['ID', 'String'].includes(getNamedType(argument).name));
  return byId && isAbstractType(answers) && schema.isSubType(answers, type);
}

const nodeFinder = (schema: GraphQLSchema): Finder | null => {
  const finder = readFinder(schema, 'node(id: $nodeId)');
  return 'problem' in finder ? null : finder;
};

function readFinder(schema: GraphQLSchema, source: string): Finder | { problem: string } {
  let document: DocumentNode;
  try {
    document = parse(`{ ${source} }`);
  } catch (error) {
    return { problem: `can't be parsed: ${error instanceof GraphQLError ? error.message : 'it is nested too deeply'}` };
  }
  const [operation, second] = document.definitions;
  const [field, other] = (operation as OperationDefinitionNode).selectionSet.selections;
  if (second || other || field?.kind !== Kind.FIELD) return { problem: 'must be a single root field with its arguments' };
  if (field.alias || field.selectionSet || field.directives?.length)
    return { problem: 'must be a root field with nothing but arguments: no alias, no directive, no selection of fields' };
  const types = new Map<string, GraphQLInputType>();
  const typeInfo = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(typeInfo, {
      Variable({ name }) {
        const type = typeInfo.getInputType();
        if (type) types.set(name.value, type);
      },
    }),
  );
  return { field, types };
}

/**
 * Builds one query that finds the nodes with these keys. The node of `keys[0]` has the alias `n0`, the next one `n1`. Texts that can't be
 * keys of the node are skipped. `isEmpty`: all texts were skipped.
 */
export function askFor(
  host: Host,
  finder: Finder,
  node: AnnouncedNode,
  keys: readonly string[],
  selectionSet: SelectionSetNode,
): { document: DocumentNode; variableValues: Record<string, unknown>; isEmpty: boolean } {
  const names = keyNames(node);
  const variableValues: Record<string, unknown> = {};
  const variableDefinitions: VariableDefinitionNode[] = [];
  const fields = keys.flatMap((key, index): FieldNode[] => {
    const texts = keyTexts(node, key);
    if (!texts) return [];
    for (const [name, type] of finder.types) {
      const part = names.get(name);
      const form = formOfType(type);
      const own = `${name}_${index}`;
      const variable = { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: own } } as const;
      variableDefinitions.push({ kind: Kind.VARIABLE_DEFINITION, variable, type: parseType(String(type)) });
      if (part !== undefined && form) variableValues[own] = givenValue(form, texts[part] as string);
      else if (name === 'nodeId') variableValues[own] = host.toGlobalId(node.typename, key);
      else if (name === 'nodeType') variableValues[own] = node.typename;
    }
    const field = visit(finder.field, {
      Variable: ({ name, ...rest }) => ({ ...rest, name: { ...name, value: `${name.value}_${index}` } }),
    });
    return [{ ...field, alias: { kind: Kind.NAME, value: `n${index}` }, selectionSet }];
  });
  const operation: OperationDefinitionNode = {
    kind: Kind.OPERATION_DEFINITION,
    operation: OperationTypeNode.QUERY,
    variableDefinitions,
    selectionSet: { kind: Kind.SELECTION_SET, selections: fields },
  };
  return { document: { kind: Kind.DOCUMENT, definitions: [operation] }, variableValues, isEmpty: fields.length === 0 };
}

/**
 * Checks `find`, which maps a typename to the root field (finder) that finds its nodes by their keys. Returns a message with advice for
 * each mistake; empty when all finders can be used. Call it at start, with the schema on which stored queries run.
 */
export function finderProblems(schema: GraphQLSchema, nodes: AnnouncedNode[], find: Record<string, string>): string[] {
  return Object.entries(find).flatMap(([typename, source]) => {
    const problemOf = (problem: string) => `find.${typename} ${JSON.stringify(source)} ${problem}`;
    const node = announcedNode({ nodes }, typename);
    if (!node)
      return [problemOf(`is for a type that isn't announced; the announced types are ${nodes.map((one) => one.typename).join(', ')}.`)];
    const type = schema.getType(typename);
    if (!isObjectType(type))
      return [problemOf(`is for a type that the schema doesn't have: remove the finder, or correct the type's name.`)];
    const finder = readFinder(schema, source);
    if ('problem' in finder) return [problemOf(`${finder.problem}. Write it like ${JSON.stringify(proposalFor(schema, node))}.`)];
    return fieldProblems(schema, node, finder).map(problemOf);
  });
}

function fieldProblems(schema: GraphQLSchema, node: AnnouncedNode, finder: Finder): string[] {
  const { field } = finder;
  const name = field.name.value;
  const root = schema.getQueryType()?.getFields()[name];
  if (!root) return [`names the root field ${name}, which the schema doesn't have; ${fieldsThatAnswer(schema, node)}`];
  const type = getNamedType(root.type);
  const answers =
    type.name === node.typename || (isAbstractType(type) && schema.getPossibleTypes(type).some((one) => one.name === node.typename));
  if (!answers)
    return [`names the root field ${name}, which returns ${root.type} instead of ${node.typename}; ${fieldsThatAnswer(schema, node)}`];
  const declared = root.args.map((argument) => `${argument.name}: ${argument.type}`).join(', ');
  const names = keyNames(node);
  const supplied = [...names.keys(), 'nodeId', 'nodeType'].map((one) => `$${one}`).join(', ');
  const problems: string[] = [];
  for (const [variable, input] of variablesIn(finder)) {
    const part = names.get(variable);
    if (part === undefined && variable !== 'nodeId' && variable !== 'nodeType')
      problems.push(`uses $${variable}, which Hookgraph doesn't supply; for ${node.typename} it supplies ${supplied}.`);
    else if (input && part !== undefined && formOfType(input) === null)
      problems.push(
        `passes $${variable} where the type ${input} is expected, but a part of a key is a single value: put it inside a list or an object, or use another field.`,
      );
  }
  const { document } = askFor({ toGlobalId: () => '' } as unknown as Host, finder, node, [exampleKey(node)], {
    kind: Kind.SELECTION_SET,
    selections: [{ kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } }],
  });
  // Errors about variables are skipped, because the variables were checked above.
  for (const { message } of validate(schema, document))
    if (!/^Variable "\$/.test(message)) problems.push(`doesn't fit the schema: ${message}; the arguments of ${name} are (${declared}).`);
  return problems;
}

const exampleKey = ({ key }: AnnouncedNode): string => (key.length === 1 ? '1' : JSON.stringify(key.map(() => '1')));

function variablesIn({ field, types }: Finder): Map<string, GraphQLInputType | undefined> {
  const found = new Map<string, GraphQLInputType | undefined>();
  visit(field, { Variable: ({ name }) => void found.set(name.value, types.get(name.value)) });
  return found;
}

function fieldsThatAnswer(schema: GraphQLSchema, node: AnnouncedNode): string {
  const fields = Object.values(schema.getQueryType()?.getFields() ?? {}).filter(
    ({ type }) => getNamedType(type).name === node.typename && !isListType(getNullableType(type)),
  );
  if (fields.length === 0) return `no root field returns a single ${node.typename}: add such a field, or leave the finder out.`;
  const shown = fields.map(({ name, args }) => `${name}(${args.map((argument) => `${argument.name}: ${argument.type}`).join(', ')})`);
  return `root fields that return a single ${node.typename}: ${shown.join(', ')}.`;
}

function proposalFor(schema: GraphQLSchema, node: AnnouncedNode): string {
  const [found] = Object.values(schema.getQueryType()?.getFields() ?? {}).filter(
    ({ type, args }) => getNamedType(type).name === node.typename && !isListType(getNullableType(type)) && args.length > 0,
  );
  const names = [...keyNames(node).keys()];
  const name = found?.name ?? node.typename.charAt(0).toLowerCase() + node.typename.slice(1);
  const args = found?.args.map((argument) => `${argument.name}: $${names.includes(argument.name) ? argument.name : names[0]}`) ?? [];
  return `${name}(${
    args.length > 0
      ? args.join(', ')
      : names
          .slice(0, node.key.length)
          .map((one) => `${one}: $${one}`)
          .join(', ')
  })`;
}
