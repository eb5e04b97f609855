// Lists the webhooks: what works, what fails and since when.
import { getRouteApi, Link, Outlet, useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useCallback } from 'react';
import type { VariablesOf } from '../../app/graphql';
import { useApi } from '../../app/queries';
import { useRights } from '../../app/viewer';
import { Button, buttonClass } from '../../kit/button';
import { Filters, Search, Select } from '../../kit/field';
import { cutId } from '../../kit/id';
import { Empty, Loaded, Loading } from '../../kit/loaded';
import { Page } from '../../kit/page';
import { Pager } from '../../kit/pager';
import { Sparkline } from '../../kit/sparkline';
import { type Column, rowLinkClass, Table } from '../../kit/table';
import { Time } from '../../kit/time';
import styles from './list.module.css';
import { DeliveryBadge, destinationOf, StateBadge, successRate } from './parts';
import { type ListedWebhook, WEBHOOKS } from './queries';
import type { ListSearch, ORDERS } from './search';

const PER_PAGE = 50;
const POLL_MS = 5_000;

type Variables = VariablesOf<typeof WEBHOOKS>;
type Shown = NonNullable<ListSearch['show']>;
type Order = (typeof ORDERS)[number];

const FILTERS: Record<Shown, Pick<Variables, 'statuses' | 'paceStates'>> = {
  enabled: { statuses: ['ENABLED'] },
  disabled: { statuses: ['DISABLED'] },
  held: { statuses: ['HELD'] },
  slowed: { paceStates: ['PROBING', 'SLOWED'] },
};
const SHOWN: readonly (readonly ['all' | Shown, string])[] = [
  ['all', 'All states'],
  ['enabled', 'Enabled'],
  ['disabled', 'Disabled'],
  ['held', 'Held'],
  ['slowed', 'Failing or slowed down'],
];
const ORDER_BY: Record<Order, NonNullable<Variables['orderBy']>> = {
  name: 'NAME_ASC',
  '-name': 'NAME_DESC',
  lastDelivery: 'LAST_DELIVERY_ASC',
  '-lastDelivery': 'LAST_DELIVERY_DESC',
  createdAt: 'CREATED_AT_ASC',
  '-createdAt': 'CREATED_AT_DESC',
};

const ORDER_CHOICES: readonly (readonly [Order, string])[] = [
  ['-createdAt', 'Newest first'],
  ['createdAt', 'Oldest first'],
  ['name', 'Name, A to Z'],
  ['-name', 'Name, Z to A'],
  ['-lastDelivery', 'Latest delivery first'],
  ['lastDelivery', 'Latest delivery last'],
];

const OWNERS = [
  ['own', 'Your webhooks'],
  ['organization', 'Everybody’s'],
] as const;

/** Loaded separately, because only admins see this list. */
const OrganizationList = lazy(() => import('./organization-list').then(({ OrganizationList: list }) => ({ default: list })));

const route = getRouteApi('/webhooks');

export function ListPage() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const { unavailable } = useRights();
  const isOfAll = search.of === 'organization';
  const filter = useCallback(
    (change: ListSearch) =>
      void navigate({ to: '.', search: (before: ListSearch) => ({ ...before, after: undefined, ...change }), replace: true }),
    [navigate],
  );
  const isFiltered = search.search !== undefined || search.show !== undefined;
  const onSearch = useCallback((text: string) => filter({ search: text || undefined }), [filter]);
  const create = unavailable ? (
    <Button tone="primary" icon="plus" unavailable={unavailable}>
      Create Webhook
    </Button>
  ) : (
    <Link to="/webhooks/new" search={search} className={buttonClass('primary')}>
      Create Webhook
    </Link>
  );
  return (
    <Page title="Webhooks" lead="What Hookgraph sends, where to, and how that goes." actions={create}>
      <Filters onClear={isFiltered ? () => filter({ search: undefined, show: undefined }) : undefined}>
        <Search label="Search by name, topic, address or id" value={search.search ?? ''} onChange={onSearch} />
        <Select
          aria-label="State"
          value={search.show ?? 'all'}
          choices={isOfAll ? SHOWN.filter(([value]) => value !== 'slowed') : SHOWN}
          onChange={(value) => filter({ show: value === 'all' ? undefined : value })}
        />
        {(unavailable === null || isOfAll) && (
          <Select
            aria-label="Whose webhooks"
            value={search.of ?? 'own'}
            choices={OWNERS}
            onChange={(value) => filter({ of: value === 'organization' ? value : undefined, order: undefined, show: undefined })}
          />
        )}
        {!isOfAll && (
          <Select
            aria-label="Order"
            value={search.order ?? '-createdAt'}
            choices={ORDER_CHOICES}
            onChange={(order) => filter({ order: order === '-createdAt' ? undefined : order })}
          />
        )}
      </Filters>
      {isOfAll ? (
        <Suspense fallback={<Loading what="the list" />}>
          <OrganizationList search={search} statuses={search.show && FILTERS[search.show].statuses} onFilter={filter} />
        </Suspense>
      ) : (
        <OwnList search={search} filter={filter} create={create} />
      )}
      <Outlet />
    </Page>
  );
}

interface OwnListProps {
  search: ListSearch;
  filter(change: ListSearch): void;
  create: React.ReactNode;
}

function OwnList({ search, filter, create }: OwnListProps) {
  const query = useApi(
    WEBHOOKS,
    {
      first: PER_PAGE,
      after: search.after ?? null,
      search: search.search ?? null,
      ...(search.show && FILTERS[search.show]),
      orderBy: ORDER_BY[search.order ?? '-createdAt'],
    },
    { poll: POLL_MS },
  );
  const isFiltered = search.search !== undefined || search.show !== undefined;
  return (
    <Loaded query={query} what="webhooks">
      {({ webhookSubscriptions: { nodes, pageInfo } }) =>
        nodes.length === 0 ? (
          <Nothing isFiltered={isFiltered} onClear={() => filter({ search: undefined, show: undefined })} create={create} />
        ) : (
          <>
            <Table label="Webhooks" columns={columnsOf(search.order, filter)} rows={nodes} rowKey={({ id }) => id} />
            <Pager
              hasPrevious={search.after !== undefined}
              hasNext={pageInfo.hasNextPage}
              onFirst={() => filter({})}
              onNext={() => filter({ after: pageInfo.endCursor ?? undefined })}
            />
          </>
        )
      }
    </Loaded>
  );
}

function columnsOf(order: Order | undefined, filter: (change: ListSearch) => void): Column<ListedWebhook>[] {
  const sort = (key: 'name' | 'lastDelivery'): NonNullable<Column<ListedWebhook>['sort']> => ({
    direction: order === key ? 'ascending' : order === `-${key}` ? 'descending' : null,
    onSort: () => filter({ order: order === key ? `-${key}` : key }),
  });
  return [
    {
      head: 'Name',
      sort: sort('name'),
      cell: ({ id, name, description, topic }) => (
        <div className={styles.name}>
          <Link to="/webhooks/$webhookId" params={{ webhookId: id }} className={rowLinkClass}>
            {name ?? `Webhook ${cutId(id)}`}
          </Link>
          <span className={styles.sub}>{topic?.key}</span>
          {description && (
            <span className={styles.description} title={description}>
              {description}
            </span>
          )}
        </div>
      ),
    },
    { head: 'State', cell: (webhook) => <StateBadge webhook={webhook} buckets={webhook.stats.buckets} /> },
    { head: 'Destination', cell: (webhook) => <DestinationCell webhook={webhook} /> },
    { head: 'Last delivery', sort: sort('lastDelivery'), cell: ({ lastDelivery }) => <LastDelivery delivery={lastDelivery} /> },
    { head: 'Success, 24 h', align: 'right', cell: ({ stats }) => <Rate stats={stats} /> },
    {
      head: 'Attempts, 24 h',
      cell: ({ stats }) => (
        <Sparkline
          label={`In 24 hours ${stats.delivered} delivered, ${stats.failed} failed`}
          bars={stats.buckets.map(({ from, delivered, failed }) => ({ from, good: delivered, bad: failed }))}
        />
      ),
    },
  ];
}

function DestinationCell({ webhook }: { webhook: ListedWebhook }) {
  const { kind, address } = destinationOf(webhook);
  return (
    <span className={styles.destination} title={address}>
      {kind !== 'HTTPS' && <strong>{kind} </strong>}
      {address.replace(/^https:\/\//, '')}
    </span>
  );
}

function LastDelivery({ delivery }: { delivery: ListedWebhook['lastDelivery'] }) {
  if (!delivery) return <span className={styles.sub}>Nothing yet</span>;
  return (
    <div className={styles.last}>
      <DeliveryBadge state={delivery.state} />
      <span className={styles.sub}>
        <Time at={delivery.updatedAt} style="ago" />
      </span>
    </div>
  );
}

function Rate({ stats }: { stats: ListedWebhook['stats'] }) {
  const rate = successRate(stats);
  return rate === null ? <span className={styles.sub}>—</span> : <span data-bad={rate < 95 || undefined}>{rate} %</span>;
}

function Nothing({ isFiltered, onClear, create }: { isFiltered: boolean; onClear(): void; create: React.ReactNode }) {
  if (isFiltered)
    return (
      <Empty title="No webhook matches" action={<Button onPress={onClear}>Show all webhooks</Button>}>
        <p>Search finds every word in names, topics, addresses, queries, templates and ids.</p>
      </Empty>
    );
  return (
    <Empty title="No webhooks yet" action={create}>
      <p>A webhook sends a notification when something changes. You choose three things:</p>
      <ol className={styles.teach}>
        <li>
          <strong>a topic</strong>, such as “created” or “updated” of a type;
        </li>
        <li>
          <strong>an address</strong>, to which each notification is posted;
        </li>
        <li>
          <strong>a query</strong>, if you like: its result is the payload, and templates shape the body.
        </li>
      </ol>
      <p>While you write, a preview shows what would be sent. A test sends it at once.</p>
    </Empty>
  );
}
