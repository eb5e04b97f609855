// The language of templates: Liquid around JSON, XML or plain text, with completion of what the template can read.
import { autocompletion, type CompletionSource } from '@codemirror/autocomplete';
import { json } from '@codemirror/lang-json';
import { liquid } from '@codemirror/lang-liquid';
import { xml } from '@codemirror/lang-xml';
import { EditorState, type Extension, Prec } from '@codemirror/state';
import { completeLiquid, type LiquidScope } from './liquid-complete.js';

export type Around = 'JSON' | 'XML' | 'TEXT';

/** @param scope returns the scope at the time of a completion, because it changes with the query */
export function liquidLanguage(around: Around, scope: () => LiquidScope | null): Extension {
  const base = around === 'JSON' ? json() : around === 'XML' ? xml() : undefined;
  // A quote in a template closes a string of the body as often as it opens one, so it is never closed automatically.
  const brackets = Prec.highest(EditorState.languageData.of(() => [{ closeBrackets: { brackets: ['(', '[', '{'] } }]));
  // `override`: lang-liquid would add filters and tags that Hookgraph doesn't have.
  return [brackets, liquid(base && { base }), autocompletion({ override: [completionSource(scope)], icons: false })];
}

const completionSource =
  (scope: () => LiquidScope | null): CompletionSource =>
  ({ state, pos, explicit }) => {
    const known = scope();
    const found = known && completeLiquid(state.sliceDoc(), pos, known);
    // Where no word has been begun, completions open only on demand, except after `.`, `|`, `%` and `{{`.
    if (!found || (found.from === pos && !explicit && !/[.|%]\s?$|\{\{\s?$/.test(state.sliceDoc(Math.max(0, pos - 4), pos)))) return null;
    return {
      from: found.from,
      options: found.options.map(({ label, detail, info, kind }) => ({ label, detail, info, type: kind })),
      validFor: /^[\w-]*$/,
    };
  };
