// The whole form: its state, its mistakes, saving, and the guard of unsaved changes.
import { useBlocker } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { createPortal } from 'react-dom';
import { FormProvider, useForm, useFormContext } from 'react-hook-form';
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
import { focusField, focusFirstMistake, ownMistakes } from './form-mistakes';
import { offersField } from './help-texts.js';
import { inputOf } from './input.js';
import { Judge } from './judge';
import { createMistakeBoard, type MistakeBoard } from './mistake-board.js';
import { draftOf, type Saved } from './saved.js';
import { type FormScope, FormScopeProvider } from './scope';
import { TestResult } from './test-result';
import { allTopics, type Topic } from './topics';
import { useSave } from './use-save';
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
  /** Called when a webhook was created for each of several topics, all with this name. */
  onSeveral(name: string): void;
}

export function WebhookForm({ saved: newest, given, ...rest }: WebhookFormProps) {
  // Keeps the version that was loaded first, so that the form compares with it and a save detects a newer version.
  const [saved] = useState(newest);
  const [defaults] = useState(() => (saved ? draftOf(saved) : beginWith(given, rest.choices.topics)));
  const form = useForm<Draft>({ defaultValues: defaults, mode: 'onTouched' });
  const { isDirty } = form.formState;
  const [isDone, setDone] = useState(false);
  const guard = useBlocker({ shouldBlockFn: () => isDirty && !isDone, withResolver: true, enableBeforeUnload: () => isDirty && !isDone });
  return (
    <FormProvider {...form}>
      <Body
        {...rest}
        firstField={given.field ?? (saved === null && hasKeyboard() ? 'name' : undefined)}
        saved={saved}
        before={saved && defaults}
        onDone={() => setDone(true)}
      />
      {guard.status === 'blocked' && (
        <Confirm title="Leave without saving?" action="Discard changes" isDangerous onConfirm={guard.proceed} onClose={guard.reset}>
          <p>What you changed in this form is lost when you leave.</p>
        </Confirm>
      )}
    </FormProvider>
  );
}

/** Whether the device likely has one. On others, a field with the focus covers half of the form with a keyboard. */
const hasKeyboard = (): boolean => matchMedia('(pointer: fine)').matches;

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

function Body({ title, footer, firstField, saved, before, choices, onSaved, onClose, onSeveral, onDone }: BodyProps) {
  const schema = useLiveSchema();
  const { unavailable } = useRights();
  const { getValues } = useFormContext<Draft>();
  const element = useRef<HTMLFormElement>(null);
  const editors = useRef(new Map<string, CodeEditorHandle>());
  const [board] = useState(createMistakeBoard);
  useEffect(() => {
    if (firstField) focusField(element.current, firstField);
  }, [firstField]);
  const offers = useCallback((name: string) => offersField(schema, name), [schema]);
  const save = useSave(saved);
  const scope = useMemo((): FormScope => ({ schema, unavailable, board, editors }), [schema, unavailable, board]);
  const onSave = async () => {
    const draft = getValues();
    const input = { ...(saved && { id: saved.id }), ...inputOf(draft, before, offers) };
    const topics = saved ? [draft.topic] : allTopics(draft, choices.topics);
    const done = ownMistakes(draft).size === 0 ? await save.run(draft, input, topics) : save.refuse();
    // Waits until the mistakes are rendered.
    if (!done) return void requestAnimationFrame(() => focusFirstMistake(element.current));
    onDone();
    const [id = ''] = done.ids;
    onSaved(id);
    if (done.report && done.report.outcome !== 'DELIVERED') return;
    const text = done.ids.length > 1 ? `Saved: ${done.ids.length} webhooks, one for each topic.` : 'Saved.';
    finish(done.report ? `${text} The test was delivered.` : text, () => (done.ids.length > 1 ? onSeveral(draft.name) : onClose(id)));
  };
  if (save.done?.report && save.done.report.outcome !== 'DELIVERED')
    return <TestResult report={save.done.report} footer={footer} onClose={() => onClose(save.done?.ids[0])} />;
  const buttons = (
    <>
      <Refused board={board} />
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
          <General board={board} />
          <FormFields saved={saved} choices={choices} />
        </form>
        <div className={styles.preview}>
          <Judge saved={saved} before={before} offers={offers} refusal={save.refusal} hasTried={save.hasTried} />
        </div>
      </div>
      {footer && createPortal(buttons, footer)}
    </FormScopeProvider>
  );
}

/** The mistakes that belong to no field. */
function General({ board }: { board: MistakeBoard }) {
  const general = useSyncExternalStore(board.subscribe, board.general);
  return general.length > 0 && <Banner tone="bad" title={general.map(({ message }) => message).join(' ')} />;
}

function Refused({ board }: { board: MistakeBoard }) {
  const isRefused = useSyncExternalStore(board.subscribe, board.isRefused);
  return (
    <span className={styles.status} role="status">
      {isRefused && 'Nothing was saved.'}
    </span>
  );
}

function finish(text: string, onClose: () => void): void {
  notify({ text });
  // Waits for the next rendering, which tells the guard that everything is saved.
  setTimeout(onClose, 0);
}
