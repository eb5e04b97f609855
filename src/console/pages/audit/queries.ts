// The operations of the audit log.
import { graphql, type ResultOf } from '../../app/graphql';

const entry = graphql(`
  fragment AuditEntry on WebhookAuditEntry @_unmask {
    databaseId
    action
    at
    message
    versionBefore
    versionAfter
    actor { rule tokenName userId }
    changes { field before after diff isSecret }
    webhookSubscriptionId
    webhookSubscription { id name }
  }
`);

export const AUDIT = graphql(
  `
  query AuditLog($first: Int, $after: String, $actions: [WebhookAuditAction!], $byRule: Boolean) {
    webhookAuditLog(first: $first, after: $after, actions: $actions, byRule: $byRule) {
      nodes { ...AuditEntry }
      pageInfo { hasNextPage endCursor }
    }
  }
`,
  [entry],
);

export const AUDIT_OF_WEBHOOK = graphql(
  `
  query AuditLogOfWebhook($id: ID!, $first: Int) {
    webhookSubscription(id: $id) {
      auditLog(first: $first) { nodes { ...AuditEntry } }
    }
  }
`,
  [entry],
);

export type AuditEntry = ResultOf<typeof AUDIT>['webhookAuditLog']['nodes'][number];
