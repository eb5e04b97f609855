// A subscriber's GraphQL source + the schema -> its document, or every problem with line, column and caret. Executes nothing.
import {
  type ASTNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  getLocation,
  Kind,
  NoUnusedVariablesRule,
  type OperationDefinitionNode,
  parse,
  recommendedRules,
  type SelectionSetNode,
  specifiedRules,
  type TypeNode,
  type VariableDefinitionNode,
  validate,
} from 'graphql';
import { type Problem, problemAt } from './errors.js';

export interface QueryLimits {
  /** Fields that one execution selects, fragments expanded. */
  fields: number;
  /** Levels of fields, fragments expanded. */
  depth: number;
}

/** Characters of a query's source. */
export const MAX_QUERY_LENGTH = 32_768;
const MAX_TOKENS = 5_000;
const MAX_PROBLEMS = 20;
/** What the server supplies; both are strings on the wire. */
export const VARIABLES: Record<string, string> = { nodeId: 'ID', nodeType: 'String' };

export type CheckedQuery = { document: DocumentNode; problems?: undefined } | { document?: undefined; problems: Problem[] };

/** One read operation that validates against the schema, within the limits, with no variable that the server doesn't supply. */
export function checkQuery(schema: GraphQLSchema, source: string, limits: QueryLimits): CheckedQuery {
  const at = (message: string, node?: ASTNode): Problem => problemAt('query', message, source, placeOf(node));
  if (source.length > MAX_QUERY_LENGTH)
    return { problems: [{ field: 'query', message: `has ${source.length} characters, more than ${MAX_QUERY_LENGTH}` }] };
  let document: DocumentNode;
  try {
    document = parse(source, { maxTokens: MAX_TOKENS });
  } catch (error) {
    return { problems: [fromGraphQL(error, source)] };
  }
  // Before validation, whose cost grows with what is selected.
  const problems = [...operationProblems(document, at), ...sizeProblems(document, limits, at)];
  if (problems.length > 0) return { problems };
  // The two supplied variables may be declared and not used: the guide's queries declare both. No others get this far.
  const rules = [...new Set([...specifiedRules, ...recommendedRules])].filter((rule) => rule !== NoUnusedVariablesRule);
  const invalid = validate(schema, document, rules, { maxErrors: MAX_PROBLEMS });
  return invalid.length > 0 ? { problems: invalid.map((error) => fromGraphQL(error, source)) } : { document };
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

interface Size {
  fields: number;
  depth: number;
}

function sizeProblems(document: DocumentNode, limits: QueryLimits, at: At): Problem[] {
  const fragments = new Map<string, FragmentDefinitionNode>();
  let operation: OperationDefinitionNode | undefined;
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
    else if (definition.kind === Kind.OPERATION_DEFINITION) operation = definition;
  }
  if (!operation) return [];
  const sizes = new Map<string, Size>();
  const measureFragment = (name: string): Size => {
    const known = sizes.get(name);
    if (known) return known;
    // A fragment inside itself counts nothing here; validation refuses it.
    sizes.set(name, { fields: 0, depth: 0 });
    const fragment = fragments.get(name);
    const size = fragment ? measure(fragment.selectionSet) : { fields: 0, depth: 0 };
    sizes.set(name, size);
    return size;
  };
  const measure = (set: SelectionSetNode): Size => {
    const size = { fields: 0, depth: 0 };
    for (const selection of set.selections) {
      let inner: Size = { fields: 0, depth: 0 };
      if (selection.kind === Kind.FRAGMENT_SPREAD) inner = measureFragment(selection.name.value);
      else if (selection.selectionSet) inner = measure(selection.selectionSet);
      const own = selection.kind === Kind.FIELD ? 1 : 0;
      size.fields += inner.fields + own;
      size.depth = Math.max(size.depth, inner.depth + own);
    }
    return size;
  };
  const { fields, depth } = measure(operation.selectionSet);
  const problems: Problem[] = [];
  if (fields > limits.fields) problems.push(at(`selects ${fields} fields, fragments expanded; the limit is ${limits.fields}`, operation));
  if (depth > limits.depth) problems.push(at(`is ${depth} levels deep, fragments expanded; the limit is ${limits.depth}`, operation));
  return problems;
}

function placeOf(node: ASTNode | undefined): { line: number; column: number } {
  return node?.loc ? getLocation(node.loc.source, node.loc.start) : { line: 1, column: 1 };
}

function fromGraphQL(error: unknown, source: string): Problem {
  if (!(error instanceof GraphQLError)) return { field: 'query', message: 'is nested too deeply' };
  const place = error.locations?.[0] ?? { line: 1, column: 1 };
  return problemAt('query', error.message, source, { line: place.line, column: place.column });
}
