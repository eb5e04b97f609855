// Types the console's operations by the API's schema, and leaves out of them what this server doesn't have.
import { type DocumentNode, type FieldNode, print, visit } from '@0no-co/graphql.web';
import { initGraphQLTada } from 'gql.tada';
import type { introspection } from '../../generated/console/schema';
import { config } from './config';

/**
 * Declares an operation: `graphql('query Name { … }')`. Its result and variables are typed.
 * Mark a selection with `@_optional` where a host may leave the field out, such as `integrationLabel @_optional`.
 */
export const graphql = initGraphQLTada<{
  introspection: introspection;
  scalars: { DateTime: string; JSON: unknown; Alphanumeric: string | number };
}>();

export type { ResultOf, VariablesOf } from 'gql.tada';

const texts = new WeakMap<object, string>();

/** Returns the text of an operation for this server. */
export function textOf(document: object): string {
  const text = texts.get(document) ?? print(prune(document as DocumentNode, config.absent));
  texts.set(document, text);
  return text;
}

const isMark = ({ name }: { name: { value: string } }): boolean => name.value === '_optional';

/** Removes the selections that are marked `@_optional` and absent from the server, and the mark itself. */
function prune(document: DocumentNode, absent: string[]): DocumentNode {
  const missing = new Set(absent.map((path) => path.split('.')[1]));
  return visit(document, {
    Field(field: FieldNode) {
      if (!field.directives?.some(isMark)) return undefined;
      if (missing.has(field.name.value)) return null;
      return { ...field, directives: field.directives.filter((directive) => !isMark(directive)) };
    },
  });
}
