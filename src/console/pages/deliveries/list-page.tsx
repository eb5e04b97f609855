// Lists deliveries: a live list with filters, whose rows don't move while somebody reads.
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useEffect, useState } from 'react';
import type { ResultOf, VariablesOf } from '../../app/graphql';
import { type Further, LIVE_MS, useApi } from '../../app/queries';
import { useRights } from '../../app/viewer';
import { Button, buttonClass } from '../../kit/button';
import { Empty, Loaded } from '../../kit/loaded';
import { Page, Section } from '../../kit/page';
import { Pager } from '../../kit/pager';
import { SelectionBar } from '../../kit/selection-bar';
import { Table } from '../../kit/table';
import { BulkActions } from '../history/bulk-actions';
import shared from '../history/history.module.css';
import { joined, NothingYet, restOf } from '../history/part-of-list';
import { COLUMNS } from './columns';
import styles from './deliveries.module.css';
import { conditionsOf } from './filter';
import { DeliveryFilters } from './filters';
import { DELIVERIES, type ListedDelivery } from './queries';
import { ReplayDialog } from './replay-dialog';
import { ResendDialog } from './resend-dialog';
import type { DeliveriesSearch } from './search';

const PER_PAGE = 50;
const FURTHER: Further<ResultOf<typeof DELIVERIES>, VariablesOf<typeof DELIVERIES>> = {
  next: ({ webhookDeliveries }) => {
    const rest = restOf(webhookDeliveries, PER_PAGE);
    return rest && { ...rest, isLive: false };
  },
  join: (read, { webhookDeliveries }) => ({ ...read, webhookDeliveries: joined(read.webhookDeliveries, webhookDeliveries) }),
};
/** Maximum number of new rows that the API counts: those of one page. */
const MOST_NEW = 100;

const allRoute = getRouteApi('/deliveries');
const tabRoute = getRouteApi('/webhooks/$webhookId/deliveries');

/** The deliveries of all webhooks. */
export function DeliveriesPage() {
  const search = allRoute.useSearch();
  const [isReplaying, setReplaying] = useState(false);
  const { unavailable } = useRights();
  const why = unavailable ?? (search.webhook ? null : 'Choose a webhook first: a replay sends the events that one webhook missed.');
  const replay = (
    <Button icon="refresh" unavailable={why} onPress={() => setReplaying(true)}>
      Replay…
    </Button>
  );
  return (
    <Page title="Deliveries" lead="What was sent, what is still to be sent, and how each attempt went." actions={replay}>
      <DeliveryList search={search} />
      {isReplaying && search.webhook && <ReplayDialog webhookId={search.webhook} onClose={() => setReplaying(false)} />}
    </Page>
  );
}

/** The deliveries of one webhook, as a tab of its page. */
export function DeliveriesTab() {
  const { webhookId } = tabRoute.useParams();
  const search = tabRoute.useSearch();
  const [isReplaying, setReplaying] = useState(false);
  const { unavailable } = useRights();
  const replay = (
    <Button icon="refresh" unavailable={unavailable} onPress={() => setReplaying(true)}>
      Replay…
    </Button>
  );
  return (
    <Section title="Deliveries" actions={replay}>
      <DeliveryList search={search} webhookId={webhookId} />
      {isReplaying && <ReplayDialog webhookId={webhookId} onClose={() => setReplaying(false)} />}
    </Section>
  );
}

/** `webhookId`: the only webhook whose deliveries are shown; absent: the search may name one. */
function DeliveryList({ search, webhookId }: { search: DeliveriesSearch; webhookId?: string }) {
  const navigate = useNavigate();
  const { unavailable } = useRights();
  const [selected, setSelected] = useState<Set<string>>(new Set());
  const [resending, setResending] = useState<'selected' | 'all' | null>(null);
  const asked = webhookId === undefined ? search : { ...search, webhook: webhookId };
  const { query, newCount, showNew } = useLiveList(asked);
  const go = useCallback(
    (change: DeliveriesSearch, replace = true) => {
      setSelected(new Set());
      void navigate({ to: '.', search: (before: DeliveriesSearch) => ({ ...before, after: undefined, ...change }), replace });
    },
    [navigate],
  );
  const { after, ...filters } = search;
  const isFiltered = Object.values(filters).some((value) => value !== undefined);
  return (
    <>
      <DeliveryFilters search={search} onFilter={go} isFiltered={isFiltered} hasWebhook={webhookId === undefined} />
      <BulkActions />
      {newCount > 0 && (
        <div className={styles.live}>
          <Button icon="up" onPress={showNew}>
            {newCount >= MOST_NEW ? `${MOST_NEW} or more new` : `${newCount} new`}
          </Button>
        </div>
      )}
      <Loaded query={query} what="deliveries">
        {({ webhookDeliveries: { nodes, pageInfo } }) =>
          nodes.length === 0 && !pageInfo.hasNextPage ? (
            <Nothing isFiltered={isFiltered} webhookId={asked.webhook} onClear={() => void navigate({ to: '.', search: {} })} />
          ) : (
            <>
              {nodes.length === 0 ? (
                <NothingYet />
              ) : (
                <>
                  <SelectionBar
                    count={selected.size}
                    what="deliveries"
                    action="Resend"
                    unavailable={unavailable}
                    onAct={() => setResending('selected')}
                    onActOnAll={() => setResending('all')}
                    onClear={() => setSelected(new Set())}
                  />
                  <Table<ListedDelivery>
                    label="Deliveries"
                    columns={webhookId === undefined ? COLUMNS : COLUMNS.filter(({ head }) => head !== 'Webhook')}
                    rows={[...nodes]}
                    rowKey={({ id }) => id}
                    selection={{ selected, onChange: setSelected, nameOf: ({ databaseId }) => `delivery ${databaseId}` }}
                  />
                </>
              )}
              <Pager
                hasPrevious={after !== undefined}
                hasNext={pageInfo.hasNextPage}
                onFirst={() => go({})}
                onNext={() => go({ after: pageInfo.endCursor ?? undefined }, false)}
              />
            </>
          )
        }
      </Loaded>
      {resending && (
        <ResendDialog
          ids={resending === 'selected' ? [...selected] : null}
          conditions={conditionsOf(asked)}
          isFiltered={isFiltered}
          onClose={() => setResending(null)}
          onDone={() => setSelected(new Set())}
        />
      )}
    </>
  );
}

/**
 * Reads the list repeatedly. Keeps the rows that were there when the list was opened, and updates their states; newer deliveries are only
 * counted. `showNew` opens the list again.
 */
function useLiveList(search: DeliveriesSearch) {
  const { after, ...filters } = search;
  const key = JSON.stringify(search);
  // The conditions are computed when the list is opened, so that a span such as "last hour" keeps its start meanwhile.
  const open = () => ({ key, conditions: conditionsOf(filters), atMs: Date.now(), top: null as Top | null });
  const [kept, setOpened] = useState(open);
  const opened = kept.key === key ? kept : open();
  if (opened !== kept) setOpened(opened);
  const { conditions, top, atMs } = opened;
  const isLive = top !== null && after === undefined;
  const query = useApi(
    DELIVERIES,
    {
      ...conditions,
      first: PER_PAGE,
      after: after ?? null,
      createdAtMax: top?.createdAt ?? null,
      newer: top?.cursor ?? null,
      isLive,
    },
    { poll: LIVE_MS, further: FURTHER },
  );
  const { data, isPlaceholderData, dataUpdatedAt } = query;
  useEffect(() => {
    const first = data?.webhookDeliveries.nodes[0];
    const cursor = data?.webhookDeliveries.pageInfo.startCursor;
    // Ignores an answer from the cache that is older than the opening of the list.
    const isNew = !isPlaceholderData && dataUpdatedAt >= atMs;
    if (top === null && after === undefined && first && cursor && isNew)
      setOpened((before) => ({ ...before, top: { createdAt: first.createdAt, cursor } }));
  }, [data, isPlaceholderData, dataUpdatedAt, atMs, top, after]);
  const newCount = isLive && !isPlaceholderData ? (data?.newer?.nodes.length ?? 0) : 0;
  return { query, newCount, showNew: () => setOpened(open()) };
}

interface Top {
  createdAt: string;
  cursor: string;
}

function Nothing({ isFiltered, webhookId, onClear }: { isFiltered: boolean; webhookId: string | undefined; onClear(): void }) {
  const why = (
    <Link to="/events" search={{ webhook: webhookId }} className={buttonClass('primary')}>
      Why did nothing come?
    </Link>
  );
  if (isFiltered)
    return (
      <Empty
        title="No delivery matches"
        action={
          <div className={shared.chips}>
            <Button onPress={onClear}>Show all deliveries</Button>
            {why}
          </div>
        }
      >
        <p>Filters by node, stage, answer and text search the last 7 days, unless you choose a longer time.</p>
      </Empty>
    );
  return (
    <Empty title="No deliveries yet" action={why}>
      <p>A delivery appears here as soon as something changes that a webhook is about.</p>
    </Empty>
  );
}
