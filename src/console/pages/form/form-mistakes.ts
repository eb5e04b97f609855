// Decides which mistakes the form shows: those of a failed save at once, those of the live preview at fields that were touched.
import { useLayoutEffect, useMemo } from 'react';
import { type FormState, useFormContext, useFormState } from 'react-hook-form';
import type { Draft } from './draft.js';
import { type Input, wrongNumbers } from './input.js';
import type { MistakeBoard } from './mistake-board.js';
import { type ApiMistake, byField, type FieldMistake, type FieldMistakes } from './mistakes.js';
import type { Preview } from './use-preview';

interface Sources {
  draft: Draft;
  /** The input that a save would send now. */
  input: Input;
  preview: Preview | null;
  /** The mistakes of the last save; empty when the form has changed since. */
  refused: readonly ApiMistake[];
  /** Whether somebody has tried to save, so that mistakes of untouched fields are shown, too. */
  hasTried: boolean;
}

/** Puts the mistakes of the form on the board, from which each field reads its own. */
export function useFormMistakes(board: MistakeBoard, { draft, input, preview, refused, hasTried }: Sources): void {
  const { control, getFieldState } = useFormContext<Draft>();
  const formState = useFormState({ control });
  const own = useMemo(() => ownMistakes(draft), [draft]);
  const isRefused = refused.length > 0;
  // Runs before the browser paints, so that a save finds its mistakes on the page.
  useLayoutEffect(() => {
    const errors = byField(isRefused ? refused : (preview?.errors ?? []), draft);
    const warnings = byField(preview?.warnings ?? [], draft);
    const isShown = (field: string) =>
      (hasTried || wasTouched(field, formState, getFieldState)) && (isRefused || own.has(field) || isJudged(field, input, preview));
    const fields = new Map<string, FieldMistakes>();
    for (const field of new Set([...errors.keys(), ...warnings.keys(), ...own.keys()]))
      if (isShown(field)) fields.set(field, { errors: own.get(field) ?? errors.get(field) ?? [], warnings: warnings.get(field) ?? [] });
    board.show({ fields, general: isRefused ? (errors.get('') ?? []) : [], isRefused });
  });
}

const SOURCES = ['query', 'validationTemplate', 'template', 'errorTemplate'];

/**
 * Whether the preview judged the present value of a field. A mistake of an earlier value would show up for a moment, and move the button
 * that somebody is about to press. Code keeps its mistakes while it is typed.
 */
function isJudged(field: string, input: Input, preview: Preview | null): boolean {
  const [root = ''] = field.split('.');
  const name = INPUTS[root] ?? root;
  return SOURCES.includes(field) || JSON.stringify(input[name]) === JSON.stringify(preview?.input[name]);
}

const INPUTS: Record<string, string> = { secret: 'sharedSecret', enabled: 'disabled' };

function wasTouched(
  field: string,
  formState: FormState<Draft>,
  stateOf: ReturnType<typeof useFormContext<Draft>>['getFieldState'],
): boolean {
  const { isDirty, isTouched } = stateOf(field as never, formState);
  // A query or template shows its mistakes while it is typed. Other fields show them when they are left: a half-typed URL is no mistake.
  return SOURCES.includes(field) ? isDirty : isTouched;
}

/** NAME is mandatory in the form, so that people recognise the webhook; the API would accept none. */
export function ownMistakes(draft: Draft): Map<string, FieldMistake[]> {
  const found = new Map<string, FieldMistake[]>();
  if (draft.name.trim() === '') found.set('name', [{ message: "Can't be blank", place: null }]);
  for (const field of wrongNumbers(draft)) found.set(field, [{ message: 'Is not a number', place: null }]);
  return found;
}

/** Puts the focus on the first field with a mistake, and opens its group. */
export const focusFirstMistake = (form: HTMLElement | null): void => focus(form?.querySelector<HTMLElement>('[data-invalid][data-field]'));

/** Puts the focus on a field. */
export const focusField = (form: HTMLElement | null, name: string): void =>
  focus(form?.querySelector<HTMLElement>(`[data-field="${CSS.escape(name)}"]`));

function focus(field: HTMLElement | null | undefined): void {
  const control = field?.querySelector<HTMLElement>('.cm-content, input, textarea, button:not([aria-label^="Help"])');
  control?.focus();
  field?.scrollIntoView({ block: 'center' });
}
