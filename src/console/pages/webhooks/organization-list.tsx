// Lists the webhooks of all users of the organization, for an admin: whose they are, where they send, and whether they work.
import { Link } from '@tanstack/react-router';
import { graphql, type ResultOf, type VariablesOf } from '../../app/graphql';
import { useApi } from '../../app/queries';
import { Badge } from '../../kit/badge';
import { Button } from '../../kit/button';
import { cutId } from '../../kit/id';
import { Empty, Loaded } from '../../kit/loaded';
import { Pager } from '../../kit/pager';
import { type Column, rowLinkClass, Table } from '../../kit/table';
import { Time } from '../../kit/time';
import styles from './list.module.css';
import { stateOf } from './parts';
import type { ListSearch } from './search';

const OF_ORGANIZATION = graphql(`
  query WebhooksOfOrganization($first: Int, $after: String, $search: String, $statuses: [WebhookSubscriptionStatus!]) {
    webhooksOfOrganization(first: $first, after: $after, search: $search, statuses: $statuses) {
      nodes { id name topic { key } destination status disabledReason health ownerId ownerLabel isOwn updatedAt }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

type Listed = ResultOf<typeof OF_ORGANIZATION>['webhooksOfOrganization']['nodes'][number];

const PER_PAGE = 50;
const POLL_MS = 15_000;

interface Props {
  search: ListSearch;
  statuses: VariablesOf<typeof OF_ORGANIZATION>['statuses'];
  onFilter(change: ListSearch): void;
}

export function OrganizationList({ search: { search, show, after }, statuses, onFilter }: Props) {
  const query = useApi(
    OF_ORGANIZATION,
    { first: PER_PAGE, after: after ?? null, search: search ?? null, statuses: statuses ?? null },
    { poll: POLL_MS },
  );
  return (
    <Loaded query={query} what="the webhooks of your organization">
      {({ webhooksOfOrganization: { nodes, pageInfo } }) =>
        nodes.length === 0 ? (
          <Nothing
            isFiltered={search !== undefined || show !== undefined}
            onClear={() => onFilter({ search: undefined, show: undefined })}
          />
        ) : (
          <>
            <Table label="Webhooks of the organization" columns={COLUMNS} rows={nodes} rowKey={({ id }) => id} />
            <Pager
              hasPrevious={after !== undefined}
              hasNext={pageInfo.hasNextPage}
              onFirst={() => onFilter({})}
              onNext={() => onFilter({ after: pageInfo.endCursor ?? undefined })}
            />
          </>
        )
      }
    </Loaded>
  );
}

function Nothing({ isFiltered, onClear }: { isFiltered: boolean; onClear(): void }) {
  if (!isFiltered) return <Empty title="Nobody in your organization has a webhook yet" />;
  return (
    <Empty title="No webhook matches" action={<Button onPress={onClear}>Show all webhooks</Button>}>
      <p>Search finds every word in names, topics and ids. Queries and templates of others are private.</p>
    </Empty>
  );
}

const COLUMNS: Column<Listed>[] = [
  {
    head: 'Name',
    cell: ({ id, name, topic, isOwn }) => (
      <div className={styles.name}>
        {isOwn ? (
          <Link to="/webhooks/$webhookId" params={{ webhookId: id }} className={rowLinkClass}>
            {name ?? `Webhook ${cutId(id)}`}
          </Link>
        ) : (
          <strong>{name ?? `Webhook ${cutId(id)}`}</strong>
        )}
        <span className={styles.sub}>{topic?.key}</span>
      </div>
    ),
  },
  { head: 'Owner', cell: ({ ownerLabel, ownerId, isOwn }) => (isOwn ? 'You' : (ownerLabel ?? ownerId)) },
  { head: 'State', cell: (webhook) => <State webhook={webhook} /> },
  { head: 'Destination', cell: ({ destination }) => <span className={styles.destination}>{destination}</span> },
  {
    head: 'Changed',
    align: 'right',
    cell: ({ updatedAt }) => (
      <span className={styles.sub}>
        <Time at={updatedAt} style="ago" />
      </span>
    ),
  },
];

function State({ webhook: { status, disabledReason, health } }: { webhook: Listed }) {
  if (health === 'SLOWED') return <Badge tone="warn">Slowed down</Badge>;
  const { text, tone } = stateOf({ status, disabledReason, pace: null }, null);
  return <Badge tone={tone}>{text}</Badge>;
}
