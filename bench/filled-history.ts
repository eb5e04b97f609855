// Fills one organization with a month of history: subscriptions, events, deliveries and attempts, as workers leave them.
import type { App } from '../src/cli/app.js';
import { countAttempts } from '../src/webhooks/index.js';
import type { Database } from './server.js';
import { acme, PERSON, subscribe } from './world.js';

const SUBSCRIPTIONS = 20;
const PEOPLE = 500;
const WEEKS = 6;

/** The weekly partitions of the past, which workers made when the weeks began. */
const PARTITIONS = `DO $$ DECLARE parent text; week timestamptz; BEGIN
  FOREACH parent IN ARRAY ARRAY['events', 'attempts'] LOOP
    FOR i IN 0..${WEEKS - 1} LOOP
      week := date_trunc('week', now(), 'UTC') - i * interval '7 days';
      CONTINUE WHEN to_regclass(format('hookgraph.%I', parent || '_' || to_char(week AT TIME ZONE 'UTC', 'YYYYMMDD'))) IS NOT NULL;
      EXECUTE format('CREATE TABLE hookgraph.%I PARTITION OF hookgraph.%I FOR VALUES FROM (%s) TO (%s)',
        parent || '_' || to_char(week AT TIME ZONE 'UTC', 'YYYYMMDD'), parent, hookgraph.id_at(week), hookgraph.id_at(week + interval '7 days'));
    END LOOP;
  END LOOP;
END $$`;

/** The id of row `n` of `count`, spread evenly over 30 days. */
const ID = `hookgraph.id_at(now() - interval '30 days' + n * (interval '30 days' / $1::int)) + n`;

const EVENTS = `INSERT INTO hookgraph.events (id, occurred_at, tenant, typename, node_key, operation, after)
  SELECT ${ID}, hookgraph.time_of(${ID}), $2, 'User', p.ids[1 + n % cardinality(p.ids)], 'created',
    jsonb_build_object('id', p.ids[1 + n % cardinality(p.ids)], 'first_name', 'First' || n, 'last_name', 'Last' || n)
  FROM generate_series(1, $1::int) n, (SELECT $3::text[] AS ids) p`;

// 900 of 1,000 deliveries are delivered, 40 failed, 40 skipped, 15 waiting for a retry and 5 held. Each event has two deliveries.
const DELIVERIES = `INSERT INTO hookgraph.deliveries (id, event_id, subscription_id, topic_id, typename, node_key, state, reason,
    due_at, attempt_count, created_at, updated_at)
  SELECT e.id + 200000 * (1 + x.n), e.id, s.id, s.topic_id, e.typename, e.node_key, x.state, x.reason, hookgraph.time_of(e.id), x.tries,
    hookgraph.time_of(e.id), hookgraph.time_of(e.id)
  FROM (SELECT *, row_number() OVER (ORDER BY id) AS place FROM hookgraph.events WHERE tenant = $1 AND typename = 'User' AND context IS NULL) e
  CROSS JOIN LATERAL (
    SELECT i AS n, (617 * (2 * e.place + i)) % 1000 AS kind,
      -- The first subscription has half of all deliveries.
      CASE WHEN i = 0 THEN 1 ELSE 2 + e.place % ${SUBSCRIPTIONS - 1} END AS subscription
    FROM generate_series(0, 1) i
  ) k
  CROSS JOIN LATERAL (
    SELECT k.n, CASE WHEN kind < 900 THEN 'DELIVERED' WHEN kind < 940 THEN 'FAILED' WHEN kind < 980 THEN 'SKIPPED'
        WHEN kind < 995 THEN 'RETRYING' ELSE 'HELD' END AS state,
      CASE WHEN kind >= 995 THEN 'NODE' END AS reason,
      CASE WHEN kind >= 900 AND kind < 940 THEN 5 WHEN kind >= 980 AND kind < 995 THEN 3 ELSE 1 END AS tries
  ) x
  JOIN unnest($2::uuid[]) WITH ORDINALITY u (id, place) ON u.place = k.subscription
  JOIN hookgraph.subscriptions s ON s.id = u.id
  ORDER BY 1`;

// Ten of all delivered attempts got the status 204.
const ATTEMPTS = `INSERT INTO hookgraph.attempts (id, delivery_id, subscription_id, subscription_version, number, outcome, stage, message,
    started_at, duration_ms, timings, request_url, request_headers, request_body, response_status, response_headers, response_body)
  SELECT d.id + number * (1000::bigint << 20), d.id, d.subscription_id, 1, number, r.outcome, r.stage, r.message, d.created_at, 5 + d.id % 200,
    '{"queue": 10, "payload": 0.1, "send": 4.9}', 'http://receiver.example/',
    jsonb_build_object('content-type', 'application/json', 'x-hookgraph-signature', md5(d.id::text) || md5(d.node_key)),
    '{"node": "' || d.node_key || '", "padding": "' || repeat('x', 300) || '"}', r.status, '{"connection": "keep-alive"}', 'ok'
  FROM (SELECT *, row_number() OVER (ORDER BY id) AS place FROM hookgraph.deliveries WHERE subscription_id = ANY ($1::uuid[])) d
  CROSS JOIN generate_series(1, d.attempt_count) number
  CROSS JOIN LATERAL (
    SELECT CASE d.state WHEN 'DELIVERED' THEN 'DELIVERED' WHEN 'SKIPPED' THEN 'SKIPPED' WHEN 'HELD' THEN 'HELD' ELSE 'FAILED' END AS outcome,
      CASE d.state WHEN 'DELIVERED' THEN NULL WHEN 'SKIPPED' THEN 'VALIDATION' WHEN 'HELD' THEN 'TEMPLATE'
        ELSE CASE WHEN d.place % 3 = 0 THEN 'CONNECT' ELSE 'STATUS' END END AS stage,
      CASE d.state WHEN 'DELIVERED' THEN NULL WHEN 'SKIPPED' THEN 'The validation template rendered false.'
        WHEN 'HELD' THEN 'The template rendered no JSON.'
        ELSE CASE WHEN d.place % 3 = 0 THEN 'connect ECONNREFUSED 192.0.2.1:443' ELSE 'The receiver answered with the status 500.' END END AS message,
      CASE d.state WHEN 'DELIVERED' THEN CASE WHEN d.place % 10000 = 5001 THEN 204 ELSE 200 END WHEN 'SKIPPED' THEN NULL WHEN 'HELD' THEN NULL
        ELSE CASE WHEN d.place % 3 = 0 THEN NULL ELSE 500 END END AS status
  ) r`;

const OPEN = `INSERT INTO hookgraph.open_deliveries (delivery_id, subscription_id, due_at, held_for)
  SELECT id, subscription_id, now() + interval '1 day', reason FROM hookgraph.deliveries WHERE state IN ('RETRYING', 'HELD') ON CONFLICT DO NOTHING`;

/** Fills the sample organization with `events` events, each with two deliveries. Returns its subscriptions' ids; half are of the first. */
export async function fillHistory(database: Database, app: App, events: number): Promise<string[]> {
  const { tenant } = await acme(database);
  const { pool } = database;
  const client = await pool.connect();
  try {
    await client.query(PARTITIONS);
    await client.query("SET hookgraph.capture = 'off'");
    const { rows } = await client.query(
      `INSERT INTO users (id, organization_id, first_name, last_name, username, email, job_title)
       SELECT ${PERSON} FROM generate_series(1, $1::int) n, organizations o WHERE o.permalink = 'acme' RETURNING id`,
      [PEOPLE],
    );
    const ids: string[] = [];
    for (let n = 1; n <= SUBSCRIPTIONS; n++)
      ids.push(await subscribe(app, database, { name: `Webhook ${n}`, callbackUrl: `http://127.0.0.1:9/${n}` }));
    await client.query(EVENTS, [events, tenant, rows.map(({ id }) => id)]);
    await client.query('ANALYZE hookgraph.events');
    await client.query(DELIVERIES, [tenant, ids]);
    await client.query('ANALYZE hookgraph.deliveries');
    await client.query(ATTEMPTS, [ids]);
    await client.query(OPEN);
    await client.query('ANALYZE hookgraph.attempts');
    await countAttempts(pool, { spanMs: 86_400_000 });
    return ids;
  } finally {
    client.release(true);
  }
}
