// Shows an event: what every webhook decided on it and why, and the values before and after.
import { getRouteApi, Link } from '@tanstack/react-router';
import { LIVE_MS, useApi } from '../../app/queries';
import { Badge } from '../../kit/badge';
import { prettyJson } from '../../kit/code';
import { Diff } from '../../kit/diff';
import { Id } from '../../kit/id';
import { Empty, Loaded } from '../../kit/loaded';
import { Card, Facts, Page, Section } from '../../kit/page';
import { Time, withTimes } from '../../kit/time';
import styles from '../history/history.module.css';
import { nodeName, reasonText, webhookName } from '../history/words';
import { type Decision, type Event, FIELD_TEXTS, fieldOf, isOther, verdictOf } from './decisions';
import { EVENT } from './queries';

const route = getRouteApi('/events/$id');

export function EventPage() {
  const { id } = route.useParams();
  const { webhook } = route.useSearch();
  const query = useApi(EVENT, { id }, { poll: LIVE_MS * 2, keep: false });
  const event = query.data?.webhookEvent;
  return (
    <Page
      title={event ? `${event.nodeType} ${event.operation.toLowerCase()}` : 'Event'}
      above={
        <Link to="/events" search={{ webhook }}>
          Events
        </Link>
      }
      lead={event ? nodeName(event) : undefined}
    >
      <Loaded query={query} what="the event">
        {({ webhookEvent }) =>
          webhookEvent ? (
            <Shown event={webhookEvent} webhook={webhook} />
          ) : (
            <Empty title="You have no such event">
              <p>It may belong to another organization, be older than the history that is kept, or not be matched with webhooks yet.</p>
            </Empty>
          )
        }
      </Loaded>
    </Page>
  );
}

function Shown({ event, webhook }: { event: Event; webhook: string | undefined }) {
  const [before, after] = [event.before, event.after] as (Record<string, unknown> | null)[];
  return (
    <>
      <Section title="What became of it">
        <Card>
          <Decisions decisions={event.decisions} webhook={webhook} />
        </Card>
      </Section>
      <Section title="What changed">
        {before === null && after === null ? (
          <p className={styles.sub}>You may not read the values of this node.</p>
        ) : (
          <Diff label="Values before and after" before={before ?? null} after={after ?? null} />
        )}
      </Section>
      <Section title="About it">
        <Card>
          <Facts facts={factsOf(event)} />
        </Card>
      </Section>
    </>
  );
}

function Decisions({ decisions, webhook }: { decisions: Event['decisions']; webhook: string | undefined }) {
  const first = decisions.filter(({ webhookSubscription }) => webhookSubscription.id === webhook);
  const rest = decisions.filter(({ webhookSubscription }) => webhookSubscription.id !== webhook);
  const concerned = [...first, ...rest.filter(({ code }) => !isOther(code))];
  const others = rest.filter(({ code }) => isOther(code));
  if (decisions.length === 0) return <p>You have no webhook for this type of node, so nothing was sent.</p>;
  return (
    <>
      {concerned.length === 0 && <p>No webhook is about this change, so nothing was sent.</p>}
      {concerned.map((decision) => (
        <DecisionItem key={decision.webhookSubscription.id} decision={decision} />
      ))}
      {others.length > 0 && (
        <details className={styles.others} open={concerned.length === 0}>
          <summary>
            {others.length} {others.length === 1 ? 'other webhook is' : 'other webhooks are'} about other changes
          </summary>
          {others.map((decision) => (
            <DecisionItem key={decision.webhookSubscription.id} decision={decision} />
          ))}
        </details>
      )}
    </>
  );
}

function DecisionItem({ decision: { code, reason, webhookSubscription, delivery } }: { decision: Decision }) {
  const { text, tone } = verdictOf(code);
  const field = fieldOf(code);
  return (
    <div className={styles.decision}>
      <span>
        <Badge tone={tone}>{text}</Badge>
      </span>
      <div>
        <strong>{webhookName(webhookSubscription)}</strong> <span className={styles.sub}>{webhookSubscription.topic?.key}</span>
        <p>{withTimes(reasonText(reason))}</p>
      </div>
      <div className={styles.links}>
        {delivery && (
          <Link to="/deliveries/$id" params={{ id: delivery.id }}>
            See the delivery
          </Link>
        )}
        {field && <FieldLink webhookId={webhookSubscription.id} field={field} />}
      </div>
    </div>
  );
}

function FieldLink({ webhookId, field }: { webhookId: string; field: string }) {
  return (
    <Link to="/webhooks/$webhookId/edit" params={{ webhookId }} search={{ field }}>
      Change {FIELD_TEXTS[field] ?? field}
    </Link>
  );
}

function factsOf({ databaseId, nodeId, occurredAt, actor, changedFields }: Event): [string, React.ReactNode][] {
  const facts: [string, React.ReactNode][] = [
    ['Event', <Id key="id" id={databaseId} what="id of the event" />],
    [
      'Node',
      <span key="node" className={styles.chips}>
        <Id id={nodeId} what="id of the node" />
        <Link to="/events" search={{ node: nodeId }}>
          All its events
        </Link>
        <Link to="/deliveries" search={{ node: nodeId }}>
          All its deliveries
        </Link>
      </span>,
    ],
    ['At', <Time key="at" at={occurredAt} />],
  ];
  if (changedFields.length > 0) facts.push(['Changed', changedFields.join(', ')]);
  if (actor !== null) facts.push(['By', actorText(actor) ?? <code key="by">{prettyJson(actor)}</code>]);
  return facts;
}

/** Writes the actor, which is whatever the application recorded, as `userId: 12`; `null` when it has nested values. */
function actorText(actor: unknown): string | null {
  const isPlain = (value: unknown) => typeof value !== 'object' || value === null;
  if (isPlain(actor)) return String(actor);
  const entries = Object.entries(actor as object);
  if (Array.isArray(actor) || entries.length === 0 || !entries.every(([, value]) => isPlain(value))) return null;
  return entries.map(([name, value]) => `${name}: ${value}`).join(', ');
}
