// Types the console's operations by the API's schema, and adapts them to this server, which may lack or rename fields and types.
import { type DocumentNode, type FieldNode, type NamedTypeNode, type OperationDefinitionNode, print, visit } from '@0no-co/graphql.web';
import { initGraphQLTada } from 'gql.tada';
import type { introspection } from '../../generated/console/schema';
import { config, servedName } from './config';

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

/** Returns the text of an operation, adapted to this server. */
export function textOf(document: object): string {
  const text = texts.get(document) ?? print(rename(prune(document as DocumentNode, config.absent)));
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

/** Replaces names by the server's names. Aliases keep the console's names in the answers. */
function rename(document: DocumentNode): DocumentNode {
  const renamed = (operation: OperationDefinitionNode): OperationDefinitionNode => {
    const root = operation.operation === 'mutation' ? 'Mutation' : 'Query';
    const selections = operation.selectionSet.selections.map((selection) => {
      if (selection.kind !== 'Field') return selection;
      const value = servedName(`${root}.${selection.name.value}`);
      return value === selection.name.value
        ? selection
        : { ...selection, alias: selection.alias ?? selection.name, name: { ...selection.name, value } };
    });
    return { ...operation, selectionSet: { ...operation.selectionSet, selections } };
  };
  const typed = visit(document, {
    NamedType(type: NamedTypeNode) {
      const value = config.renamed.types[type.name.value];
      return value === undefined ? undefined : { ...type, name: { ...type.name, value } };
    },
  }) as DocumentNode;
  return { ...typed, definitions: typed.definitions.map((part) => (part.kind === 'OperationDefinition' ? renamed(part) : part)) };
}
