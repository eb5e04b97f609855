// A code editor in a form: GraphQL, Liquid, JSON or XML, with the mistakes that the API found.
import { acceptCompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionStatus } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching, indentOnInput } from '@codemirror/language';
import { lintKeymap } from '@codemirror/lint';
import { Compartment, EditorState, type Extension, Prec } from '@codemirror/state';
import { EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers, placeholder } from '@codemirror/view';
import { type Ref, useEffect, useImperativeHandle, useRef } from 'react';
import styles from './code-editor.module.css';
import { mistakesInText, type PlacedMistake, setMistakes } from './mistakes-in-text.js';
import { type Place, rangeOf } from './place.js';
import { theme } from './theme.js';

export interface CodeEditorHandle {
  focus(place?: Place): void;
}

export interface CodeEditorProps {
  value: string;
  onChange?(value: string): void;
  onBlur?(): void;
  /** The name for assistive technology. */
  label: string;
  /** The ids of the elements that describe the field. */
  describedBy?: string;
  language: Extension;
  mistakes?: readonly PlacedMistake[];
  hint?: string;
  isReadOnly?: boolean;
  /** Whether lines have numbers. Default: yes. */
  hasLines?: boolean;
  minLines?: number;
  ref?: Ref<CodeEditorHandle>;
}

const nonceOf = () => document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';

/** Tab leaves the editor, unless it accepts an open completion. Escape closes a completion and nothing around the editor. */
const keys = Prec.highest(
  keymap.of([
    { key: 'Tab', run: acceptCompletion },
    { key: 'Escape', stopPropagation: true, run: (view) => completionStatus(view.state) !== null && closeCompletion(view) },
  ]),
);

/**
 * Replaces selected text itself, because a browser would write the style of the old text into a style attribute, which the page's policy
 * forbids.
 */
const replacesSelection = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { selection } = view.state;
    const text = event.data;
    if (event.inputType !== 'insertText' || selection.main.empty || !text) return false;
    const { from, to } = selection.main;
    const insert = () => view.state.update(view.state.replaceSelection(text), { userEvent: 'input.type', scrollIntoView: true });
    if (!view.state.facet(EditorView.inputHandler).some((handle) => handle(view, from, to, text, insert))) view.dispatch(insert());
    event.preventDefault();
    return true;
  },
});

const always: Extension = [
  keys,
  replacesSelection,
  history(),
  bracketMatching(),
  closeBrackets(),
  indentOnInput(),
  EditorView.lineWrapping,
  keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...lintKeymap]),
  mistakesInText,
  theme,
];

const forTyping: Extension = [lineNumbers(), highlightActiveLine(), highlightActiveLineGutter()];

export function CodeEditor({
  value,
  label,
  describedBy,
  language,
  mistakes,
  hint,
  isReadOnly = false,
  hasLines = true,
  minLines,
  ref,
  ...on
}: CodeEditorProps) {
  const parent = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const parts = useRef({ language: new Compartment(), attributes: new Compartment() }).current;
  const handlers = useRef(on);
  handlers.current = on;
  const isInvalid = mistakes?.some(({ severity }) => severity === 'error') ?? false;
  const attributes = attributesOf({ label, describedBy, isInvalid, isReadOnly });

  // biome-ignore lint/correctness/useExhaustiveDependencies: the editor is created once; the effects below pass changes on.
  useEffect(() => {
    const listener = EditorView.updateListener.of(({ docChanged, state, focusChanged, view: { hasFocus } }) => {
      if (docChanged) handlers.current.onChange?.(state.sliceDoc());
      if (focusChanged && !hasFocus) handlers.current.onBlur?.();
    });
    const created = new EditorView({
      parent: parent.current as HTMLElement,
      state: EditorState.create({
        doc: value,
        extensions: [
          EditorView.cspNonce.of(nonceOf()),
          always,
          parts.language.of(language),
          parts.attributes.of(attributes),
          EditorState.readOnly.of(isReadOnly),
          hasLines ? forTyping : [],
          hint ? placeholder(hint) : [],
          listener,
        ],
      }),
    });
    view.current = created;
    return () => created.destroy();
  }, []);

  useEffect(() => view.current?.dispatch({ effects: parts.language.reconfigure(language) }), [language, parts]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `attributes` is made of these values.
  useEffect(
    () => view.current?.dispatch({ effects: parts.attributes.reconfigure(attributes) }),
    [label, describedBy, isInvalid, isReadOnly],
  );
  useEffect(() => {
    const { current } = view;
    if (!current || current.state.sliceDoc() === value) return;
    current.dispatch({ changes: { from: 0, to: current.state.doc.length, insert: value } });
  }, [value]);
  useEffect(() => view.current?.dispatch({ effects: setMistakes.of(mistakes ?? []) }), [mistakes]);

  useImperativeHandle(ref, () => ({
    focus(place) {
      const { current } = view;
      if (!current) return;
      if (place) current.dispatch({ selection: { anchor: rangeOf(current.state.sliceDoc(), place).from }, scrollIntoView: true });
      current.focus();
    },
  }));

  return <div className={styles.editor} data-lines={minLines} data-invalid={isInvalid || undefined} ref={parent} />;
}

interface Described {
  label: string;
  describedBy: string | undefined;
  isInvalid: boolean;
  isReadOnly: boolean;
}

const attributesOf = ({ label, describedBy, isInvalid, isReadOnly }: Described): Extension =>
  EditorView.contentAttributes.of({
    'aria-label': label,
    ...(describedBy && { 'aria-describedby': describedBy }),
    ...(isInvalid && { 'aria-invalid': 'true' }),
    ...(isReadOnly && { 'aria-readonly': 'true' }),
    spellcheck: 'false',
    autocapitalize: 'off',
  });
