// Parses and validates a stored query. Returns its document, or all problems with line, column and caret. Executes nothing.
import {
  type ASTNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  getLocation,
  Kind,
  NoUnusedVariablesRule,
  parse,
  print,
  recommendedRules,
  Source,
  specifiedRules,
  type TypeNode,
  type VariableDefinitionNode,
  validate,
} from 'graphql';
import { type Problem, problemAt } from '../errors.js';
import type { AnnouncedNode } from '../model.js';
import { formOf, type KeyVariable, keyNames, VARIABLES } from './key-variables.js';
import { measureQuery, type Size } from './measure-query.js';
import { type ConfiguredLimits, type QueryLimits, storedLimits } from './query-limits.js';
import { findRepeats } from './repeated-fields.js';
import { scanQuery } from './scan-query.js';

const MAX_PROBLEMS = 20;

/** A document that passed all checks, or the problems. `keys`: the variables of the query whose values are parts of the node's key. */
export type CheckedQuery =
  | { document: DocumentNode; keys: KeyVariable[]; problems?: undefined }
  | { document?: undefined; problems: Problem[] };

/** The node type that a stored query is about, and the arguments that set its page sizes. */
export interface QuerySubject {
  /** The topic's node, whose key is supplied as variables; `null` when it isn't announced. */
  node: AnnouncedNode | null;
  topicKey?: string;
  pageArguments?: readonly string[] | undefined;
}

/**
 * Checks that the source has a single query operation, which is valid for the schema and within the limits, and declares only variables
 * that the server supplies.
 */
export function checkQuery(
  schema: GraphQLSchema,
  source: string,
  configured: ConfiguredLimits,
  subject: QuerySubject = { node: null },
): CheckedQuery {
  const limits = storedLimits(configured);
  const at = (message: string, node?: ASTNode): Problem => problemAt('query', message, source, placeOf(node));
  const parsed = parseWithin(source, limits);
  if (parsed instanceof GraphQLError) return { problems: [fromGraphQL(parsed, source)] };
  // These checks come before validation, whose cost grows with the number of selections.
  const keys: KeyVariable[] = [];
  const misfits = operationProblems(parsed, at, (variable) => addVariable(schema, subject, variable, keys, at));
  if (misfits.length > 0) return { problems: misfits };
  const breaches = limitErrors(schema, parsed, limits, undefined, subject.pageArguments);
  if (breaches.length > 0) return { problems: breaches.map((error) => fromGraphQL(error, source)) };
  // The rule against unused variables is left out, because a query may declare a supplied variable and not use it. addVariable has already
  // rejected variables that aren't supplied.
  const rules = [...new Set([...specifiedRules, ...recommendedRules])].filter((rule) => rule !== NoUnusedVariablesRule);
  const invalid = validate(schema, parsed, rules, { maxErrors: MAX_PROBLEMS });
  return invalid.length > 0 ? { problems: invalid.map((error) => fromGraphQL(error, source)) } : { document: parsed, keys };
}

/** Parses a source whose length, tokens, nesting, literals and directives are within the limits. Returns the first mistake otherwise. */
export function parseWithin(body: string, limits: QueryLimits): DocumentNode | GraphQLError {
  const source = new Source(body);
  const breach = scanQuery(body, limits);
  if (breach) return new GraphQLError(breach.message, { source, positions: [breach.start] });
  try {
    return parse(source);
  } catch (error) {
    return error instanceof GraphQLError ? error : new GraphQLError('is nested too deeply', { source, positions: [0] });
  }
}

/**
 * Returns an error for each limit that an operation exceeds, in linear time. Call it before the document is validated or executed.
 * @param variables the variables of the request, for page sizes; if absent, a page size given by a variable counts as unbounded
 * @param pageArguments names of the arguments that set the size of a page; default: PAGE_ARGUMENTS in measure-query.ts
 */
export function limitErrors(
  schema: GraphQLSchema,
  document: DocumentNode,
  limits: QueryLimits,
  variables?: Record<string, unknown>,
  pageArguments?: readonly string[],
): GraphQLError[] {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.FRAGMENT_DEFINITION) continue;
    const name = definition.name.value;
    if (fragments.has(name)) return [new GraphQLError(`There can be only one fragment named "${name}"`, { nodes: definition })];
    fragments.set(name, definition);
    if (fragments.size > limits.fragments)
      return [new GraphQLError(`defines more than ${limits.fragments} fragments, which is the limit`, { nodes: definition })];
  }
  const unused = new Set(fragments.keys());
  const errors = document.definitions.flatMap((operation) => {
    if (operation.kind !== Kind.OPERATION_DEFINITION) return [];
    const measured = measureQuery(schema, fragments, operation, variables, pageArguments);
    for (const name of measured.spread) unused.delete(name);
    const [cycle] = measured.cycles;
    if (cycle) return [new GraphQLError(cycle.message, { nodes: cycle.spread })];
    const error = (metric: keyof Size, limit: number, describe: (size: number) => string) =>
      measured[metric] > limit ? [new GraphQLError(describe(measured[metric]), { nodes: measured.worst(metric, limit) })] : [];
    // The search for repeated fields is skipped when there are too many fields, because it compares pairs of them.
    const repeated = () => {
      const field = measured.fields > fields ? null : findRepeats(operation, fragments, repeats);
      const message = `repeats the same fields too often: validation would compare more than ${repeats} pairs, which is the limit`;
      return field ? [new GraphQLError(message, { nodes: field })] : [];
    };
    const { repeats, rootFields, aliases, fields, depth, cost, introspection } = limits;
    return [
      ...error('width', rootFields, (size) => `has ${size} root fields, fragments expanded; the limit is ${rootFields}`),
      ...error('aliases', aliases, (size) => `has ${size} aliases, fragments expanded; the limit is ${aliases}`),
      ...error('fields', fields, (size) => `selects ${size} fields, fragments expanded; the limit is ${fields}`),
      ...error('depth', depth, (size) => `is ${size} levels deep, fragments expanded; the limit is ${depth}`),
      ...error(
        'cost',
        cost,
        (size) => `costs ${size}, where each field counts once per item of the pages and lists above it; the limit is ${cost}`,
      ),
      ...error('introspection', introspection, (size) =>
        introspection === 0
          ? 'uses introspection, which only requests to the API may use'
          : `selects ${size} introspection fields; the limit is ${introspection}`,
      ),
      ...repeated(),
    ];
  });
  // An unused fragment is an error, because it was not measured, but validation would process it.
  if (errors.length > 0 || unused.size === 0) return errors;
  return [...unused]
    .slice(0, MAX_PROBLEMS)
    .map((name) => new GraphQLError(`Fragment "${name}" is never used`, { nodes: fragments.get(name) }));
}

type At = (message: string, node?: ASTNode) => Problem;
type AddVariable = (variable: VariableDefinitionNode) => Problem | null;

function operationProblems(document: DocumentNode, at: At, add: AddVariable): Problem[] {
  const operations = document.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  const [operation, second] = operations;
  if (!operation) return [at('must contain a query operation', document.definitions[0])];
  if (second) return [at(`must contain a single operation; this is the second of ${operations.length}`, second)];
  if (operation.operation !== 'query') return [at(`must be a query, not a ${operation.operation}`, operation)];
  return (operation.variableDefinitions ?? []).slice(0, MAX_PROBLEMS).flatMap((variable) => add(variable) ?? []);
}

/**
 * Checks a variable that the query declares, and adds it to `keys` if its value is a part of the node's key. Returns the problem with the
 * variable; `null` when there is none.
 */
function addVariable(
  schema: GraphQLSchema,
  { node, topicKey }: QuerySubject,
  variable: VariableDefinitionNode,
  keys: KeyVariable[],
  at: At,
): Problem | null {
  const name = variable.variable.name.value;
  const names = node ? keyNames(node) : new Map<string, number>();
  if (Object.hasOwn(VARIABLES, name)) {
    const named = namedType(variable.type);
    if (named === 'ID' || named === 'String') return null;
    return at(`declares $${name} with the wrong type: the server supplies ${name === 'nodeId' ? 'ID!' : VARIABLES[name]}`, variable.type);
  }
  const part = names.get(name);
  if (part === undefined) {
    const forTopic = topicKey === undefined ? '' : `for ${topicKey} `;
    return at(`declares $${name}, which the server doesn't supply; ${forTopic}it supplies ${listSupplied(names)}`, variable);
  }
  const form = formOf(schema, variable.type);
  if (form) keys.push({ name, part, form });
  return form
    ? null
    : at(
        `declares $${name} as ${print(variable.type)}, but its value is a single scalar: declare a scalar or enum type of the schema`,
        variable.type,
      );
}

function listSupplied(names: ReadonlyMap<string, number>): string {
  const always = '$nodeId: ID! and $nodeType: String';
  const parts = [...names.keys()].map((name) => `$${name}`);
  if (parts.length === 0) return always;
  return `$nodeId: ID!, $nodeType: String and, with the type that the query declares, ${parts.join(', ')}`;
}

function namedType(type: TypeNode): string | null {
  if (type.kind === Kind.NON_NULL_TYPE) return namedType(type.type);
  return type.kind === Kind.NAMED_TYPE ? type.name.value : null;
}

function placeOf(node: ASTNode | undefined): { line: number; column: number } {
  return node?.loc ? getLocation(node.loc.source, node.loc.start) : { line: 1, column: 1 };
}

function fromGraphQL(error: GraphQLError, source: string): Problem {
  const place = error.locations?.[0] ?? { line: 1, column: 1 };
  return problemAt('query', error.message, source, { line: place.line, column: place.column });
}
