-- Accounts for the next events, one step of the audit: each subscription of the event's topic has a delivery,
-- or a reason why there is none. Returns one row: the counts by code and reason, and the pairs without
-- either. The subscriptions are those of now. Deliveries to others, such as deleted ones, are counted by
-- their state.
--
-- psql -v after_id=0 -v until_id=9223372036854775807 -v batch_size=1000 -v tenant=acme -v owner=ada
--   -v max_findings=20 -f events.sql
\ir ../../fan-out/match.sql
WITH
-- The next events, of all tenants.
batch AS MATERIALIZED (
  SELECT
    id, xid, folded_xid, fold, coalesce(occurred_at, hookgraph.time_of(id)) AS occurred_at, tenant,
    typename, node_key, operation, environment, changed, before, after, layout_id
  FROM hookgraph.events e
  WHERE e.id > :after_id AND e.id < :until_id
  ORDER BY e.id
  LIMIT :batch_size
),
-- Those of the tenant.
batch_events AS MATERIALIZED (
  SELECT *
  FROM batch
  WHERE :'tenant'::text IS NULL OR tenant = :'tenant'
),
:batch_topics,
-- The subscriptions to the topics of each event. If topic_changed_at is later than the event, the topic was
-- announced again, so that the event may not have belonged to it.
matches AS MATERIALIZED (
  SELECT
    e.id AS event_id, s.id AS subscription_id, t.updated_at AS topic_changed_at, s.created_at,
    :is_later AS is_later, :fits_environment AS fits_environment, :starts_no_loop AS starts_no_loop
  FROM batch_events e
  JOIN batch_topics t ON :fits_topic
  CROSS JOIN LATERAL (
    SELECT *
    FROM hookgraph.subscriptions s
    WHERE s.tenant = e.tenant
      AND s.topic_id = t.id
      AND s.phase = 'AFTER'
      AND s.deleted_at IS NULL
      AND (:'owner'::text IS NULL OR s.owner = :'owner')
    OFFSET 0
  ) s
  WHERE :fits_fold
),
-- The deliveries that the relay created for the events.
live_deliveries AS MATERIALIZED (
  SELECT d.event_id, d.subscription_id, d.state
  FROM hookgraph.deliveries d
  WHERE d.event_id = ANY (ARRAY(SELECT id FROM batch_events))
    AND d.kind = 'LIVE'
    AND (:'owner'::text IS NULL OR EXISTS (
      SELECT
      FROM hookgraph.subscriptions s
      WHERE s.id = d.subscription_id AND s.owner = :'owner'))
),
-- Each pair of an event and a subscription that subscribes to the event's topic, or has a delivery of the
-- event.
pairs AS MATERIALIZED (
  SELECT *
  FROM matches
  FULL JOIN live_deliveries USING (event_id, subscription_id)
),
-- The newest delivery of each pair, including replays and resent deliveries. If any of them was delivered,
-- the pair counts as delivered.
decided AS MATERIALIZED (
  SELECT
    p.*, x.fold, x.tenant, x.typename, x.node_key, x.occurred_at,
    CASE WHEN p.state = 'DELIVERED' OR n.was_delivered THEN 'DELIVERED' ELSE n.state END AS last_state,
    n.reason AS last_reason
  FROM pairs p
  JOIN batch_events x ON x.id = p.event_id
  CROSS JOIN LATERAL (SELECT p.event_id AS id) e
  CROSS JOIN LATERAL (SELECT p.subscription_id AS id) s
  LEFT JOIN LATERAL (
    SELECT
      bool_or(state = 'DELIVERED') AS was_delivered,
      (array_agg(state ORDER BY id DESC))[1] AS state,
      (array_agg(reason ORDER BY id DESC))[1] AS reason
    FROM :deliveries_of_event made
    WHERE p.state IS DISTINCT FROM 'DELIVERED'
  ) n ON true
),
-- The relay may have matched a change before a save was committed, if the change is at most ten seconds
-- later.
accounts AS MATERIALIZED (
  SELECT
    d.event_id, d.subscription_id, d.last_state, d.last_reason, a.pace,
    CASE
      WHEN d.last_state IN ('PENDING', 'RETRYING') THEN
        CASE WHEN a.pace IN ('SLOWED', 'PROBING') THEN 'SLOWED' ELSE 'PENDING' END
      WHEN d.last_state IS NOT NULL THEN d.last_state
      WHEN a.is_queued THEN 'PENDING'
      WHEN a.not_due IS NOT NULL THEN 'NOT_DUE'
      WHEN d.event_id < a.forgotten_before THEN 'FORGOTTEN'
      WHEN a.not_due_then IS NOT NULL THEN 'NOT_DUE'
      ELSE 'MISSING' END AS code,
    CASE
      WHEN d.last_state IN ('PENDING', 'RETRYING') THEN
        coalesce(d.last_reason, a.pace, CASE d.last_state WHEN 'RETRYING' THEN 'RETRYING' END)
      WHEN d.last_state IS NOT NULL THEN d.last_reason
      WHEN a.is_queued THEN 'NOT_RELAYED'
      WHEN a.not_due IS NOT NULL THEN a.not_due
      WHEN d.event_id >= a.forgotten_before THEN a.not_due_then END AS reason
  FROM decided d
  CROSS JOIN LATERAL (
    SELECT
      (SELECT p.state FROM hookgraph.paces p WHERE p.subscription_id = d.subscription_id) AS pace,
      d.last_state IS NULL AND (
        EXISTS (SELECT FROM hookgraph.event_queue q WHERE q.event_id = d.event_id)
        OR EXISTS (SELECT FROM hookgraph.fan_outs f WHERE f.event_id = d.event_id)) AS is_queued,
      CASE
        WHEN NOT d.is_later THEN 'OLDER_THAN_SUBSCRIPTION'
        WHEN NOT d.starts_no_loop THEN 'ABOUT_SUBSCRIPTION_TOPICS'
        WHEN NOT d.fits_environment THEN 'OTHER_ENVIRONMENT' END AS not_due,
      CASE
        WHEN d.last_state IS NOT NULL THEN NULL
        WHEN d.topic_changed_at > d.occurred_at OR EXISTS (
          SELECT
          FROM hookgraph.audit_log l
          WHERE l.subscription_id IN (
              d.subscription_id,
              CASE WHEN d.typename = 'WebhookSubscription' THEN d.node_key::uuid END)
            AND l.action = 'UPDATED'
            AND l.at >= d.occurred_at - interval '10 seconds'
            AND (l.changes @? '$[*] ? (@.field == "topic" || @.field == "environmentIds"
              || @.field == "coalescing" || @.field == "phase")'
              OR (d.fold = 'RELATED'
                AND l.changes @? '$[*] ? (@.field == "relatedChanges" || @.field == "query")')))
          THEN 'OTHER_DEFINITION_THEN'
        WHEN d.created_at > d.occurred_at - interval '10 seconds' THEN 'WHILE_CREATED' END AS not_due_then,
      coalesce((
        SELECT max(f.before_id)
        FROM hookgraph.forgotten f
        WHERE f.history = 'deliveries' AND f.tenant IN ('', d.tenant)), 0) AS forgotten_before
  ) a
)
SELECT
  (SELECT count(*) FROM batch)::int AS found,
  (SELECT max(id) FROM batch) AS last,
  (SELECT count(*) FROM batch_events WHERE fold IS DISTINCT FROM 'PART')::int AS events,
  (SELECT count(*) FROM batch_events WHERE tenant IS NULL)::int AS "withoutTenant",
  (SELECT count(*) FROM batch_events e WHERE NOT EXISTS (
    SELECT FROM accounts a WHERE a.event_id = e.id) AND e.fold IS DISTINCT FROM 'PART')::int AS unsubscribed,
  (SELECT coalesce(jsonb_agg(c), '[]') FROM (
    SELECT code, reason, count(*)::int AS count
    FROM accounts
    GROUP BY code, reason) c) AS accounts,
  -- Counted by subscription only in an audit of one owner, because an installation has many subscriptions.
  (SELECT coalesce(jsonb_agg(c), '[]') FROM (
    SELECT subscription_id AS "subscriptionId", code, reason, count(*)::int AS count
    FROM accounts
    WHERE :'owner'::text IS NOT NULL
    GROUP BY subscription_id, code, reason) c) AS "ofSubscriptions",
  (SELECT count(*) FROM accounts WHERE code = 'MISSING')::int AS "findingCount",
  (SELECT coalesce(jsonb_agg(f), '[]') FROM (
    SELECT
      'MISSING_DELIVERY' AS kind, event_id::text AS "eventId", subscription_id AS "subscriptionId",
      NULL AS "deliveryId"
    FROM accounts
    WHERE code = 'MISSING'
    ORDER BY event_id
    LIMIT :max_findings) f) AS findings;
