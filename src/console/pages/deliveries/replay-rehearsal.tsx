// Shows what a replay would do with the first events of its period, and where their bodies would differ from those sent before.
import { Fragment } from 'react';
import type { VariablesOf } from '../../app/graphql';
import { useApi } from '../../app/queries';
import { Loaded } from '../../kit/loaded';
import styles from './deliveries.module.css';
import { REPLAY_REHEARSAL, type Rehearsal } from './queries';

/** Number of events of which the changes, or the reason why nothing would be sent, are shown. */
const EXAMPLES = 3;

export function ReplayRehearsal({ scope }: { scope: VariablesOf<typeof REPLAY_REHEARSAL> }) {
  const rehearsing = useApi(REPLAY_REHEARSAL, scope);
  return (
    <Loaded query={rehearsing} what="the rehearsal">
      {({ webhookReplayDryRun: run }) => (run === null || run.rehearsal.examinedCount === 0 ? null : <Shown rehearsal={run.rehearsal} />)}
    </Loaded>
  );
}

function Shown({ rehearsal }: { rehearsal: Rehearsal }) {
  const { examinedCount, hasNextPage, events } = rehearsal;
  const examples = events.filter(({ outcome, changes }) => outcome !== 'SENT' || (changes?.length ?? 0) > 0).slice(0, EXAMPLES);
  return (
    <div role="status" aria-label="Rehearsal">
      <p>{hasNextPage ? `Of the first ${examinedCount.toLocaleString()} events:` : 'Of these events:'}</p>
      <dl className={styles.counts}>
        <dt>Sent</dt>
        <dd>{rehearsal.sentCount.toLocaleString()}</dd>
        <dt>with another body than before</dt>
        <dd>{rehearsal.changedCount.toLocaleString()}</dd>
        <dt>Skipped by the validation template</dt>
        <dd>{rehearsal.skippedCount.toLocaleString()}</dd>
        <dt>Held, because no request can be made</dt>
        <dd>{rehearsal.failedCount.toLocaleString()}</dd>
        <dt>Not possible, because not enough is stored</dt>
        <dd>{rehearsal.impossibleCount.toLocaleString()}</dd>
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
