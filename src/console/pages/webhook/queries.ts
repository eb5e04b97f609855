// The operations of one webhook's pages.
import { graphql, type ResultOf } from '../../app/graphql';

export const WEBHOOK = graphql(`
  query Webhook($id: ID!) {
    webhookSubscription(id: $id) {
      id
      databaseId
      name
      description
      status
      phase
      disabled
      disabledReason
      disabledMessage
      disabledAt
      heldReason
      version
      createdAt
      updatedAt
      pace { state since resumesAt perSecond }
      topic { key version description }
      callbackUrl
      contentType
      coalescing
      ordering
      numbered
      skipUnread
      relatedChanges
      sns { topicArn region managed roleArn endpoint }
      sqs { queueArn roleArn endpoint }
      eventBridge { eventBusArn source roleArn endpoint }
      integrationId @_optional
      integrationLabel @_optional
      environmentLabels @_optional
      query
      validationTemplate
      template
      errorTemplate
      hasSharedSecret
      publicKey
      secretRotation { endsAt }
      signatures
      auth { kind scheme clientId tokenUrl scope audience }
      headers { name }
      retry { maxTries maxTimeMs }
      rateLimit { perSecond concurrency }
      recording { bodies maskedPaths }
      onFailure
      timeoutMs
      errors(first: 1) { totalCount }
    }
  }
`);

export type Webhook = NonNullable<ResultOf<typeof WEBHOOK>['webhookSubscription']>;

export const STATS = graphql(`
  query WebhookStats($id: ID!, $from: DateTime, $buckets: Int) {
    webhookSubscription(id: $id) {
      stats(from: $from, buckets: $buckets) {
        from
        to
        countedUntil
        delivered
        failed
        skipped
        held
        p50Ms
        p95Ms
        buckets { from to delivered failed skipped held p50Ms p95Ms }
      }
    }
  }
`);

/** A separate request, because counting reads the columns of many events. */
export const UNREAD_UPDATES = graphql(`
  query UnreadUpdates($id: ID!) {
    webhookSubscription(id: $id) { skipUnread unreadUpdates { totalCount unreadCount } }
  }
`);

export const SKIP_UNREAD = graphql(`
  mutation SkipUnread($id: ID!) {
    updateWebhookSubscription(webhookSubscription: { id: $id, skipUnread: true }) {
      errors { field fullMessage message path type }
      webhookSubscription { id }
    }
  }
`);

export type Stats = NonNullable<ResultOf<typeof STATS>['webhookSubscription']>['stats'];

export const RECENT = graphql(`
  query RecentDeliveries($id: ID!) {
    webhookDeliveries(webhookSubscriptionId: $id, first: 8) {
      nodes {
        id
        databaseId
        state
        kind
        reason
        nodeLabel
        nodeId
        createdAt
        updatedAt
        nextAttemptAt
        attemptCount
        lastAttempt { message durationMs response { status } }
      }
    }
  }
`);

export type RecentDelivery = ResultOf<typeof RECENT>['webhookDeliveries']['nodes'][number];

export const UPDATE = graphql(`
  mutation SwitchWebhook($id: ID!, $disabled: Boolean!) {
    updateWebhookSubscription(webhookSubscription: { id: $id, disabled: $disabled }) {
      errors { field fullMessage message path type }
      webhookSubscription { id }
    }
  }
`);

export const DELETE = graphql(`
  mutation DeleteWebhook($id: ID!) {
    deleteWebhookSubscription(webhookSubscription: { id: $id }) {
      errors { field fullMessage message path type }
    }
  }
`);

/** The nodes that can be chosen for a test. */
export const TEST_NODES = graphql(`
  query TestNodes($id: ID!) {
    webhookSubscription(id: $id) { topic { recentNodes(first: 25) { nodeId nodeLabel } } }
  }
`);

export const TEST = graphql(`
  mutation TestWebhook($id: ID!, $nodeId: ID) {
    testWebhookSubscription(id: $id, nodeId: $nodeId) {
      errors { field fullMessage message path type }
      webhookDelivery { id }
      report {
        outcome
        message
        durationMs
        nodeLabel
        nodeId
        request { url headers body }
        response { status headers body }
        stages { stage outcome message durationMs place { line column } }
      }
    }
  }
`);

export type Report = NonNullable<NonNullable<ResultOf<typeof TEST>['testWebhookSubscription']>['report']>;

export const ROTATE = graphql(`
  mutation RotateSecret($id: ID!, $sharedSecret: String!, $overlapSeconds: Int) {
    rotateWebhookSecret(id: $id, sharedSecret: $sharedSecret, overlapSeconds: $overlapSeconds) {
      errors { field fullMessage message path type }
      webhookSubscription { id }
    }
  }
`);

export const RELEASE = graphql(`
  mutation ReleaseDeliveries($id: ID!) {
    releaseWebhookDeliveries(webhookSubscriptionId: $id) {
      errors { field fullMessage message path type }
      releasedCount
    }
  }
`);

export const DRY_RUN = graphql(`
  query ReplayDryRun($id: ID!, $from: DateTime) {
    webhookReplayDryRun(webhookSubscriptionId: $id, from: $from) {
      sendCount
      deliveredCount
      openCount
      skippedCount
      countedTo
    }
  }
`);

export type Counts = NonNullable<ResultOf<typeof DRY_RUN>['webhookReplayDryRun']>;

export const REPLAY = graphql(`
  mutation ReplayMissed($id: ID!, $from: DateTime) {
    replayWebhookEvents(webhookSubscriptionId: $id, from: $from) {
      errors { field fullMessage message path type }
      webhookReplay { id }
    }
  }
`);

export const VERSIONS = graphql(`
  query WebhookVersions($id: ID!, $before: Int) {
    webhookSubscription(id: $id) {
      version
      versions(first: 50, before: $before) { number createdAt createdById definition }
    }
  }
`);

export type Version = NonNullable<ResultOf<typeof VERSIONS>['webhookSubscription']>['versions'][number];

export const EGRESS = graphql(`
  query WebhookEgress($id: ID!) {
    webhookSubscription(id: $id) { egress { destination fields { source nodeType field table column } } }
  }
`);
