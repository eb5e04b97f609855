// Tests that the events that a subscription missed while it was disabled are counted, and offered when it is enabled.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { COUNT_MISSED, countMissed, describeMissed } from '../../src/webhooks/base/store/missed-events.js';
import { relayOnce } from '../../src/webhooks/fan-out/relay.js';
import { stepReplay } from '../../src/webhooks/fan-out/replay.js';
import { type TestApp, testApp } from '../support/app.js';

let app: TestApp;
beforeAll(async () => {
  app = await testApp();
});
afterAll(() => app.close());

const ask: TestApp['value'] = (...asked) => app.value(...asked);

async function subscribe() {
  const { errors, webhookSubscription } = await ask(
    `mutation ($in: WebhookSubscriptionInput) { createWebhookSubscription(webhookSubscription: $in) { errors { field message } webhookSubscription { id databaseId } } }`,
    { in: { topic: { key: 'environment/created' }, callbackUrl: 'https://8.8.8.8/hook' } },
  );
  expect(errors).toEqual([]);
  return webhookSubscription as { id: string; databaseId: string };
}

const make = (name: string) =>
  ask('mutation ($in: EnvironmentInput) { createEnvironment(environment: $in) { errors { message } } }', { in: { name } });
const WHY = 'query ($id: ID!) { webhookWhyNot(webhookSubscriptionId: $id) { code conclusion } }';
const why = async (id: string) => ask(WHY, { id });

it('what came while a subscription was disabled is counted, and comes with the replay that sends it', async () => {
  const { id, databaseId } = await subscribe();
  const switchTo = async (disabled: boolean) => {
    const { errors, missedEvents } = await ask(
      `mutation ($id: ID, $disabled: Boolean) { updateWebhookSubscription(webhookSubscription: { id: $id, disabled: $disabled }) {
        errors { message } missedEvents { count isAtLeast since message } } }`,
      { id, disabled },
    );
    expect(errors).toEqual([]);
    return missedEvents;
  };
  // The first event happened before the subscription was disabled, but no worker had matched it with subscriptions.
  await make('Late');
  expect(await switchTo(true)).toBeNull();
  await make('Missed');
  await relayOnce(app.database.pool);
  const { rows } = await app.database.pool.query(
    `SELECT min(coalesce(e.occurred_at, hookgraph.time_of(e.id))) AS first FROM hookgraph.events e JOIN hookgraph.deliveries d ON d.event_id = e.id WHERE d.subscription_id = $1`,
    [databaseId],
  );
  const since = rows[0].first.toISOString();
  const command = `\`hookgraph replay ${databaseId} --from ${since}\` (\`replayWebhookEvents\`)`;
  const disabled = await why(id);
  expect(disabled.code).toBe('SUBSCRIPTION_DISABLED');
  expect(disabled.conclusion).toContain(`2 events were missed since ${since}; enable the subscription, then send them with ${command}.`);
  const mutation = `replayWebhookEvents(webhookSubscriptionId: "${id}", from: "${since}")`;
  expect(await switchTo(false)).toEqual({
    count: 2,
    isAtLeast: false,
    since,
    message: `2 events were missed since ${since}; send them with ${mutation}.`,
  });
  expect((await why(id)).conclusion).toContain(`2 were missed while the subscription was disabled; ${command} sends them.`);
  expect(await switchTo(false)).toBeNull();
  expect(await switchTo(true)).toBeNull();
  expect(await switchTo(false)).toBeNull();

  const replayed = await ask(`mutation { ${mutation} { errors { message } } }`);
  expect(replayed.errors).toEqual([]);
  while ((await stepReplay(app.database.pool)) !== null);
  const { rows: states } = await app.database.pool.query(
    `SELECT state, count(*)::int AS count FROM hookgraph.deliveries WHERE subscription_id = $1 AND kind = 'REPLAY' GROUP BY state`,
    [databaseId],
  );
  expect(states).toEqual([{ state: 'PENDING', count: 2 }]);
});

it('missed events are counted by an index, up to 10,000', async () => {
  const { databaseId } = await subscribe();
  const fill = (count: number) =>
    app.database.pool.query(
      `INSERT INTO hookgraph.deliveries (event_id, subscription_id, topic_id, tenant, typename, node_key, due_at, state, reason)
       SELECT hookgraph.next_id(), id, topic_id, tenant, 'Environment', 'gone', now(), 'SKIPPED', 'DISABLED'
       FROM hookgraph.subscriptions, generate_series(1, $2::int) WHERE id = $1`,
      [databaseId, count],
    );
  const from = new Date(Date.now() - 60_000);
  await fill(10_000);
  expect(await countMissed(app.database.pool, databaseId, from)).toMatchObject({ count: 10_000, isAtLeast: false, since: from });
  await fill(1);
  const missed = await countMissed(app.database.pool, databaseId, from);
  expect(missed && describeMissed(missed)).toBe(`at least 10000 events were missed since ${from.toISOString()}`);
  expect(await countMissed(app.database.pool, databaseId, new Date(Date.now() + 3_600_000))).toBeNull();
  // Without statistics, Postgres would choose a plan for fewer rows.
  await app.database.pool.query('ANALYZE hookgraph.deliveries');
  const client = await app.database.pool.connect();
  try {
    await client.query('BEGIN');
    // Nearly all rows of this small table belong to the subscription, so Postgres would prefer to read the whole table.
    await client.query('SET LOCAL enable_seqscan = off');
    const { rows } = await client.query(`EXPLAIN ${COUNT_MISSED}`, [databaseId, from, 10_001]);
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toMatch(/Index Scan using deliveries_of_subscription .*\n *Index Cond: \(\(ROW\(subscription_id, id\) >= /);
    expect(plan).not.toContain('Sort');
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
});
