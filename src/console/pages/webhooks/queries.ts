// The operation of the list of webhooks.
import { graphql, type ResultOf } from '../../app/graphql';

export const WEBHOOKS = graphql(`
  query Webhooks(
    $first: Int
    $after: String
    $search: String
    $statuses: [WebhookSubscriptionStatus!]
    $paceStates: [WebhookPaceState!]
    $orderBy: WebhookSubscriptionOrder
  ) {
    webhookSubscriptions(first: $first, after: $after, search: $search, statuses: $statuses, paceStates: $paceStates, orderBy: $orderBy) {
      nodes {
        id
        name
        description
        status
        phase
        disabledReason
        disabledMessage
        disabledAt
        heldReason
        pace { state since }
        topic { key }
        callbackUrl
        sns { topicArn }
        sqs { queueArn }
        eventBridge { eventBusArn }
        lastDelivery { id state createdAt updatedAt }
        stats(buckets: 24) { delivered failed buckets { from delivered failed } }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export type ListedWebhook = ResultOf<typeof WEBHOOKS>['webhookSubscriptions']['nodes'][number];
