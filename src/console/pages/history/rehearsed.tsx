// Shows what a replay or a draft would do with stored events, and where bodies would differ from those sent before.
import { Fragment } from 'react';
import styles from './rehearsed.module.css';

interface RehearsedEvent {
  outcome: string;
  message: string | null;
  event: { id: string; databaseId: string } | null;
  changes: readonly { path: string; before: string | null; after: string | null }[] | null;
}

export interface Rehearsal {
  examinedCount: number;
  sentCount: number;
  changedCount: number;
  skippedCount: number;
  failedCount: number;
  impossibleCount: number;
  hasNextPage: boolean;
  events: readonly RehearsedEvent[];
}

/** Maximum number of events whose changes, or reason for not being sent, are shown. */
const EXAMPLES = 3;

interface Props {
  rehearsal: Rehearsal;
  /** Whether the first or the last events were examined, if there are more events. */
  first: 'first' | 'last';
}

export function Rehearsed({ rehearsal, first }: Props) {
  const { examinedCount, hasNextPage, events } = rehearsal;
  const examples = events.filter(({ outcome, changes }) => outcome !== 'SENT' || (changes?.length ?? 0) > 0).slice(0, EXAMPLES);
  const counts: [string, number][] = [
    ['Sent', rehearsal.sentCount],
    ['with another body than before', rehearsal.changedCount],
    ['Skipped by the validation template', rehearsal.skippedCount],
    ['Held, because no request can be made', rehearsal.failedCount],
    ['Not possible, because not enough is stored', rehearsal.impossibleCount],
  ];
  return (
    <div role="status" aria-label="Rehearsal" className={styles.rehearsed}>
      <p>{hasNextPage ? `Of the ${first} ${examinedCount.toLocaleString()} events:` : `Of ${examinedCount.toLocaleString()} events:`}</p>
      <dl className={styles.counts}>
        {counts.map(([name, count]) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd>{count.toLocaleString()}</dd>
          </Fragment>
        ))}
      </dl>
      {examples.map(({ event, message, changes }) => (
        <details key={event?.id}>
          <summary>Event {event?.databaseId}</summary>
          {message && <p className={styles.why}>{message}</p>}
          <dl className={styles.counts}>
            {changes?.map(({ path, before, after }) => (
              <Fragment key={path}>
                <dt>{path}</dt>
                <dd>
                  {before !== null && <del>{before}</del>} {after !== null && <ins>{after}</ins>}
                </dd>
              </Fragment>
            ))}
          </dl>
        </details>
      ))}
    </div>
  );
}
