// The operations of the form: what it loads, the live preview, and saving.
import { graphql } from '../../app/graphql';

export const LOAD = graphql(`
  query WebhookToEdit($id: ID!) {
    webhookSubscription(id: $id) {
      id
      version
      name
      description
      topic { id key }
      contentType
      callbackUrl
      sns { topicArn region managed subscriberPrincipal roleArn endpoint externalId }
      sqs { queueArn roleArn endpoint externalId }
      eventBridge { eventBusArn source roleArn endpoint externalId }
      integrationId @_optional
      environmentIds @_optional
      hasSharedSecret
      query
      validationTemplate
      template
      errorTemplate
      disabled
      auth { kind scheme tokenUrl clientId scope audience clientAuthentication }
      headers { name }
      signatures
      phase
      onFailure
      timeoutMs
      coalescing
      ordering
      numbered
      skipUnread
      relatedChanges
      retry { maxTries maxTimeMs }
      rateLimit { perSecond concurrency }
      recording { bodies maskedPaths }
    }
  }
`);

export const CHOICES = graphql(`
  query FormChoices {
    webhookTopics(first: 100) { nodes { id key description nodeType version } pageInfo { hasNextPage endCursor } }
    webhookIntegrations(first: 100) @_optional { id label }
    webhookEnvironments(first: 100) @_optional { id label }
    webhookPresets @_optional { key name description contentType signatures template }
    webhookDestinations { field managed accounts }
    webhookViewer { canManageWebhooks cannotManageReason }
  }
`);

export const MORE_TOPICS = graphql(`
  query FormTopics($after: String) {
    webhookTopics(first: 100, after: $after) { nodes { id key description nodeType version } pageInfo { hasNextPage endCursor } }
  }
`);

export const RECENT_NODES = graphql(`
  query RecentNodes($topic: ID!) {
    webhookTopic(id: $topic) { id recentNodes(first: 25) { nodeId nodeLabel } }
  }
`);

export const STORED_RESPONSES = graphql(`
  query StoredResponses($id: ID!) {
    webhookSubscription(id: $id) {
      deliveries(first: 20) { nodes { id lastAttempt { id startedAt response { status } } } }
    }
  }
`);

export const PREVIEW = graphql(`
  mutation PreviewWebhook($webhookSubscription: WebhookSubscriptionInput, $nodeId: ID, $response: WebhookResponseInput, $attemptId: ID) {
    previewWebhookSubscription(webhookSubscription: $webhookSubscription, nodeId: $nodeId, response: $response, attemptId: $attemptId) {
      errors { field fullMessage message path type place { line column } }
      warnings { field fullMessage message path type place { line column } }
      report {
        outcome
        stage
        message
        nodeId
        nodeLabel
        stages { stage outcome input output message place { line column } durationMs }
        request { url headers body bodyBytes }
        response { status }
      }
    }
  }
`);

export const REHEARSE = graphql(`
  mutation RehearseWebhook($webhookSubscription: WebhookSubscriptionInput!, $first: Int) {
    rehearseWebhookSubscription(webhookSubscription: $webhookSubscription, first: $first) {
      errors { field fullMessage message path type }
      rehearsal {
        examinedCount sentCount changedCount skippedCount failedCount impossibleCount hasNextPage
        events { outcome message event { id databaseId } changes { path before after } }
      }
    }
  }
`);

export const CREATE = graphql(`
  mutation CreateWebhook($webhookSubscription: WebhookSubscriptionInput) {
    createWebhookSubscription(webhookSubscription: $webhookSubscription) {
      errors { field fullMessage message path type place { line column } }
      warnings { field fullMessage message path type place { line column } }
      report { outcome stage message nodeLabel response { status body } }
      webhookSubscription { id version }
    }
  }
`);

export const CREATE_SEVERAL = graphql(`
  mutation CreateWebhooks($webhookSubscriptions: [WebhookSubscriptionInput!]!) {
    createWebhookSubscriptions(webhookSubscriptions: $webhookSubscriptions) {
      errors { field fullMessage message path type place { line column } }
      warnings { field fullMessage message path type place { line column } }
      reports { outcome stage message nodeLabel response { status body } }
      webhookSubscriptions { id version }
    }
  }
`);

export const UPDATE = graphql(`
  mutation UpdateWebhook($webhookSubscription: WebhookSubscriptionInput) {
    updateWebhookSubscription(webhookSubscription: $webhookSubscription) {
      errors { field fullMessage message path type place { line column } }
      warnings { field fullMessage message path type place { line column } }
      report { outcome stage message nodeLabel response { status body } }
      webhookSubscription { id version }
    }
  }
`);
