// Shows how far actions on many deliveries or errors are, and replays, and cancels them.
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { graphql, type ResultOf } from '../../app/graphql';
import { useAct, useApi } from '../../app/queries';
import { useRights } from '../../app/viewer';
import { Button } from '../../kit/button';
import { notify } from '../../kit/toast';
import styles from './history.module.css';

const RUNNING = graphql(`
  query RunningActions {
    webhookBulkActions(first: 5) { nodes { id kind state matchedCount doneCount progress } }
    webhookReplays(first: 5) { nodes { id state progress deliveryCount } }
  }
`);
const CANCEL = graphql(`
  mutation CancelBulkAction($id: ID) {
    cancelWebhookBulkAction(id: $id) { errors { field message fullMessage path type } webhookBulkAction { id state } }
  }
`);
const CANCEL_REPLAY = graphql(`
  mutation CancelReplay($id: ID) {
    cancelWebhookReplay(id: $id) { errors { field message fullMessage path type } webhookReplay { id state } }
  }
`);

const POLL_MS = { running: 1_000, idle: 10_000 };

type Answer = ResultOf<typeof RUNNING>;
type BulkAction = Answer['webhookBulkActions']['nodes'][number];

const DOING: Record<BulkAction['kind'], [doing: string, done: string, what: string]> = {
  RESEND: ['Resending deliveries', 'Resent', 'deliveries'],
  RESEND_AS_NEW: ['Resending deliveries as new ones', 'Resent as new ones', 'deliveries'],
  DELETE_ERRORS: ['Deleting errors', 'Deleted', 'errors'],
};

export function BulkActions() {
  const { data } = useApi(RUNNING, {}, { poll: POLL_MS.idle });
  const running = [...(data?.webhookBulkActions.nodes ?? []), ...(data?.webhookReplays.nodes ?? [])].filter(
    ({ state }) => state === 'RUNNING',
  );
  useApi(RUNNING, {}, { poll: POLL_MS.running, enabled: running.length > 0 });
  useEnds(data);
  if (running.length === 0) return null;
  return (
    <section className={styles.actions} aria-label="Running actions">
      {data?.webhookBulkActions.nodes.map((action) => action.state === 'RUNNING' && <RunningAction key={action.id} action={action} />)}
      {data?.webhookReplays.nodes.map(
        ({ id, state, progress, deliveryCount }) =>
          state === 'RUNNING' && (
            <Progress
              key={id}
              label="Replaying events"
              share={progress}
              detail={`${deliveryCount.toLocaleString()} deliveries created`}
              cancel={{ id, isReplay: true }}
            />
          ),
      )}
    </section>
  );
}

function RunningAction({ action: { id, kind, matchedCount, doneCount, progress } }: { action: BulkAction }) {
  const detail = `${doneCount.toLocaleString()} of ${matchedCount.toLocaleString()}`;
  return <Progress label={DOING[kind][0]} share={progress} detail={detail} cancel={{ id, isReplay: false }} />;
}

function Progress({
  label,
  share,
  detail,
  cancel,
}: {
  label: string;
  share: number;
  detail: string;
  cancel: { id: string; isReplay: boolean };
}) {
  const { unavailable } = useRights();
  const bulk = useAct(CANCEL);
  const replay = useAct(CANCEL_REPLAY);
  const { run, isRunning } = cancel.isReplay ? replay : bulk;
  return (
    <div className={styles.action}>
      <span>
        {label} <small>{detail}</small>
      </span>
      <Button unavailable={unavailable} isBusy={isRunning} onPress={() => void run({ id: cancel.id })} aria-label={`Cancel: ${label}`}>
        Cancel
      </Button>
      <progress value={share} max={1} aria-label={label} />
    </div>
  );
}

/** Shows a message and reloads the lists when an action that was seen running has ended. */
function useEnds(data: Answer | undefined): void {
  const client = useQueryClient();
  const seen = useRef(new Set<string>());
  useEffect(() => {
    for (const { id, kind, state, doneCount } of data?.webhookBulkActions.nodes ?? []) {
      if (state === 'RUNNING') seen.current.add(id);
      else if (seen.current.delete(id)) {
        const [, done, what] = DOING[kind];
        notify({ text: `${done}: ${doneCount.toLocaleString()} ${what}${state === 'CANCELLED' ? ', then cancelled' : ''}.` });
        void client.invalidateQueries();
      }
    }
    for (const { id, state, deliveryCount } of data?.webhookReplays.nodes ?? []) {
      if (state === 'RUNNING') seen.current.add(id);
      else if (seen.current.delete(id)) {
        notify({
          text: `The replay ${state === 'DONE' ? 'has ended' : 'was cancelled'}: ${deliveryCount.toLocaleString()} deliveries were created.`,
        });
        void client.invalidateQueries();
      }
    }
  }, [data, client]);
}
