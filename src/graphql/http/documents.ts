// The schema and the limits of a request in, a plugin of graphql-yoga out: sources are parsed, measured and validated, in this order.
import { type DocumentNode, GraphQLError, Kind, type TypeNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { limitErrors, parseWithin, type QueryLimits } from '../../webhooks/index.js';

/** Sources whose documents are kept, and the characters of the longest. */
const KEPT = { count: 500, length: 10_000 };

/** Instead of yoga's own cache, which keeps a thousand sources of any length, and knows no limits. */
export function useDocuments(limits: QueryLimits): Plugin {
  const documents = new Map<string, DocumentNode>();
  const valid = new WeakSet<DocumentNode>();
  /** Valid and within the limits, whatever a request brings. */
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
      // By their variables two requests with one source differ.
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

/** Of a document that is valid: whether a variable can say how long a page or a list is. */
function hasVariableSize({ definitions }: DocumentNode): boolean {
  const canCount = (type: TypeNode): boolean =>
    type.kind === Kind.NON_NULL_TYPE ? canCount(type.type) : type.kind === Kind.LIST_TYPE || type.name.value === 'Int';
  return definitions.some(
    (definition) => definition.kind === Kind.OPERATION_DEFINITION && definition.variableDefinitions?.some(({ type }) => canCount(type)),
  );
}
