// The catalogue of topics.
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { graphql, type ResultOf } from '../../app/graphql';
import { useApi } from '../../app/queries';
import { useIsHere } from '../../app/search';
import { Button } from '../../kit/button';
import { Search } from '../../kit/field';
import { Empty, Loaded } from '../../kit/loaded';
import { Page } from '../../kit/page';
import { type Column, rowLinkClass, Table } from '../../kit/table';
import { Subscribe } from './subscribe';

const TOPICS = graphql(`
  query Topics($after: String) {
    webhookTopics(first: 100, after: $after) {
      nodes { id key version nodeType operation description }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

type Topic = ResultOf<typeof TOPICS>['webhookTopics']['nodes'][number];

const route = getRouteApi('/topics');

export function TopicsPage() {
  const { search = '' } = route.useSearch();
  const navigate = useNavigate();
  const first = useApi(TOPICS, {});
  // The search covers only the first 200 topics of a host (two pages); the form finds any topic.
  const { hasNextPage = false, endCursor = null } = first.data?.webhookTopics.pageInfo ?? {};
  const second = useApi(TOPICS, { after: endCursor }, { enabled: hasNextPage });
  const all = [...(first.data?.webhookTopics.nodes ?? []), ...(hasNextPage ? (second.data?.webhookTopics.nodes ?? []) : [])];
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = all.filter(({ key, nodeType, description }) => {
    const text = `${key} ${nodeType} ${description}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const isHere = useIsHere();
  const onSearch = (text: string) => isHere() && void navigate({ to: '/topics', search: { search: text || undefined }, replace: true });
  return (
    <Page title="Topics" lead="The changes that you can subscribe to, each with its payload and an example.">
      <Search label="Search topics" value={search} onChange={onSearch} />
      <Loaded query={first} what="topics">
        {() =>
          matching.length === 0 ? (
            words.length > 0 ? (
              <Empty title="No topic matches" action={<Button onPress={() => onSearch('')}>Show all topics</Button>} />
            ) : (
              <Empty title="No topics">
                <p>This application announces no types of nodes yet.</p>
              </Empty>
            )
          ) : (
            <Table<Topic> label="Topics" columns={COLUMNS} rows={matching} rowKey={({ id }) => id} />
          )
        }
      </Loaded>
    </Page>
  );
}

const COLUMNS: Column<Topic>[] = [
  {
    head: 'Topic',
    cell: ({ id, key }) => (
      <Link to="/topics/$id" params={{ id }} className={rowLinkClass}>
        {key}
      </Link>
    ),
  },
  { head: 'Sent when', isPlain: true, cell: ({ description }) => description },
  { head: 'Type', isMinor: true, cell: ({ nodeType }) => nodeType },
  { head: 'Version', isMinor: true, cell: ({ version }) => version },
  { head: 'Subscribe', align: 'right', isPlain: true, cell: ({ key }) => <Subscribe topic={key} /> },
];
