// SQL conditions that match events (alias e) to topics (t) and subscriptions (s). Relay and replay share them.

/** Matches the topic's operation and, for a lifecycle topic, the value that a column changed to. */
export const FITS_TOPIC = `t.typename = e.typename AND t.operation = e.operation AND t.retired_at IS NULL
    AND (t.column_name IS NULL OR (t.column_name = ANY (e.changed) AND e.after ->> t.column_name = t.to_value
      AND (t.from_value IS NULL OR e.before ->> t.column_name = t.from_value)))`;

export const FITS_ENVIRONMENT =
  "(e.environment IS NULL OR s.environment_ids IS NULL OR s.environment_ids = '{}' OR e.environment = ANY (s.environment_ids))";

/** Keeps subscriptions to `webhook_subscription/…` topics from being notified about each other, which would never end. */
export const SETS_OFF_NO_OTHER = `NOT CASE WHEN e.typename = 'WebhookSubscription' THEN EXISTS (
    SELECT 1 FROM hookgraph.subscriptions about JOIN hookgraph.topics its ON its.id = about.topic_id
    WHERE about.id = e.node_key::uuid AND its.typename = 'WebhookSubscription') ELSE false END`;
