// The operation of the books.
import { graphql, type ResultOf } from '../../app/graphql';

export const BOOKS = graphql(`
  query Books($since: DateTime, $until: DateTime, $after: String) {
    webhookAudit(since: $since, until: $until, after: $after) {
      events
      unsubscribed
      deliveries
      subscriptionAccounts { webhookSubscription { id name topic { key } } code reason count }
      findingCount
      findings { kind message event { id } webhookSubscription { id name } deliveryDatabaseId }
      hasNextPage
      endCursor
    }
  }
`);

export type Books = ResultOf<typeof BOOKS>;
export type Account = Books['webhookAudit']['subscriptionAccounts'][number];
export type Finding = Books['webhookAudit']['findings'][number];
