// Shows mistakes that the API found in the editor's text, at their line and column.
import { type Diagnostic, linter } from '@codemirror/lint';
import { type Extension, StateEffect, StateField } from '@codemirror/state';
import { type Place, rangeOf } from './place.js';

export interface PlacedMistake {
  message: string;
  place: Place | null;
  severity: 'error' | 'warning';
}

export const setMistakes = StateEffect.define<readonly PlacedMistake[]>();

const field = StateField.define<readonly Diagnostic[]>({
  create: () => [],
  update(before, transaction) {
    const given = transaction.effects.find((effect) => effect.is(setMistakes));
    const text = () => transaction.newDoc.toString();
    if (given) return (given.value as readonly PlacedMistake[]).flatMap((mistake) => toDiagnostic(mistake, text()));
    if (!transaction.docChanged) return before;
    // Until the API has judged the changed text, each mistake stays at the words that it is about.
    return before.map((one) => ({ ...one, from: transaction.changes.mapPos(one.from, 1), to: transaction.changes.mapPos(one.to, 1) }));
  },
});

/** A mistake without a place is about the whole text; the form shows it below the editor alone. */
const toDiagnostic = ({ message, place, severity }: PlacedMistake, text: string): Diagnostic[] =>
  place === null ? [] : [{ ...rangeOf(text, place), severity, message }];

/** A separate linter, because CodeMirror merges its results with those of other linters, such as the schema's. */
export const mistakesInText: Extension = [
  field,
  linter((view) => [...view.state.field(field)], {
    delay: 100,
    needsRefresh: ({ transactions }) => transactions.some(({ effects }) => effects.some((effect) => effect.is(setMistakes))),
  }),
];
