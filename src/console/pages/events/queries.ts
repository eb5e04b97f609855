// The operations of the pages of events.
import { graphql, type ResultOf } from '../../app/graphql';

export const EVENTS = graphql(`
  query Events(
    $first: Int, $after: String, $nodeId: ID, $nodeType: String, $operation: WebhookOperation, $occurredAtMin: DateTime
  ) {
    webhookEvents(
      first: $first, after: $after, nodeId: $nodeId, nodeType: $nodeType, operation: $operation, occurredAtMin: $occurredAtMin
    ) {
      nodes {
        id databaseId operation occurredAt nodeType nodeId changedFields
        nodeLabel @_optional
        decisions { code reason webhookSubscription { id name } }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export type ListedEvent = ResultOf<typeof EVENTS>['webhookEvents']['nodes'][number];

export const EVENT = graphql(`
  query Event($id: ID!) {
    webhookEvent(id: $id) {
      id databaseId operation occurredAt nodeType nodeId changedFields before after actor
      nodeLabel @_optional
      decisions { code reason webhookSubscription { id name topic { key } } delivery { id state } }
    }
  }
`);

/** The types of nodes that have topics. */
export const NODE_TYPES = graphql(`
  query NodeTypes {
    webhookTopics(first: 100) { nodes { id nodeType } }
  }
`);
