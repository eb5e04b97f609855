// The fields with an editor: the query and the three templates.
import { lazy, memo, type ReactNode, Suspense, useCallback, useMemo } from 'react';
import { useFormContext } from 'react-hook-form';
import type { CodeEditorHandle } from '../../editors/code-editor';
import type { Around } from '../../editors/liquid';
import type { LiquidScope } from '../../editors/liquid-complete.js';
import type { PlacedMistake } from '../../editors/mistakes-in-text';
import styles from './code-field.module.css';
import { useValue } from './controls';
import type { Draft } from './draft.js';
import { type ControlIds, Field } from './field';
import { useFormScope, useMistakes } from './scope';

const QueryEditor = lazy(() => import('../../editors/editors').then(({ QueryEditor: component }) => ({ default: component })));
const TemplateEditor = lazy(() => import('../../editors/editors').then(({ TemplateEditor: component }) => ({ default: component })));

type SourceName = 'query' | 'validationTemplate' | 'template' | 'errorTemplate';

interface SourceProps {
  name: SourceName;
  label: string;
  hint: string;
  minLines?: number;
  note?: ReactNode;
  tools?: ReactNode;
}

export const QueryField = memo(function QueryField(props: SourceProps) {
  const { schema } = useFormScope();
  return <Source {...props}>{(editor) => <QueryEditor {...editor} schema={schema ?? null} />}</Source>;
});

interface TemplateProps extends SourceProps {
  around: Around;
  scope: LiquidScope | null;
}

export const TemplateField = memo(function TemplateField({ around, scope, ...props }: TemplateProps) {
  return <Source {...props}>{(editor) => <TemplateEditor {...editor} around={around} scope={scope} />}</Source>;
});

function Source({ name, label, hint, minLines = 3, note, tools, children }: SourceProps & { children(editor: EditorProps): ReactNode }) {
  const { editors } = useFormScope();
  return (
    <Field
      name={name}
      label={label}
      note={note}
      tools={tools}
      isGroup
      onShowPlace={({ place }) => editors.current.get(name)?.focus(place ?? undefined)}
    >
      {(ids) => (
        <Suspense
          fallback={<div className={styles.loading} data-lines={minLines} role="status" aria-label={`Loading the editor: ${label}`} />}
        >
          <Bound name={name} label={label} hint={hint} minLines={minLines} ids={ids}>
            {children}
          </Bound>
        </Suspense>
      )}
    </Field>
  );
}

type EditorProps = Parameters<typeof TemplateEditor>[0] extends infer P
  ? Omit<P & object, 'around' | 'scope'> & { value: string; label: string }
  : never;

interface BoundProps {
  name: SourceName;
  label: string;
  hint: string;
  minLines: number;
  ids: ControlIds;
  children(editor: EditorProps): ReactNode;
}

function Bound({ name, label, hint, minLines, ids, children }: BoundProps) {
  const { value, set, onBlur, isReadOnly } = useValue(name);
  const { editors } = useFormScope();
  const { errors, warnings } = useMistakes(name);
  const mistakes = useMemo(
    (): PlacedMistake[] => [
      ...errors.map((one) => ({ ...one, severity: 'error' as const })),
      ...warnings.map((one) => ({ ...one, severity: 'warning' as const })),
    ],
    [errors, warnings],
  );
  const ref = useCallback(
    (handle: CodeEditorHandle | null) => {
      if (handle) editors.current.set(name, handle);
      else editors.current.delete(name);
    },
    [editors, name],
  );
  return children({ ref, value, label, hint, minLines, mistakes, onChange: set, onBlur, isReadOnly, describedBy: ids.describedBy });
}

/** Replaces the text of a field, as if it were typed. */
export function useFill(): (name: SourceName, text: string) => void {
  const { setValue } = useFormContext<Draft>();
  return (name, text) => setValue(name, text, { shouldDirty: true, shouldTouch: true });
}
