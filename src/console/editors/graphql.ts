// The language of queries: GraphQL with completion and diagnostics from the live schema.
import { autocompletion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import type { Extension } from '@codemirror/state';
import { completion, graphqlLanguageSupport, jump, graphqlLanguage as language, stateExtensions } from 'cm6-graphql';
import type { GraphQLSchema } from 'graphql';
import { completeVariable } from './query-variables.js';

export function graphqlLanguage(schema: GraphQLSchema | null): Extension {
  return [
    graphqlLanguageSupport(),
    completion,
    jump,
    language.data.of({ autocomplete: variables }),
    ...stateExtensions(schema ?? undefined),
    autocompletion({ icons: false }),
  ];
}

function variables({ state, pos }: CompletionContext): CompletionResult | null {
  const found = completeVariable(state.sliceDoc(0, pos));
  return found && { from: found.from, options: found.options, validFor: /^\$\w*$/ };
}
