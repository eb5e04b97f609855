// The operations of the pages of deliveries.
import { graphql, type ResultOf } from '../../app/graphql';

/** `newer` selects the deliveries that were created after the list was opened; only their number is shown. */
export const DELIVERIES = graphql(`
  query Deliveries(
    $first: Int, $after: String, $newer: String, $isLive: Boolean!, $createdAtMax: DateTime
    $webhookSubscriptionId: ID, $states: [WebhookDeliveryState!], $createdAtMin: DateTime, $nodeId: ID, $stages: [WebhookStage!]
    $responseStatusMin: Int, $responseStatusMax: Int, $search: String
  ) {
    webhookDeliveries(
      first: $first, after: $after, createdAtMax: $createdAtMax, webhookSubscriptionId: $webhookSubscriptionId, states: $states
      createdAtMin: $createdAtMin, nodeId: $nodeId, stages: $stages, responseStatusMin: $responseStatusMin
      responseStatusMax: $responseStatusMax, search: $search
    ) {
      nodes {
        id databaseId kind state reason attemptCount nextAttemptAt createdAt nodeId
        nodeLabel @_optional
        topic { key }
        webhookSubscription { id name }
        lastAttempt { id outcome stage message durationMs response { status } }
      }
      pageInfo { hasNextPage startCursor endCursor }
    }
    newer: webhookDeliveries(
      first: 100, before: $newer, webhookSubscriptionId: $webhookSubscriptionId, states: $states, createdAtMin: $createdAtMin
      nodeId: $nodeId, stages: $stages, responseStatusMin: $responseStatusMin, responseStatusMax: $responseStatusMax, search: $search
    ) @include(if: $isLive) {
      nodes { id }
    }
  }
`);

export type ListedDelivery = ResultOf<typeof DELIVERIES>['webhookDeliveries']['nodes'][number];

/** Requested once, when the user is about to resend all matching deliveries, because the API reads each of them to count them. */
export const COUNT = graphql(`
  query CountDeliveries(
    $webhookSubscriptionId: ID, $states: [WebhookDeliveryState!], $createdAtMin: DateTime, $nodeId: ID, $stages: [WebhookStage!]
    $responseStatusMin: Int, $responseStatusMax: Int, $search: String
  ) {
    webhookDeliveries(
      first: 1, webhookSubscriptionId: $webhookSubscriptionId, states: $states, createdAtMin: $createdAtMin, nodeId: $nodeId
      stages: $stages, responseStatusMin: $responseStatusMin, responseStatusMax: $responseStatusMax, search: $search
    ) {
      totalCount
    }
  }
`);

/** Headers and bodies are read by ATTEMPT, when an attempt is opened. */
export const DELIVERY = graphql(`
  query Delivery($id: ID!) {
    webhookDelivery(id: $id) {
      id databaseId kind state reason attemptCount nextAttemptAt createdAt updatedAt nodeId
      nodeLabel @_optional
      topic { key version nodeType }
      webhookSubscription { id name status }
      waitsFor { id databaseId state }
      replacedBy { id databaseId }
      event { id databaseId operation occurredAt changedFields }
      webhookReplay { id databaseId }
      attempts {
        id databaseId number subscriptionVersion startedAt durationMs outcome stage message timings
        request { url }
        response { status }
      }
    }
  }
`);

export type ShownDelivery = NonNullable<ResultOf<typeof DELIVERY>['webhookDelivery']>;
export type ListedAttempt = ShownDelivery['attempts'][number];

export const ATTEMPT = graphql(`
  query Attempt($id: ID!) {
    webhookAttempt(id: $id) {
      id
      request { url headers body bodyBytes bodyOmitted }
      response { status headers body bodyBytes bodyOmitted }
    }
  }
`);

export type Sent = NonNullable<NonNullable<ResultOf<typeof ATTEMPT>['webhookAttempt']>['request']>;

export const RESEND = graphql(`
  mutation ResendDelivery($id: ID, $asNew: Boolean) {
    resendWebhookDelivery(id: $id, asNew: $asNew) {
      errors { field message fullMessage path type }
      webhookDelivery { id databaseId }
    }
  }
`);

export const RESEND_MANY = graphql(`
  mutation ResendDeliveries($input: ResendWebhookDeliveriesInput!) {
    resendWebhookDeliveries(input: $input) {
      errors { field message fullMessage path type }
      webhookBulkAction { id kind matchedCount }
    }
  }
`);

export const RELEASE = graphql(`
  mutation ReleaseDeliveries($id: ID) {
    releaseWebhookDeliveries(webhookSubscriptionId: $id) {
      errors { field message fullMessage path type }
      releasedCount
    }
  }
`);

export const REPLAY_DRY_RUN = graphql(`
  query ReplayDryRun($id: ID!, $from: DateTime, $to: DateTime, $includeDelivered: Boolean) {
    webhookReplayDryRun(webhookSubscriptionId: $id, from: $from, to: $to, includeDelivered: $includeDelivered) {
      from to sendCount deliveredCount openCount skippedCount countedTo refusal
    }
  }
`);

/** Requested separately from the count, because it runs the query and the templates of each event. */
export const REPLAY_REHEARSAL = graphql(`
  query ReplayRehearsal($id: ID!, $from: DateTime, $to: DateTime, $includeDelivered: Boolean, $mode: WebhookReplayMode) {
    webhookReplayDryRun(webhookSubscriptionId: $id, from: $from, to: $to, includeDelivered: $includeDelivered, mode: $mode) {
      rehearsal(first: 25) {
        examinedCount sentCount changedCount skippedCount failedCount impossibleCount hasNextPage
        events { outcome message event { id databaseId } changes { path before after } }
      }
    }
  }
`);

export const REPLAY = graphql(`
  mutation Replay($id: ID, $from: DateTime, $to: DateTime, $includeDelivered: Boolean, $mode: WebhookReplayMode) {
    replayWebhookEvents(webhookSubscriptionId: $id, from: $from, to: $to, includeDelivered: $includeDelivered, mode: $mode) {
      errors { field message fullMessage path type }
      webhookReplay { id }
    }
  }
`);
