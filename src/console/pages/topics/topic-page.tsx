// Shows a topic: the schema of its payload, an example from real data, and the webhooks that are about it.
import { getRouteApi, Link } from '@tanstack/react-router';
import { graphql } from '../../app/graphql';
import { ListLink } from '../../app/list-link';
import { useApi } from '../../app/queries';
import { Code, prettyJson } from '../../kit/code';
import { Empty, Loaded } from '../../kit/loaded';
import { Card, Facts, Page, Section } from '../../kit/page';
import { webhookName } from '../history/words';
import { Subscribe } from './subscribe';

const TOPIC = graphql(`
  query Topic($id: ID) {
    webhookTopic(id: $id) { id key version nodeType operation description payloadSchema example }
  }
`);
const SUBSCRIBED = graphql(`
  query SubscribedTo($topicKey: String) {
    webhookSubscriptions(first: 100, topicKey: $topicKey, orderBy: NAME_ASC) { nodes { id name } }
  }
`);

const route = getRouteApi('/topics/$id');

export function TopicPage() {
  const { id } = route.useParams();
  const query = useApi(TOPIC, { id }, { keep: false });
  const topic = query.data?.webhookTopic;
  return (
    <Page
      title={topic?.key ?? 'Topic'}
      above={<ListLink to="/topics">Topics</ListLink>}
      lead={topic?.description}
      actions={topic && <Subscribe topic={topic.key} isMain />}
    >
      <Loaded query={query} what="the topic">
        {({ webhookTopic }) =>
          webhookTopic ? (
            <>
              <Card>
                <Facts
                  facts={[
                    ['Type of node', webhookTopic.nodeType],
                    ['Sent when a node is', webhookTopic.operation.toLowerCase()],
                    ['Version', webhookTopic.version],
                    ['Your webhooks', <Subscribed key="webhooks" topicKey={webhookTopic.key} />],
                  ]}
                />
              </Card>
              <Section title="Example">
                {webhookTopic.example === null ? (
                  <p>There is no {webhookTopic.nodeType} yet that you may read.</p>
                ) : (
                  <Code text={prettyJson(webhookTopic.example)} what="Example of the payload" />
                )}
                <p>This is the default payload. A query of your own fetches any field, and a template shapes the body.</p>
              </Section>
              <Section title="Schema of the payload">
                <Code text={prettyJson(webhookTopic.payloadSchema)} what="JSON Schema of the payload" maxLines={60} />
              </Section>
            </>
          ) : (
            <Empty title="There is no such topic" />
          )
        }
      </Loaded>
    </Page>
  );
}

function Subscribed({ topicKey }: { topicKey: string }) {
  const query = useApi(SUBSCRIBED, { topicKey });
  return (
    <Loaded query={query} what="your webhooks of this topic">
      {({ webhookSubscriptions: { nodes } }) =>
        nodes.length === 0
          ? 'none yet'
          : nodes.map((webhook, index) => (
              <span key={webhook.id}>
                {index > 0 && ', '}
                <Link to="/webhooks/$webhookId" params={{ webhookId: webhook.id }}>
                  {webhookName(webhook)}
                </Link>
              </span>
            ))
      }
    </Loaded>
  );
}
