// A GraphQL source + the schema -> its document, or every problem with line, column and caret. Executes nothing.
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
  recommendedRules,
  Source,
  specifiedRules,
  type TypeNode,
  type VariableDefinitionNode,
  validate,
} from 'graphql';
import { type Problem, problemAt } from '../errors.js';
import { measureQuery, type Size } from './measure-query.js';
import { type ConfiguredLimits, type QueryLimits, storedLimits } from './query-limits.js';
import { findRepeats } from './repeated-fields.js';
import { scanQuery } from './scan-query.js';

const MAX_PROBLEMS = 20;
/** What the server supplies; both are strings on the wire. */
export const VARIABLES: Record<string, string> = { nodeId: 'ID', nodeType: 'String' };

export type CheckedQuery = { document: DocumentNode; problems?: undefined } | { document?: undefined; problems: Problem[] };

/** One read operation that validates against the schema, within the limits, with no variable that the server doesn't supply. */
export function checkQuery(schema: GraphQLSchema, source: string, configured: ConfiguredLimits): CheckedQuery {
  const limits = storedLimits(configured);
  const at = (message: string, node?: ASTNode): Problem => problemAt('query', message, source, placeOf(node));
  const parsed = parseWithin(source, limits);
  if (parsed instanceof GraphQLError) return { problems: [fromGraphQL(parsed, source)] };
  // Before validation, whose cost grows with what is selected.
  const misfits = operationProblems(parsed, at);
  if (misfits.length > 0) return { problems: misfits };
  const breaches = limitErrors(schema, parsed, limits);
  if (breaches.length > 0) return { problems: breaches.map((error) => fromGraphQL(error, source)) };
  // The two supplied variables may be declared and not used: the guide's queries declare both. No others get this far.
  const rules = [...new Set([...specifiedRules, ...recommendedRules])].filter((rule) => rule !== NoUnusedVariablesRule);
  const invalid = validate(schema, parsed, rules, { maxErrors: MAX_PROBLEMS });
  return invalid.length > 0 ? { problems: invalid.map((error) => fromGraphQL(error, source)) } : { document: parsed };
}

/** The document of a source whose length, tokens, nesting, literals and directives are within the limits; else what is wrong, and where. */
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
 * Every limit that an operation of the document breaks, in linear time. To be asked before the document is validated or run.
 * @param variables what the request brings, for the sizes of pages; absent: they count as the greatest
 */
export function limitErrors(
  schema: GraphQLSchema,
  document: DocumentNode,
  limits: QueryLimits,
  variables?: Record<string, unknown>,
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
    const measured = measureQuery(schema, fragments, operation, variables);
    for (const name of measured.spread) unused.delete(name);
    const [cycle] = measured.cycles;
    if (cycle) return [new GraphQLError(cycle.message, { nodes: cycle.spread })];
    const error = (metric: keyof Size, limit: number, told: (size: number) => string) =>
      measured[metric] > limit ? [new GraphQLError(told(measured[metric]), { nodes: measured.worst(metric, limit) })] : [];
    // Their number is within a limit first.
    const repeated = () => {
      const field = measured.fields > fields ? null : findRepeats(operation, fragments, repeats);
      const message = `selects the same fields so often that more than ${repeats} pairs have to be compared, which is the limit`;
      return field ? [new GraphQLError(message, { nodes: field })] : [];
    };
    const { repeats, rootFields, aliases, fields, depth, cost, introspection } = limits;
    return [
      ...error('width', rootFields, (size) => `has ${size} root fields, fragments expanded; the limit is ${rootFields}`),
      ...error('aliases', aliases, (size) => `has ${size} aliases, fragments expanded; the limit is ${aliases}`),
      ...error('fields', fields, (size) => `selects ${size} fields, fragments expanded; the limit is ${fields}`),
      ...error('depth', depth, (size) => `is ${size} levels deep, fragments expanded; the limit is ${depth}`),
      ...error('cost', cost, (size) => `costs ${size}, each field times the sizes of the pages and lists above it; the limit is ${cost}`),
      ...error('introspection', introspection, (size) =>
        introspection === 0
          ? 'asks about the schema itself, which only a request to the API may'
          : `asks for ${size} parts of the schema; the limit is ${introspection}`,
      ),
      ...repeated(),
    ];
  });
  // What nothing spreads wasn't measured, and would cost its validation all the same.
  if (errors.length > 0 || unused.size === 0) return errors;
  return [...unused]
    .slice(0, MAX_PROBLEMS)
    .map((name) => new GraphQLError(`Fragment "${name}" is never used`, { nodes: fragments.get(name) }));
}

type At = (message: string, node?: ASTNode) => Problem;

function operationProblems(document: DocumentNode, at: At): Problem[] {
  const operations = document.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  const [operation, second] = operations;
  if (!operation) return [at('must hold a query operation', document.definitions[0])];
  if (second) return [at(`must hold one operation, and this is the second of ${operations.length}`, second)];
  if (operation.operation !== 'query') return [at(`must be a query: a ${operation.operation} is not run for a notification`, operation)];
  return (operation.variableDefinitions ?? []).slice(0, MAX_PROBLEMS).flatMap((variable) => variableProblem(variable, at) ?? []);
}

function variableProblem(variable: VariableDefinitionNode, at: At): Problem | null {
  const name = variable.variable.name.value;
  const expected = Object.hasOwn(VARIABLES, name) ? VARIABLES[name] : undefined;
  if (!expected) return at(`declares $${name}, which the server doesn't supply; it supplies $nodeId: ID! and $nodeType: String`, variable);
  const named = namedType(variable.type);
  if (named === 'ID' || named === 'String') return null;
  return at(`declares $${name} of a type that the server doesn't supply: it is ${name === 'nodeId' ? 'ID!' : expected}`, variable.type);
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
