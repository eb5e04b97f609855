// What the fields of the form share: the schema with its texts, the mistakes of each field, and the editors.
import type { GraphQLSchema } from 'graphql';
import { createContext, type RefObject, useContext } from 'react';
import type { CodeEditorHandle } from '../../editors/code-editor';
import type { FieldMistake } from './mistakes.js';

export interface FormScope {
  schema: GraphQLSchema | null | undefined;
  /** Why nothing may be changed; `null` when it may. */
  unavailable: string | null;
  isNew: boolean;
  mistakesOf(field: string): FieldMistakes;
  /** The editors of the form, by the name of their field. */
  editors: RefObject<Map<string, CodeEditorHandle>>;
}

export interface FieldMistakes {
  errors: readonly FieldMistake[];
  warnings: readonly FieldMistake[];
}

export const NO_MISTAKES: FieldMistakes = { errors: [], warnings: [] };

const context = createContext<FormScope | null>(null);

export const FormScopeProvider = context.Provider;

export function useFormScope(): FormScope {
  const scope = useContext(context);
  if (!scope) throw new Error('A field of the form is outside of the form.');
  return scope;
}
