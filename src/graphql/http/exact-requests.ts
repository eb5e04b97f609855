// A graphql-yoga plugin that keeps all digits of numbers in variables and results.
import {
  type ExecutionArgs,
  GraphQLError,
  type GraphQLInputType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  isScalarType,
  Kind,
  typeFromAST,
} from 'graphql';
import type { GraphQLParams, Plugin } from 'graphql-yoga';
import { ExactNumber, parseJson, stringifyJson } from '../../runtime/exact-json.mjs';
import { isJson, isUtf8, parseMediaType } from '../../runtime/media-type.js';
import { TAKES_DIGITS } from '../scalars.js';

type Variables = Record<string, unknown>;

/** Parses GET requests and JSON bodies. Yoga parses forms and `application/graphql`; any other content type is refused. */
export const useExactJson = (): Plugin => ({
  onRequestParse({ request, url, requestParser, setRequestParser }) {
    const header = request.headers.get('content-type');
    const type = parseMediaType(header);
    if (request.method === 'GET') setRequestParser(() => orBadRequest(() => paramsOf(url.searchParams)));
    else if (type && isJson(type) && isUtf8(type))
      // Yoga passes `limited`, which is the same request but fails when its body is larger than the limit.
      setRequestParser(async (limited) => {
        const text = await limited.text();
        return orBadRequest(() => {
          const sent: unknown = parseJson(text);
          if (typeof sent === 'object' && sent !== null && !(sent instanceof ExactNumber)) return sent as GraphQLParams;
          throw new SyntaxError('the value is not an object');
        });
      });
    // Otherwise yoga would answer a request that it has no parser for without a body.
    else if ((type && isJson(type)) || !requestParser) setRequestParser(() => refuseType(header));
  },
  onExecute({ args }) {
    args.variableValues &&= forTypes(args as ExecutionArgs, args.variableValues as Variables);
    return {
      onExecuteDone({ result }) {
        // Yoga serializes a result with its `stringify` method if it has one. executor.ts may have set it.
        if (!('stringify' in result)) Object.assign(result, { stringify: stringifyJson });
      },
    };
  },
});

function refuseType(header: string | null): never {
  const extensions = { code: 'UNSUPPORTED_MEDIA_TYPE', http: { status: 415 } };
  throw new GraphQLError(wrongType(header), { extensions });
}

/** Says what the Content-Type of a request must be. */
export function wrongType(header: string | null | undefined): string {
  const given = header ? `is ${JSON.stringify(header.slice(0, 100))}` : 'is missing';
  return `The Content-Type ${given}, but must be application/json in UTF-8.`;
}

function orBadRequest(read: () => GraphQLParams): GraphQLParams {
  try {
    return read();
  } catch (cause) {
    const extensions = { code: 'BAD_REQUEST', http: { status: 400 } };
    throw new GraphQLError(`Parsing the request as JSON failed: ${(cause as Error).message}`, { extensions });
  }
}

function paramsOf(search: URLSearchParams): GraphQLParams {
  const text = (name: string) => search.get(name) || undefined;
  const json = (name: string) => {
    const found = text(name);
    return found && parseJson(found);
  };
  return { operationName: text('operationName'), query: text('query'), variables: json('variables'), extensions: json('extensions') };
}

/**
 * Keeps an ExactNumber only for scalars with the extension TAKES_DIGITS. For any other type, converts it to the value
 * that graphql-js expects: a double or, for an ID, its text.
 */
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
    if (isScalarType(type) && TAKES_DIGITS in type.extensions) return value;
    return type.name === 'ID' && /^-?\d+$/.test(String(value)) ? String(value) : Number(value);
  }
  if (!isInputObjectType(type) || Array.isArray(value)) return value;
  const fields = type.getFields();
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, forType(fields[name]?.type, item)]));
}
