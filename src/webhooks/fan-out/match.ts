// Whom an event concerns, as SQL over the aliases e (event), t (topic) and s (subscription): the relay and a replay agree on it.

/** The topic's rule: its operation and, for a lifecycle topic, the value that a column changed to. */
export const FITS_TOPIC = `t.typename = e.typename AND t.operation = e.operation AND t.retired_at IS NULL
    AND (t.column_name IS NULL OR (t.column_name = ANY (e.changed) AND e.after ->> t.column_name = t.to_value
      AND (t.from_value IS NULL OR e.before ->> t.column_name = t.from_value)))`;

export const FITS_ENVIRONMENT =
  "(e.environment IS NULL OR s.environment_ids IS NULL OR s.environment_ids = '{}' OR e.environment = ANY (s.environment_ids))";

/** A subscription to the topics of subscriptions never hears about another such: they would set off each other for ever. */
export const SETS_OFF_NO_OTHER = `NOT CASE WHEN e.typename = 'WebhookSubscription' THEN EXISTS (
    SELECT 1 FROM hookgraph.subscriptions about JOIN hookgraph.topics its ON its.id = about.topic_id
    WHERE about.id = e.node_key::uuid AND its.typename = 'WebhookSubscription') ELSE false END`;
