// Lists the recorded changes, and what became of each.
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import type { ResultOf, VariablesOf } from '../../app/graphql';
import { type Further, LIVE_MS, useApi } from '../../app/queries';
import { useIsHere } from '../../app/search';
import { Badge, type BadgeTone } from '../../kit/badge';
import { Button } from '../../kit/button';
import { Filters, Search, Select } from '../../kit/field';
import { Empty, Loaded } from '../../kit/loaded';
import { Page } from '../../kit/page';
import { Pager } from '../../kit/pager';
import { type Column, rowLinkClass, Table } from '../../kit/table';
import { Time, withTimes } from '../../kit/time';
import styles from '../history/history.module.css';
import { joined, NothingYet, restOf } from '../history/part-of-list';
import { startOf } from '../history/spans';
import { WebhookSelect } from '../history/webhook-select';
import { nodeName, reasonText, webhookName } from '../history/words';
import { isOther, verdictOf } from './decisions';
import { EVENTS, type ListedEvent, NODE_TYPES } from './queries';
import { type EventsSearch, OPERATIONS, SPANS } from './search';

const PER_PAGE = 25;
const FURTHER: Further<ResultOf<typeof EVENTS>, VariablesOf<typeof EVENTS>> = {
  next: ({ webhookEvents }) => restOf(webhookEvents, PER_PAGE),
  join: (read, { webhookEvents }) => ({ ...read, webhookEvents: joined(read.webhookEvents, webhookEvents) }),
};
const OPERATION_TEXTS = { CREATED: 'Created', UPDATED: 'Updated', DELETED: 'Deleted' } as const;
const SPAN_TEXTS = { '1h': 'Last hour', '24h': 'Last 24 hours', '7d': 'Last 7 days', '30d': 'Last 30 days' } as const;

const route = getRouteApi('/events');

export function EventsPage() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const isHere = useIsHere();
  const { webhook, type, node, operation, since, after } = search;
  const occurredAtMin = useMemo(() => startOf(since ?? '24h'), [since]);
  const query = useApi(
    EVENTS,
    { first: PER_PAGE, after: after ?? null, nodeId: node ?? null, nodeType: type ?? null, operation: operation ?? null, occurredAtMin },
    { poll: after === undefined ? LIVE_MS * 2 : 0, further: FURTHER },
  );
  const go = useCallback(
    (change: EventsSearch) =>
      void navigate({ to: '/events', search: (before: EventsSearch) => ({ ...before, after: undefined, ...change }) }),
    [navigate],
  );
  const isFiltered = [webhook, type, node, operation, since].some((value) => value !== undefined);
  const types = useApi(NODE_TYPES, {}).data?.webhookTopics.nodes ?? [];
  const typeNames = [...new Set(types.map(({ nodeType }) => nodeType))];
  return (
    <Page title="Events" lead="Every recorded change, and why each webhook sent it or did not.">
      <Filters onClear={isFiltered ? () => void navigate({ to: '/events', search: {} }) : undefined}>
        <Search label="Paste the id of a node" value={node ?? ''} onChange={(text) => isHere() && go({ node: text || undefined })} />
        <WebhookSelect value={webhook} onChange={(id) => go({ webhook: id })} />
        <Select
          aria-label="Type of node"
          value={type ?? ''}
          choices={[['', 'All types'] as const, ...typeNames.map((name) => [name, name] as const)]}
          onChange={(name) => go({ type: name || undefined })}
        />
        <Select
          aria-label="Operation"
          value={operation ?? ''}
          choices={[['', 'Any change'] as const, ...OPERATIONS.map((one) => [one, OPERATION_TEXTS[one]] as const)]}
          onChange={(one) => go({ operation: one || undefined })}
        />
        <Select
          aria-label="Time"
          value={since ?? '24h'}
          choices={SPANS.map((span) => [span, SPAN_TEXTS[span]] as const)}
          onChange={(span) => go({ since: span === '24h' ? undefined : span })}
        />
      </Filters>
      <Loaded query={query} what="events">
        {({ webhookEvents: { nodes, pageInfo } }) => (
          <>
            {nodes.length === 0 && pageInfo.hasNextPage ? (
              <NothingYet />
            ) : nodes.length === 0 ? (
              <Nothing onClear={() => void navigate({ to: '/events', search: {} })} />
            ) : (
              <Table<ListedEvent> label="Events" columns={columnsOf(webhook)} rows={[...nodes]} rowKey={({ id }) => id} />
            )}
            <Pager
              hasPrevious={after !== undefined}
              hasNext={pageInfo.hasNextPage}
              onFirst={() => go({})}
              onNext={() => go({ after: pageInfo.endCursor ?? undefined })}
            />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Nothing({ onClear }: { onClear(): void }) {
  return (
    <Empty title="Nothing changed" action={<Button onPress={onClear}>Show all events of a day</Button>}>
      <p>
        No change that matches was recorded in this time. If you expected one, it was written by a table that isn’t announced, or rolled
        back.
      </p>
    </Empty>
  );
}

function columnsOf(webhook: string | undefined): Column<ListedEvent>[] {
  return [
    {
      head: 'Change',
      cell: (event) => (
        <div className={styles.two}>
          <Link to="/events/$id" params={{ id: event.id }} search={{ webhook }} className={rowLinkClass}>
            {event.nodeType} {OPERATION_TEXTS[event.operation].toLowerCase()}
          </Link>
          <span className={styles.sub}>{nodeName(event)}</span>
        </div>
      ),
    },
    { head: 'Fields', isMinor: true, cell: ({ changedFields }) => <span className={styles.sub}>{changedFields.join(', ') || '—'}</span> },
    { head: webhook ? 'This webhook' : 'Webhooks', cell: ({ decisions }) => <Decisions decisions={decisions} webhook={webhook} /> },
    {
      head: 'At',
      align: 'right',
      isPlain: true,
      cell: ({ occurredAt }) => (
        <span className={styles.when}>
          <Time at={occurredAt} style="ago" />
        </span>
      ),
    },
  ];
}

/** Shows the webhook's decision in a sentence or, when no webhook is chosen, the number of webhooks by outcome of the event. */
function Decisions({ decisions, webhook }: { decisions: ListedEvent['decisions']; webhook: string | undefined }) {
  if (webhook !== undefined) {
    const decision = decisions.find(({ webhookSubscription }) => webhookSubscription.id === webhook);
    if (!decision) return <span className={styles.sub}>It is about another type</span>;
    const { text, tone } = verdictOf(decision.code);
    return (
      <div className={styles.chips}>
        <Badge tone={tone}>{text}</Badge>
        <span className={styles.sub}>{withTimes(reasonText(decision.reason))}</span>
      </div>
    );
  }
  const concerned = decisions.filter(({ code }) => !isOther(code));
  if (concerned.length === 0)
    return <span className={styles.sub}>{decisions.length > 0 ? 'None is about this change' : 'None is about this type'}</span>;
  const verdicts = new Map<string, { tone: BadgeTone; names: string[] }>();
  for (const { code, webhookSubscription } of concerned) {
    const { text, tone } = verdictOf(code);
    const { names } = verdicts.get(text) ?? { names: [] };
    verdicts.set(text, { tone, names: [...names, webhookName(webhookSubscription)] });
  }
  return (
    <div className={styles.chips}>
      {[...verdicts].map(([text, { tone, names }]) => (
        <Badge key={text} tone={tone} title={names.join(', ')}>
          {names.length} {text.toLowerCase()}
        </Badge>
      ))}
    </div>
  );
}
