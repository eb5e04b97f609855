// A graphql-yoga plugin that parses the documents of requests, refuses documents that exceed the limits, and validates all others.
import { type DocumentNode, GraphQLError, Kind, type TypeNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { limitErrors, parseWithin, type QueryLimits } from '../../webhooks/index.js';

/** Maximum number of cached documents, and maximum length of a document's source in characters. */
const KEPT = { count: 500, length: 10_000 };

/** Creates the plugin. It replaces yoga's own cache, which keeps a thousand sources of any length and doesn't apply `limits`. */
export function useDocuments(limits: QueryLimits): Plugin {
  const documents = new Map<string, DocumentNode>();
  const valid = new WeakSet<DocumentNode>();
  /** Documents that are valid and within the limits whatever their variables are. They aren't checked again. */
  const settled = new WeakSet<DocumentNode>();

  function parse(source: string): DocumentNode {
    const known = documents.get(source);
    if (known) return known;
    const parsed = parseWithin(source, limits);
    if (parsed instanceof GraphQLError) throw asSentence(parsed);
    if (source.length <= KEPT.length) {
      const [oldest] = documents.keys();
      if (documents.size >= KEPT.count && oldest !== undefined) documents.delete(oldest);
      documents.set(source, parsed);
    }
    return parsed;
  }

  return {
    onParse({ setParseFn }) {
      setParseFn((source) => parse(typeof source === 'string' ? source : source.body));
    },
    onValidate({ params: { schema, documentAST }, context, setResult }) {
      if (settled.has(documentAST)) return void setResult([]);
      // The cost of a document depends on its variables, so it is computed for each request.
      const { variables } = (context as { params?: { variables?: Record<string, unknown> | null } }).params ?? {};
      const beyond = limitErrors(schema, documentAST, limits, variables ?? {});
      if (beyond.length > 0) setResult(beyond.map(asSentence));
      else if (valid.has(documentAST)) setResult([]);
      else
        return ({ valid: isValid }) => {
          if (!isValid) return;
          valid.add(documentAST);
          if (!hasVariableSize(documentAST)) settled.add(documentAST);
        };
    },
  };
}

function asSentence({ message, nodes, source, positions }: GraphQLError): GraphQLError {
  const sentence = /^[a-z]/.test(message) ? `The query ${message}.` : message;
  return new GraphQLError(sentence, { nodes, source, positions });
}

/** Whether a variable of a valid document can set the size of a page or list, so that the cost of the document depends on it. */
function hasVariableSize({ definitions }: DocumentNode): boolean {
  const canCount = (type: TypeNode): boolean =>
    type.kind === Kind.NON_NULL_TYPE ? canCount(type.type) : type.kind === Kind.LIST_TYPE || type.name.value === 'Int';
  return definitions.some(
    (definition) => definition.kind === Kind.OPERATION_DEFINITION && definition.variableDefinitions?.some(({ type }) => canCount(type)),
  );
}
