// Knows the variables that Hookgraph gives a query, and checks a query with the schema.
import { GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';
import type { Place } from './place.js';

const VARIABLES = [
  { name: 'nodeId', type: 'ID!', info: 'The global id of the node that has changed.' },
  { name: 'nodeType', type: 'String', info: 'The GraphQL type of the node.' },
];

export interface VariableOption {
  label: string;
  detail: string;
  info: string;
  /** The text to insert: in the query's list of variables, with the variable's type. */
  apply: string;
}

/** Completes `$` with the variables that every query may declare. @param before the text up to the cursor */
export function completeVariable(before: string): { from: number; options: VariableOption[] } | null {
  const typed = /\$\w*$/.exec(before);
  if (!typed) return null;
  const isDeclared = /(^|[}\s])(query|subscription)\s*\w*\s*\([^)]*$/.test(before.slice(0, typed.index));
  const options = VARIABLES.map(({ name, type, info }) => ({
    label: `$${name}`,
    detail: type,
    info,
    apply: isDeclared ? `$${name}: ${type}` : `$${name}`,
  }));
  return { from: typed.index, options };
}

export interface QueryMistake {
  message: string;
  place: Place | null;
}

/** Lists what is wrong with a query; an empty text is no mistake, because a webhook needs no query. */
export function queryMistakes(schema: GraphQLSchema, source: string): QueryMistake[] {
  if (source.trim() === '') return [];
  try {
    return validate(schema, parse(source)).map(toMistake);
  } catch (error) {
    return error instanceof GraphQLError ? [toMistake(error)] : [];
  }
}

const toMistake = ({ message, locations }: GraphQLError): QueryMistake => ({ message, place: locations?.[0] ?? null });
