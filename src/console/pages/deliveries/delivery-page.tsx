// Shows a delivery: its state, each attempt with its stages, and what can be done with it.
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { ListLink } from '../../app/list-link';
import { LIVE_MS, useAct, useApi } from '../../app/queries';
import { useRights } from '../../app/viewer';
import { Banner } from '../../kit/banner';
import { Button } from '../../kit/button';
import { Select } from '../../kit/field';
import { Id } from '../../kit/id';
import { Empty, Loaded } from '../../kit/loaded';
import { Card, Facts, Page, Section } from '../../kit/page';
import { Time } from '../../kit/time';
import { notify } from '../../kit/toast';
import { BulkActions } from '../history/bulk-actions';
import shared from '../history/history.module.css';
import { KIND_TEXTS, nodeName, REASON_TEXTS, webhookName } from '../history/words';
import { DeliveryBadge } from '../webhooks/parts';
import { AttemptItem } from './attempt';
import styles from './deliveries.module.css';
import { DELIVERY, RELEASE, RESEND, type ShownDelivery } from './queries';
import { ReplayDialog } from './replay-dialog';

const route = getRouteApi('/deliveries/$id');

export function DeliveryPage() {
  const { id } = route.useParams();
  const query = useApi(DELIVERY, { id }, { poll: LIVE_MS, keep: false });
  const delivery = query.data?.webhookDelivery;
  const above = <ListLink to="/deliveries">Deliveries</ListLink>;
  return (
    <Page
      title={delivery?.topic?.key ?? 'Delivery'}
      above={above}
      beside={delivery && <DeliveryBadge state={delivery.state} />}
      lead={delivery ? nodeName(delivery) : undefined}
      actions={delivery && <Actions delivery={delivery} />}
    >
      <Loaded query={query} what="the delivery">
        {({ webhookDelivery }) =>
          webhookDelivery ? (
            <Shown delivery={webhookDelivery} />
          ) : (
            <Empty title="You have no such delivery">
              <p>It may belong to somebody else, or be older than the history that is kept.</p>
            </Empty>
          )
        }
      </Loaded>
    </Page>
  );
}

function Actions({ delivery: { id, kind, state, webhookSubscription, event } }: { delivery: ShownDelivery }) {
  const { unavailable } = useRights();
  const [isReplaying, setReplaying] = useState(false);
  const resending = useAct(RESEND);
  const releasing = useAct(RELEASE);
  const webhookId = webhookSubscription?.id;
  const why = unavailable ?? whyNot(kind, webhookSubscription);
  const resend = async (asNew: boolean) => {
    const { ok } = await resending.run({ id, asNew });
    if (ok) notify({ text: asNew ? 'A new delivery is due now.' : 'The delivery is due now.' });
  };
  const release = async () => {
    const { data, ok } = await releasing.run({ id: webhookId });
    if (ok) notify({ text: `Released deliveries: ${data?.releaseWebhookDeliveries.releasedCount ?? 0}.` });
  };
  return (
    <>
      {webhookId && kind !== 'TEST' && kind !== 'BEFORE' && (
        <Button unavailable={unavailable} onPress={() => setReplaying(true)}>
          Replay…
        </Button>
      )}
      {state === 'HELD' && (
        <Button unavailable={why} isBusy={releasing.isRunning} onPress={() => void release()}>
          Release all held
        </Button>
      )}
      <Button unavailable={why} isBusy={resending.isRunning} onPress={() => void resend(true)}>
        Resend as new
      </Button>
      <Button tone="primary" icon="refresh" unavailable={why} isBusy={resending.isRunning} onPress={() => void resend(false)}>
        Resend
      </Button>
      {isReplaying && webhookId && (
        <ReplayDialog webhookId={webhookId} {...(event && { from: event.occurredAt })} onClose={() => setReplaying(false)} />
      )}
    </>
  );
}

/** Why a delivery can't be resent; `null` when it can. */
function whyNot(kind: string, webhook: ShownDelivery['webhookSubscription']): string | null {
  if (kind === 'TEST') return 'A test can’t be resent. Send a new one.';
  if (kind === 'BEFORE') return 'A before-hook can’t be called again: the write was already decided.';
  if (webhook === null) return 'The webhook of this delivery was deleted.';
  if (webhook.status === 'DISABLED') return 'The webhook is disabled. Enable it first.';
  return webhook.status === 'HELD' ? 'The query or a template of the webhook no longer works. Correct it first.' : null;
}

function Shown({ delivery }: { delivery: ShownDelivery }) {
  const { error, attempts: only } = route.useSearch();
  const navigate = useNavigate();
  const { reason, state, nextAttemptAt, attempts, waitsFor, replacedBy } = delivery;
  const openId = error ?? attempts.at(-1)?.databaseId;
  const failed = attempts.filter(({ outcome }) => outcome === 'FAILED');
  const shown = only ? failed : attempts;
  const filter = failed.length > 0 && attempts.length > 1 && (
    <Select
      aria-label="Attempts"
      value={only ?? 'all'}
      choices={[
        ['all', 'All attempts'],
        ['failed', `Only the ${failed.length} that failed`],
      ]}
      onChange={(value) => void navigate({ to: '.', search: { error, attempts: value === 'failed' ? value : undefined }, replace: true })}
    />
  );
  return (
    <>
      <BulkActions />
      {reason && (
        <Banner tone={state === 'HELD' ? 'warn' : 'info'} title={WAITING[state] ?? 'Why'}>
          <p>
            {REASON_TEXTS[reason] ?? reason} {waitsFor && <OtherDelivery {...waitsFor} text={`It waits for ${waitsFor.databaseId}`} />}
            {replacedBy && <OtherDelivery {...replacedBy} text={`See ${replacedBy.databaseId}`} />}
          </p>
        </Banner>
      )}
      <Card>
        <Facts facts={factsOf(delivery)} />
      </Card>
      <Section title={attempts.length === 1 ? '1 attempt' : `${attempts.length} attempts`} actions={filter}>
        {nextAttemptAt && (
          <p role="status">
            Next attempt: {Date.parse(nextAttemptAt) <= Date.now() ? 'due now' : <Time at={nextAttemptAt} style="ago" />} (
            <Time at={nextAttemptAt} />)
          </p>
        )}
        {attempts.length === 0 ? (
          <p className={shared.sub}>{state === 'PENDING' ? 'No attempt has been made yet.' : 'No attempt was made.'}</p>
        ) : (
          <ol className={styles.attempts}>
            {[...shown].reverse().map((attempt) => (
              <AttemptItem key={attempt.id} attempt={attempt} isFirstOpen={attempt.databaseId === openId} />
            ))}
          </ol>
        )}
      </Section>
    </>
  );
}

function OtherDelivery({ id, text }: { id: string; text: string }) {
  return (
    <Link to="/deliveries/$id" params={{ id }}>
      {text}
    </Link>
  );
}

const WAITING: Record<string, string> = {
  PENDING: 'This delivery waits',
  HELD: 'This delivery is held',
  SKIPPED: 'This delivery was not sent',
  CANCELLED: 'This delivery was cancelled',
};

function factsOf({ databaseId, webhookSubscription, nodeId, event, kind, webhookReplay, topic, createdAt, updatedAt }: ShownDelivery) {
  const facts: [string, React.ReactNode][] = [
    ['Delivery', <Id key="id" id={databaseId} what="id of the delivery" />],
    [
      'Webhook',
      webhookSubscription ? (
        <Link key="webhook" to="/webhooks/$webhookId" params={{ webhookId: webhookSubscription.id }}>
          {webhookName(webhookSubscription)}
        </Link>
      ) : (
        'Deleted webhook'
      ),
    ],
    ['Topic', topic ? `${topic.key}, version ${topic.version}` : 'A topic that was removed'],
    [
      'Node',
      <span key="node" className={shared.chips}>
        <Id id={nodeId} what="id of the node" />
        <Link to="/deliveries" search={{ node: nodeId }}>
          All its deliveries
        </Link>
      </span>,
    ],
    [
      'Caused by',
      event ? (
        <Link key="event" to="/events/$id" params={{ id: event.id }}>
          {topic?.nodeType ?? 'Node'} {event.operation.toLowerCase()}
          {event.changedFields.length > 0 && `: ${event.changedFields.join(', ')}`}
        </Link>
      ) : (
        KIND_TEXTS[kind]
      ),
    ],
    ['Created', <Time key="created" at={createdAt} />],
    ['State since', <Time key="updated" at={updatedAt} />],
  ];
  if (kind !== 'LIVE' && event) facts.splice(5, 0, ['Kind', webhookReplay ? `Replay ${webhookReplay.databaseId}` : KIND_TEXTS[kind]]);
  return facts;
}
