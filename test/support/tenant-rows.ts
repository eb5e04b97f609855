// Inserts a row into every engine table for one organization, and computes checksums of every table's rows.
import type { Pool } from 'pg';
import type { Viewer } from '../../src/auth/viewer.js';
import type { TestApp } from './app.js';
import { until } from './until.js';

/** Makes a delivering and a failing subscription, a test, a replay, an audit entry of each, and a token. */
export async function addEngineRows(
  t: TestApp,
  receiverUrl: string,
  { viewer, marker }: { viewer: Viewer; marker: string },
): Promise<void> {
  const run = async (source: string, variables: object = {}) => {
    const { data, errors } = await t.ask(source, variables as Record<string, unknown>, viewer);
    const [payload] = Object.values<{ errors: object[] }>(data ?? {});
    if (errors || payload?.errors.length !== 0) throw new Error(JSON.stringify([errors, payload]));
    return payload as never as Record<string, { id: string }>;
  };
  const ids: string[] = [];
  for (const path of ['/200', '/500']) {
    const input = {
      name: `${marker}-name`,
      topic: { key: 'group/created' },
      callbackUrl: `${receiverUrl}${path}`,
      query: `query ($nodeId: ID!) { node(id: $nodeId) { ... on Group { name } } } # ${marker}-query`,
      template: `{"${marker}-body": "{{ data.node.name }}"}`,
      sharedSecret: `${marker}-secret`,
      headers: [{ name: `X-${marker}`, value: `${marker}-header` }],
    };
    const { webhookSubscription } = await run(
      'mutation ($in: WebhookSubscriptionInput) { createWebhookSubscription(webhookSubscription: $in) { errors { field message } webhookSubscription { id } } }',
      { in: input },
    );
    ids.push(webhookSubscription?.id as string);
  }
  await run('mutation ($g: GroupInput) { createGroup(group: $g) { errors { message } } }', { g: { name: `${marker}-group` } });
  const tried = `SELECT count(*)::int AS n FROM hookgraph.deliveries d JOIN hookgraph.subscriptions s ON s.id = d.subscription_id WHERE s.tenant = $1 AND d.attempt_count > 0`;
  await until('both were tried', async () => (await t.database.pool.query(tried, [viewer.organizationId])).rows[0].n >= 2);
  await run('mutation ($id: ID) { testWebhookSubscription(id: $id) { errors { message } } }', { id: ids[0] });
  await run('mutation ($id: ID) { replayWebhookEvents(webhookSubscriptionId: $id) { errors { message } } }', { id: ids[0] });
  await run('mutation ($id: ID) { resendWebhookDeliveries(input: { webhookSubscriptionId: $id }) { errors { message } } }', { id: ids[0] });
  await run('mutation ($t: ApiTokenInput) { createApiToken(apiToken: $t) { errors { message } } }', { t: { name: `${marker}-token` } });
  await until(
    'the replay and the action are over',
    async () =>
      (
        await t.database.pool.query(
          `SELECT 1 FROM hookgraph.replays WHERE state = 'RUNNING' UNION ALL SELECT 1 FROM hookgraph.bulk_actions WHERE state = 'RUNNING'`,
        )
      ).rowCount === 0,
  );
  await until(
    'nothing is under way',
    async () => (await t.database.pool.query(`SELECT 1 FROM hookgraph.deliveries WHERE state = 'PENDING'`)).rowCount === 0,
  );
}

/**
 * Returns a checksum for each table over the rows that contain one of the keys; over all rows when `keys` is `null`.
 */
export async function rowsWith(pool: Pool, keys: string[] | null): Promise<Record<string, string>> {
  const { rows: tables } = await pool.query(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname IN ('public', 'hookgraph') AND c.relkind IN ('r', 'p') AND NOT c.relispartition`,
  );
  const sums: Record<string, string> = {};
  for (const { name } of tables) {
    const { rows } = await pool.query(
      `SELECT count(*) || ' ' || coalesce(md5(string_agg(r::text, ',' ORDER BY r::text)), '') AS sum FROM ${name} r
       WHERE $1::text[] IS NULL OR EXISTS (SELECT 1 FROM unnest($1::text[]) k WHERE strpos(r::text, k) > 0)`,
      [keys],
    );
    sums[name] = rows[0].sum;
  }
  return sums;
}
