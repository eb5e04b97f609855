// Tries the form's values on the last stored events: how many would be sent, skipped or held, and which bodies would change.
import { useState } from 'react';
import { useFormContext, useWatch } from 'react-hook-form';
import { useAct } from '../../app/queries';
import { Button } from '../../kit/button';
import { type Rehearsal, Rehearsed } from '../history/rehearsed';
import type { Draft } from './draft.js';
import type { Input } from './input.js';
import { REHEARSE } from './operations';
import styles from './preview-pane.module.css';

/** The number of events, which the API examines in a second or two. */
const EVENTS = 25;

interface Tried {
  /** The values of the form, as JSON. */
  of: string;
  rehearsal: Rehearsal | null;
  mistakes: string[];
}

export function Rehearse({ getInput }: { getInput(): Input }) {
  const rehearse = useAct(REHEARSE, { showsMistakes: true });
  const [tried, setTried] = useState<Tried | null>(null);
  const { control, getValues } = useFormContext<Draft>();
  // Renders again only when the form begins to differ from the tried values.
  const isOld = useWatch({ control, compute: (values: Draft) => tried !== null && tried.of !== JSON.stringify(values) });
  const run = async () => {
    const of = JSON.stringify(getValues());
    const { data, errors } = await rehearse.run({ webhookSubscription: getInput() as never, first: EVENTS });
    const rehearsal = data?.rehearseWebhookSubscription.rehearsal ?? null;
    setTried({ of, rehearsal, mistakes: rehearsal ? [] : errors.map(({ fullMessage }) => fullMessage) });
  };
  return (
    <section className={styles.stage} aria-label="Stored events">
      <h4 className={styles.stageTitle}>
        <span className={styles.mark} aria-hidden="true" />
        Stored events
      </h4>
      <p className={styles.note}>Tries these settings on the last {EVENTS} events of the topic. Nothing is sent or saved.</p>
      <div>
        <Button icon="events" isBusy={rehearse.isRunning} onPress={() => void run()}>
          Try on stored events
        </Button>
      </div>
      {isOld && <p className={styles.note}>The form has changed since. Try again.</p>}
      {tried?.mistakes.map((mistake) => (
        <p key={mistake} className={styles.failure} role="alert">
          {mistake}
        </p>
      ))}
      {tried?.rehearsal && tried.rehearsal.examinedCount === 0 && (
        <p className={styles.note} role="status">
          No event of this topic is stored yet.
        </p>
      )}
      {tried?.rehearsal && tried.rehearsal.examinedCount > 0 && <Rehearsed rehearsal={tried.rehearsal} first="last" />}
    </section>
  );
}
