-- Defines the SQL conditions under which an event `e` matches a topic `t` and a subscription `s`. relay.sql,
-- fan-out.sql, replay.sql, why-not.sql and decisions.sql insert them by name.

-- The rows of an event (new_row, old_row) with the names of their columns, which events without a layout
-- already contain.
SELECT $$
  CASE WHEN e.layout_id IS NULL THEN e.after ELSE hookgraph.row_of(e.layout_id, e.after) END
$$ AS new_row \gset
SELECT $$
  CASE WHEN e.layout_id IS NULL THEN e.before ELSE hookgraph.row_of(e.layout_id, e.before) END
$$ AS old_row \gset

-- Whether the event has the topic's node type and operation. A lifecycle topic, which watches one column,
-- also requires that this column changed to `to_value` and, if `from_value` is set, from that value.
SELECT $$
  t.typename = e.typename
  AND t.operation = e.operation
  AND t.retired_at IS NULL
  AND (t.column_name IS NULL
    OR (t.column_name = ANY (e.changed)
      AND :new_row ->> t.column_name = t.to_value
      AND (t.from_value IS NULL OR :old_row ->> t.column_name = t.from_value)))
$$ AS fits_topic \gset

SELECT $$
  (e.environment IS NULL
    OR s.environment_ids IS NULL
    OR s.environment_ids = '{}'
    OR e.environment = ANY (s.environment_ids))
$$ AS fits_environment \gset

-- Several changes of a row by one transaction are also one event with all of them (WHOLE). A subscription
-- gets this event or, if it doesn't coalesce changes, each change (PART). An event of related rows (RELATED)
-- is for subscriptions that read one of the fields that it names.
SELECT $$
  (e.fold IS NULL OR CASE e.fold
    WHEN 'RELATED' THEN coalesce(s.related_fields && e.changed, false)
    ELSE (e.fold = 'WHOLE') = s.coalesces END)
$$ AS fits_fold \gset

-- Whether the event is later than the subscription. Transactions decide, because the clock of the database
-- can go back: an event is later unless its transaction had committed when the subscription was created. If
-- the transaction was still open then, an event is later if its number (the lower 20 bits of the id, which
-- wrap around) or its time is later. After a restore of the database, transactions have other numbers, so the
-- time decides.
SELECT $$
  CASE
    WHEN s.created_in = (SELECT hookgraph.system_number()) THEN
      coalesce(e.folded_xid, e.xid) >= s.created_xid
      OR (NOT pg_visible_in_snapshot(coalesce(e.folded_xid, e.xid), s.created_snapshot)
        AND (coalesce((e.id - s.created_id) & 1048575 < 524288, true)
          OR s.created_at <= coalesce(e.occurred_at, hookgraph.time_of(e.id))))
    ELSE
      s.created_at <= coalesce(e.occurred_at, hookgraph.time_of(e.id))
      OR (s.created_in IS NULL AND coalesce(e.folded_xid, e.xid) >= s.created_xid) END
$$ AS is_later \gset

-- Excludes changes of a subscription that itself subscribes to changes of subscriptions (a
-- `webhook_subscription/…` topic): two such subscriptions could otherwise trigger each other endlessly.
SELECT $$
  NOT CASE WHEN e.typename = 'WebhookSubscription' THEN EXISTS (
    SELECT 1
    FROM hookgraph.subscriptions changed_subscription
    JOIN hookgraph.topics changed_topic ON changed_topic.id = changed_subscription.topic_id
    WHERE changed_subscription.id = e.node_key::uuid
      AND changed_topic.typename = 'WebhookSubscription') ELSE false END
$$ AS starts_no_loop \gset

-- Whether the delivery `d` shows that its event was not missed.
SELECT $$
  (d.state IN ('PENDING', 'RETRYING', 'HELD', 'DELIVERED')
    OR (d.state = 'SKIPPED' AND d.reason IN ('VALIDATION', 'COALESCED', 'UNREAD')))
$$ AS is_settled \gset

-- The deliveries of the event to the subscription: a subquery for a FROM clause. Each part of the UNION finds
-- its kind of delivery by an index; a single query would read all deliveries of the subscription.
SELECT $$
  (
    SELECT id, state, reason
    FROM hookgraph.deliveries
    WHERE event_id = e.id AND subscription_id = s.id AND kind = 'LIVE'
    UNION ALL
    SELECT replayed.id, replayed.state, replayed.reason
    FROM hookgraph.replays r
    JOIN hookgraph.deliveries replayed ON replayed.replay_id = r.id AND replayed.event_id = e.id
    WHERE r.subscription_id = s.id
    UNION ALL
    SELECT id, state, reason
    FROM hookgraph.deliveries
    WHERE event_id = e.id AND subscription_id = s.id AND kind = 'RESEND')
$$ AS deliveries_of_event \gset

-- Joins the newest delivery `d` of the event to the subscription, and its lease `o`; both may be missing.
SELECT $$
  LEFT JOIN LATERAL (
    SELECT made.id
    FROM :deliveries_of_event made
    ORDER BY made.id DESC
    LIMIT 1
  ) d ON true
  LEFT JOIN LATERAL (
    SELECT lease_until
    FROM hookgraph.open_deliveries o
    WHERE o.delivery_id = d.id AND o.lease_until > now()
  ) o ON true
$$ AS newest_delivery \gset

-- Whether the subscription missed the event: it has no delivery of the event that succeeded, is still to come
-- or was skipped on purpose (is_settled). OFFSET makes Postgres look up the deliveries per event; otherwise
-- the planner may read all deliveries once.
SELECT $$
  NOT EXISTS (
    SELECT 1
    FROM :deliveries_of_event d
    WHERE :is_settled
    OFFSET 0)
$$ AS is_missed \gset

-- Adds the CTEs `event_kinds` (the node types and operations of the CTE `batch_events`) and `batch_topics`
-- (their topics). Without this step the planner, whose statistics show an empty queue, would compare every
-- event with every topic.
SELECT $$
  event_kinds AS MATERIALIZED (
    SELECT DISTINCT typename, operation
    FROM batch_events
  ),
  batch_topics AS MATERIALIZED (
    SELECT t.*
    FROM event_kinds
    CROSS JOIN hookgraph.topics t
    WHERE t.typename = event_kinds.typename AND t.operation = event_kinds.operation
  )
$$ AS batch_topics \gset
