// The whole form: its state, its mistakes, saving, and the guard of unsaved changes.
import { useBlocker } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { createPortal } from 'react-dom';
import { FormProvider, useForm, useWatch } from 'react-hook-form';
import { send } from '../../app/api';
import { useAct } from '../../app/queries';
import { useRights } from '../../app/viewer';
import type { CodeEditorHandle } from '../../editors/code-editor';
import { useLiveSchema } from '../../editors/live-schema';
import { Banner } from '../../kit/banner';
import { Button } from '../../kit/button';
import { Confirm } from '../../kit/overlay';
import { notify } from '../../kit/toast';
import type { FormChoices } from './choices.js';
import { ConflictBanner } from './conflict-banner';
import { type Draft, EMPTY } from './draft.js';
import { FormFields } from './form-fields';
import { focusField, focusFirstMistake, useFormMistakes } from './form-mistakes';
import { offersField } from './help-texts.js';
import { inputOf } from './input.js';
import { type ApiMistake, sentence } from './mistakes.js';
import { CREATE, LOAD, UPDATE } from './operations';
import { PreviewPane } from './preview-pane';
import { draftOf, type Saved } from './saved.js';
import { type FormScope, FormScopeProvider } from './scope';
import { type TestReport, TestResult } from './test-result';
import type { Topic } from './topics';
import { usePreview } from './use-preview';
import styles from './webhook-form.module.css';

export interface WebhookFormProps {
  /** The subscription to change; `null` for a new one. */
  saved: Saved | null;
  given: { topic?: string | undefined; query?: string | undefined; field?: string | undefined };
  choices: FormChoices;
  title: string;
  /** The element that gets the buttons. */
  footer: HTMLElement | null;
  /** Called when the webhook is saved, and the form stays open to say what its test did. */
  onSaved(id: string): void;
  onClose(id?: string): void;
}

export function WebhookForm({ saved: newest, given, ...rest }: WebhookFormProps) {
  // What is loaded later must not change what this form compares with; a save then finds that the version is another.
  const [saved] = useState(newest);
  const [defaults] = useState(() => (saved ? draftOf(saved) : beginWith(given, rest.choices.topics)));
  const form = useForm<Draft>({ defaultValues: defaults, mode: 'onTouched' });
  const { isDirty } = form.formState;
  const [isDone, setDone] = useState(false);
  const guard = useBlocker({ shouldBlockFn: () => isDirty && !isDone, withResolver: true, enableBeforeUnload: () => isDirty && !isDone });
  return (
    <FormProvider {...form}>
      <Body {...rest} firstField={given.field} saved={saved} before={saved && defaults} onDone={() => setDone(true)} />
      {guard.status === 'blocked' && (
        <Confirm title="Leave without saving?" action="Discard changes" isDangerous onConfirm={guard.proceed} onClose={guard.reset}>
          <p>What you changed in this form is lost when you leave.</p>
        </Confirm>
      )}
    </FormProvider>
  );
}

function beginWith({ topic, query }: WebhookFormProps['given'], topics: readonly Topic[]): Draft {
  const chosen = topics.filter(({ key }) => key === topic).at(-1);
  return { ...EMPTY, topic: chosen?.id ?? '', query: query ?? '' };
}

interface BodyProps extends Omit<WebhookFormProps, 'given'> {
  before: Draft | null;
  /** The field that gets the focus first. */
  firstField: string | undefined;
  /** Called before the form closes after a save, so that nothing asks about unsaved changes. */
  onDone(): void;
}

function Body({ title, footer, firstField, saved, before, choices, onSaved, onClose, onDone }: BodyProps) {
  const schema = useLiveSchema();
  const { unavailable } = useRights();
  const draft = useWatch<Draft>() as Draft;
  const element = useRef<HTMLFormElement>(null);
  const editors = useRef(new Map<string, CodeEditorHandle>());
  useEffect(() => {
    if (firstField) focusField(element.current, firstField);
  }, [firstField]);
  const [nodeId, setNodeId] = useState<string | null>(null);
  const [sample, setSample] = useState({ status: '200', headers: '', body: '' });
  const [attemptId, setAttemptId] = useState<string | null>(null);
  const offers = useCallback((name: string) => offersField(schema, name), [schema]);
  const input = useMemo(() => ({ ...(saved && { id: saved.id }), ...inputOf(draft, before, offers) }), [draft, before, saved, offers]);
  const state = usePreview({ input, nodeId, sample, attemptId });
  const save = useSave({ saved, input, draft });
  const mistakes = useFormMistakes({ draft, input, preview: state.preview, refused: save.refused, hasTried: save.hasTried });
  const scope = useMemo(
    (): FormScope => ({ schema, unavailable, isNew: saved === null, mistakesOf: mistakes.of, editors }),
    [schema, unavailable, saved, mistakes],
  );
  const topic = choices.topics.find(({ id }) => id === draft.topic);
  const onSave = async () => {
    const result = mistakes.own.size === 0 ? await save.run() : save.refuse();
    // The mistakes are rendered first.
    if (!result) return void requestAnimationFrame(() => focusFirstMistake(element.current));
    onDone();
    onSaved(result.id);
    if (!result.report || result.report.outcome === 'DELIVERED')
      finish(result.report ? 'Saved. The test was delivered.' : 'Saved.', () => onClose(result.id));
  };
  if (save.saved?.report && save.saved.report.outcome !== 'DELIVERED')
    return <TestResult report={save.saved.report} footer={footer} onClose={() => onClose(save.saved?.id)} />;
  const buttons = (
    <>
      <span className={styles.status} role="status">
        {save.refused.length > 0 && 'Nothing was saved.'}
      </span>
      <Button onPress={() => onClose()}>Cancel</Button>
      <Button tone="primary" isBusy={save.isRunning} unavailable={unavailable} onPress={() => void onSave()}>
        {saved === null ? 'Create Webhook' : 'Save'}
      </Button>
    </>
  );
  return (
    <FormScopeProvider value={scope}>
      <div className={styles.columns}>
        <form ref={element} className={styles.form} aria-label={title} onSubmit={(event) => event.preventDefault()}>
          {unavailable && <Banner tone="info" title={unavailable} />}
          {save.conflict !== null && <ConflictBanner {...save.conflict} saved={saved as Saved} onKeep={save.keepMine} />}
          {mistakes.general.length > 0 && <Banner tone="bad" title={mistakes.general.map(({ message }) => message).join(' ')} />}
          <FormFields saved={saved} choices={choices} nodeType={topic?.nodeType ?? null} />
        </form>
        <div className={styles.preview}>
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
          />
        </div>
      </div>
      {footer && createPortal(buttons, footer)}
    </FormScopeProvider>
  );
}

function finish(text: string, onClose: () => void): void {
  notify({ text });
  // The guard learns that everything is saved with the next rendering.
  setTimeout(onClose, 0);
}

/** Saves the form, and keeps why the last save was refused, until the form changes. */
function useSave({ saved, input, draft }: { saved: Saved | null; input: Record<string, unknown>; draft: Draft }) {
  const create = useAct(CREATE, { showsMistakes: true });
  const update = useAct(UPDATE, { showsMistakes: true });
  const [version, setVersion] = useState(saved?.version ?? null);
  const [hasTried, setTried] = useState(false);
  const [refusal, setRefusal] = useState<{ of: string; errors: ApiMistake[] } | null>(null);
  const [conflict, setConflict] = useState<{ newest: Saved } | null>(null);
  const [result, setResult] = useState<{ id: string; report: unknown } | null>(null);
  const written = JSON.stringify(draft);

  async function run() {
    setTried(true);
    const fields = { ...input, ...(version !== null && { expectedVersion: version }), ...(draft.test && { test: true }) } as never;
    const { data, errors } = saved
      ? await update.run({ webhookSubscription: fields }).then(({ data, errors }) => ({ data: data?.updateWebhookSubscription, errors }))
      : await create.run({ webhookSubscription: fields }).then(({ data, errors }) => ({ data: data?.createWebhookSubscription, errors }));
    if (saved && errors.some(({ type }) => type === 'CONFLICT')) {
      const { webhookSubscription } = await send(LOAD, { id: saved.id });
      setConflict(webhookSubscription && { newest: webhookSubscription as Saved });
      return null;
    }
    setConflict(null);
    setRefusal({ of: written, errors: errors as ApiMistake[] });
    if (!data?.webhookSubscription) return null;
    for (const { fullMessage } of data.warnings) notify({ tone: 'warn', text: sentence(fullMessage) });
    const done = { id: data.webhookSubscription.id, report: data.report as TestReport | null };
    setResult(done);
    return done;
  }

  return {
    run,
    refuse() {
      setTried(true);
      return null;
    },
    /** Saves over the newer version from now on. */
    keepMine() {
      setVersion(conflict?.newest.version ?? null);
      setConflict(null);
    },
    conflict,
    hasTried,
    isRunning: create.isRunning || update.isRunning,
    refused: refusal?.of === written ? refusal.errors : [],
    saved: result as { id: string; report: TestReport | null } | null,
  };
}
