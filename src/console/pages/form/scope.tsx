// What the fields of the form share: the schema with its texts, the mistakes of each field, and the editors.
import type { GraphQLSchema } from 'graphql';
import { createContext, type RefObject, useContext, useSyncExternalStore } from 'react';
import type { CodeEditorHandle } from '../../editors/code-editor';
import type { MistakeBoard } from './mistake-board.js';
import type { FieldMistakes } from './mistakes.js';

export interface FormScope {
  schema: GraphQLSchema | null | undefined;
  /** Why nothing may be changed; `null` when changes are allowed. */
  unavailable: string | null;
  board: MistakeBoard;
  /** The editors of the form, by the name of their field. */
  editors: RefObject<Map<string, CodeEditorHandle>>;
}

const context = createContext<FormScope | null>(null);

export const FormScopeProvider = context.Provider;

export function useFormScope(): FormScope {
  const scope = useContext(context);
  if (!scope) throw new Error('A field of the form is outside of the form.');
  return scope;
}

/** The mistakes of a field. Only this field renders when they change. */
export function useMistakes(field: string): FieldMistakes {
  const { board } = useFormScope();
  return useSyncExternalStore(board.subscribe, () => board.of(field));
}

/** Whether one of the fields has a mistake. */
export function useIsWrong(fields: readonly string[]): boolean {
  const { board } = useFormScope();
  return useSyncExternalStore(board.subscribe, () => fields.some((field) => board.of(field).errors.length > 0));
}
