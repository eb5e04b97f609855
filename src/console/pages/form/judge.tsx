// Runs the preview while the form changes, and shows mistakes. Typing a key renders only this component and the field.
import { useCallback, useMemo, useRef, useState } from 'react';
import { useFormContext, useWatch } from 'react-hook-form';
import type { Draft } from './draft.js';
import { useFormMistakes } from './form-mistakes';
import { inputOf, type Offers } from './input.js';
import type { ApiMistake } from './mistakes.js';
import { PreviewPane } from './preview-pane';
import type { Saved } from './saved.js';
import { useFormScope } from './scope';
import { usePreview } from './use-preview';
import type { Refusal } from './use-save';

interface JudgeProps {
  saved: Saved | null;
  before: Draft | null;
  offers: Offers;
  refusal: Refusal | null;
  hasTried: boolean;
}

const NONE: readonly ApiMistake[] = [];

export function Judge({ saved, before, offers, refusal, hasTried }: JudgeProps) {
  const { board } = useFormScope();
  const { control } = useFormContext<Draft>();
  const draft = useWatch({ control }) as Draft;
  const [nodeId, setNodeId] = useState<string | null>(null);
  const [sample, setSample] = useState({ status: '200', headers: '', body: '' });
  const [attemptId, setAttemptId] = useState<string | null>(null);
  const input = useMemo(() => ({ ...(saved && { id: saved.id }), ...inputOf(draft, before, offers) }), [draft, before, saved, offers]);
  const latest = useRef(input);
  latest.current = input;
  const getInput = useCallback(() => latest.current, []);
  const state = usePreview({ input, nodeId, sample, attemptId });
  const refused = refusal !== null && refusal.of === JSON.stringify(draft) ? refusal.errors : NONE;
  useFormMistakes(board, { draft, input, preview: state.preview, refused, hasTried });
  return (
    <PreviewPane
      state={state}
      topicId={draft.topic}
      contentType={draft.contentType}
      hasErrorTemplate={draft.errorTemplate.trim() !== ''}
      nodeId={nodeId}
      onNode={setNodeId}
      sample={sample}
      onSample={setSample}
      attemptId={attemptId}
      onAttempt={setAttemptId}
      subscriptionId={saved?.id ?? null}
      getInput={getInput}
    />
  );
}
