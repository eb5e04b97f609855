// Asks for the period of a replay, and shows what it would send before it starts.
import { useState } from 'react';
import type { VariablesOf } from '../../app/graphql';
import { useAct, useApi } from '../../app/queries';
import { Field, Select, TextInput } from '../../kit/field';
import { Loaded } from '../../kit/loaded';
import { Confirm } from '../../kit/overlay';
import { Time } from '../../kit/time';
import { notify } from '../../kit/toast';
import styles from './deliveries.module.css';
import { REPLAY, REPLAY_DRY_RUN } from './queries';
import { ReplayRehearsal } from './replay-rehearsal';

type Mode = NonNullable<VariablesOf<typeof REPLAY>['mode']>;
const MODES: readonly (readonly [Mode, string])[] = [
  ['NEW_PAYLOAD', 'A new payload: today’s query and templates'],
  ['STORED_PAYLOAD', 'The stored payload, through today’s templates'],
  ['SENT_BYTES', 'The body as it was sent before'],
];

const DAY_MS = 86_400_000;

/** The value of an input of the type datetime-local, in the reader's zone. */
const localText = (atMs: number): string => new Date(atMs - new Date(atMs).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
const momentOf = (local: string): string | null => (Number.isNaN(Date.parse(local)) ? null : new Date(local).toISOString());

/** `from`: the time at which the period begins at first. Default: a day ago. */
export function ReplayDialog({ webhookId, from: start, onClose }: { webhookId: string; from?: string; onClose(): void }) {
  const [from, setFrom] = useState(() => localText(start === undefined ? Date.now() - DAY_MS : Date.parse(start)));
  const [to, setTo] = useState('');
  const [includeDelivered, setIncludeDelivered] = useState(false);
  const [mode, setMode] = useState<Mode>('NEW_PAYLOAD');
  const scope = { id: webhookId, from: momentOf(from), to: momentOf(to), includeDelivered };
  const counting = useApi(REPLAY_DRY_RUN, scope);
  const { run, isRunning } = useAct(REPLAY);
  const counted = counting.data?.webhookReplayDryRun;
  const replay = async () => {
    if (!(await run({ ...scope, mode })).ok) return;
    notify({ text: 'The replay is running.' });
    onClose();
  };
  return (
    <Confirm
      title="Replay events"
      action={counted ? `Replay ${counted.sendCount.toLocaleString()}` : 'Replay'}
      isBusy={isRunning}
      onConfirm={() => void replay()}
      onClose={onClose}
    >
      <div className={styles.form}>
        <p>
          Sends what this webhook missed in a period: events from before it existed or while it was disabled, and those whose delivery
          failed.
        </p>
        <div className={styles.times}>
          <Field label="From">
            {(control) => <TextInput {...control} type="datetime-local" value={from} onChange={(event) => setFrom(event.target.value)} />}
          </Field>
          <Field label="To (empty: now)">
            {(control) => <TextInput {...control} type="datetime-local" value={to} onChange={(event) => setTo(event.target.value)} />}
          </Field>
        </div>
        <Field label="What is sent">{(control) => <Select {...control} value={mode} choices={MODES} onChange={setMode} />}</Field>
        <label className={styles.check}>
          <input type="checkbox" checked={includeDelivered} onChange={(event) => setIncludeDelivered(event.target.checked)} />
          <span>Send everything again, too, that was delivered, was skipped by the validation template, or is still to come.</span>
        </label>
        <Loaded query={counting} what="the count">
          {({ webhookReplayDryRun: counts }) =>
            counts === null ? (
              <p>This webhook no longer exists.</p>
            ) : (
              <div role="status">
                <dl className={styles.counts}>
                  <dt data-main>Would be sent</dt>
                  <dd data-main>{counts.sendCount.toLocaleString()}</dd>
                  <dt>Delivered already</dt>
                  <dd>{counts.deliveredCount.toLocaleString()}</dd>
                  <dt>Still to come</dt>
                  <dd>{counts.openCount.toLocaleString()}</dd>
                  <dt>Skipped by the validation template</dt>
                  <dd>{counts.skippedCount.toLocaleString()}</dd>
                </dl>
                {counts.countedTo && (
                  <p>
                    Counted to <Time at={counts.countedTo} />: the period has more events than can be counted at once.
                  </p>
                )}
                {counts.refusal && <p className={styles.why}>It can’t start now: {counts.refusal}.</p>}
              </div>
            )
          }
        </Loaded>
        <ReplayRehearsal scope={{ ...scope, mode }} />
      </div>
    </Confirm>
  );
}
