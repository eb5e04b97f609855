// Nothing in, a plugin of graphql-yoga out: variables are read and answers are written with all of their digits.
import {
  type ExecutionArgs,
  type GraphQLInputType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  isSpecifiedScalarType,
  Kind,
  typeFromAST,
} from 'graphql';
import type { GraphQLParams, Plugin } from 'graphql-yoga';
import { ExactNumber, parseJson, stringifyJson } from '../runtime/exact-json.mjs';

type Variables = Record<string, unknown>;

/** What it reads is JSON of the right shape: see read-operation.ts. */
export const useExactJson = (): Plugin => ({
  onRequestParse({ request, url, setRequestParser }) {
    setRequestParser(async () => (request.method === 'POST' ? parseJson(await request.text()) : paramsOf(url.searchParams)));
  },
  onExecute({ args }) {
    args.variableValues &&= forTypes(args as ExecutionArgs, args.variableValues as Variables);
    return {
      onExecuteDone({ result }) {
        // Yoga writes the answer by it, where there is one.
        Object.assign(result, { stringify: stringifyJson });
      },
    };
  },
});

function paramsOf(search: URLSearchParams): GraphQLParams {
  const text = (name: string) => search.get(name) || undefined;
  const json = (name: string) => {
    const found = text(name);
    return found && parseJson(found);
  };
  return { operationName: text('operationName'), query: text('query'), variables: json('variables'), extensions: json('extensions') };
}

/** Only scalars of ours know an ExactNumber: for any other type it is the double that graphql-js would have read. */
function forTypes({ schema, document, operationName }: ExecutionArgs, variables: Variables): Variables {
  const types = new Map<string, GraphQLInputType>();
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION || (operationName && definition.name?.value !== operationName)) continue;
    for (const { variable, type } of definition.variableDefinitions ?? []) {
      const found = typeFromAST(schema, type as never);
      if (isInputType(found)) types.set(variable.name.value, found);
    }
  }
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, forType(types.get(name), value)]));
}

function forType(type: GraphQLInputType | undefined, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || type === undefined) return value;
  if (isNonNullType(type)) return forType(type.ofType, value);
  if (isListType(type)) return Array.isArray(value) ? value.map((item) => forType(type.ofType, item)) : forType(type.ofType, value);
  if (value instanceof ExactNumber) {
    if (!isInputObjectType(type) && !isSpecifiedScalarType(type)) return value;
    return type.name === 'ID' && /^-?\d+$/.test(String(value)) ? String(value) : Number(value);
  }
  if (!isInputObjectType(type) || Array.isArray(value)) return value;
  const fields = type.getFields();
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, forType(fields[name]?.type, item)]));
}
