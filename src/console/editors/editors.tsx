// The editors of the form, in a chunk of their own: CodeMirror and its languages are large.
import { json } from '@codemirror/lang-json';
import { xml } from '@codemirror/lang-xml';
import type { GraphQLSchema } from 'graphql';
import { useMemo, useRef } from 'react';
import { CodeEditor, type CodeEditorProps } from './code-editor';
import { graphqlLanguage } from './graphql';
import { type Around, liquidLanguage } from './liquid';
import type { LiquidScope } from './liquid-complete.js';
import { queryMistakes } from './query-variables.js';

type Props = Omit<CodeEditorProps, 'language'>;

/** Shows the mistakes that the schema alone reveals at once, or else the mistakes that the API found. */
export function QueryEditor({ schema, mistakes, ...props }: Props & { schema: GraphQLSchema | null }) {
  const { value } = props;
  const language = useMemo(() => graphqlLanguage(schema), [schema]);
  const own = useMemo(
    () => (schema ? queryMistakes(schema, value).map((mistake) => ({ ...mistake, severity: 'error' as const })) : []),
    [schema, value],
  );
  const shown = own.length > 0 ? own : mistakes;
  return <CodeEditor {...props} language={language} {...(shown && { mistakes: shown })} />;
}

/** @param scope what the template can read; `null` while the schema loads */
export function TemplateEditor({ around, scope, ...props }: Props & { around: Around; scope: LiquidScope | null }) {
  const latest = useRef(scope);
  latest.current = scope;
  const language = useMemo(() => liquidLanguage(around, () => latest.current), [around]);
  return <CodeEditor {...props} language={language} />;
}

const LANGUAGES = { JSON: json(), XML: xml(), TEXT: [] };

/** Shows code that can't be edited. */
export function CodeView({ text, around, label }: { text: string; around: Around; label: string }) {
  return <CodeEditor value={text} label={label} language={LANGUAGES[around]} isReadOnly hasLines={false} />;
}
