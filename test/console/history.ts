// Makes webhooks with a lively history: some that work, one that fails, one that a rule has switched off.
import { createUser } from '../support/journey.js';
import type { RunningProduct } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

export interface History {
  /** The webhooks' global ids by the state that each webhook shows; `null` when no history was made. */
  webhooks: { works: string; fails: string; switchedOff: string; disabled: string } | null;
  /** Answers 200 at every path but `/fails` (500) and `/gone` (410). */
  receiver: Receiver;
  close(): Promise<void>;
}

const QUERY = `query ($nodeId: ID!) {
  node(id: $nodeId) {
    ... on User {
      firstName
      lastName
      email
    }
  }
}`;
const FIRST_TEMPLATE = '{\n  "text": "{{ data.node.firstName }} is here"\n}';
const TEMPLATE = '{\n  "text": "{{ data.node.firstName }} {{ data.node.lastName }} has joined"\n}';

export async function makeHistory(product: RunningProduct, isLively: boolean): Promise<History> {
  const receiver = await startReceiver((response, { path }) => {
    const status = path === '/fails' ? 500 : path === '/gone' ? 410 : 200;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ received: status === 200 }));
  });
  const webhooks = isLively ? await makeWebhooks(product, receiver.url) : null;
  return { webhooks, receiver, close: () => receiver.close() };
}

async function makeWebhooks(product: RunningProduct, url: string): Promise<NonNullable<History['webhooks']>> {
  const topic = { key: 'user/created' };
  const subscribe = (name: string, path: string, more: object = {}) =>
    product.subscribe({ name, topic, callbackUrl: `${url}${path}`, ...more });
  const works = await subscribe('Welcome new colleagues', '/welcome', {
    query: QUERY,
    template: FIRST_TEMPLATE,
    sharedSecret: 'a-secret-of-the-history',
  });
  await product.graphql(
    `mutation ($id: ID!, $template: String!) { updateWebhookSubscription(webhookSubscription: { id: $id, template: $template }) { errors { message } } }`,
    { id: works.id, template: TEMPLATE },
  );
  const fails = await subscribe('CRM import', '/fails');
  const gone = await subscribe('Old intranet', '/gone');
  const disabled = await subscribe('Birthday list', '/birthdays', { disabled: true });
  const validated = await subscribe('Only in Berlin', '/berlin', {
    query: QUERY,
    validationTemplate: '{{ data.node.firstName == "Ida" }}',
  });
  const names = ['Ada', 'Ben', 'Ida', 'Noor', 'Tom'];
  for (const firstName of names) await createUser(product, { firstName, lastName: 'Sample' });
  await until('every delivery was tried', async () => {
    const { rows } = await product.pool.query(
      `SELECT 1 FROM hookgraph.deliveries WHERE subscription_id = ANY($1) AND state = 'PENDING' AND kind = 'LIVE' LIMIT 1`,
      [[works.recordId, fails.recordId]],
    );
    const { rows: made } = await product.pool.query('SELECT 1 FROM hookgraph.deliveries WHERE subscription_id = $1', [works.recordId]);
    return rows.length === 0 && made.length >= names.length;
  });
  await until('a rule has switched the webhook off', async () => {
    const { rows } = await product.pool.query("SELECT 1 FROM hookgraph.subscriptions WHERE id = $1 AND status = 'DISABLED'", [
      gone.recordId,
    ]);
    return rows.length === 1;
  });
  await insertStats(product, works.recordId, { delivered: 40, failed: 1, until: 0 });
  await insertStats(product, fails.recordId, { delivered: 25, failed: 30, until: 5 });
  await insertStats(product, validated.recordId, { delivered: 3, failed: 0, until: 0 });
  return { works: works.id, fails: fails.id, switchedOff: gone.id, disabled: disabled.id };
}

/** Inserts statistics of the last 24 hours. `until`: number of hours before now in which every attempt failed. */
async function insertStats(
  { pool }: RunningProduct,
  id: string,
  { delivered, failed, until: hours }: { delivered: number; failed: number; until: number },
) {
  await pool.query(
    `INSERT INTO hookgraph.attempt_stats (subscription_id, slot, delivered, failed, skipped, held, durations)
     SELECT $1, date_bin('5 minutes', now(), '2020-01-01Z') - make_interval(mins => 5 * i),
       CASE WHEN i < $4 * 12 THEN 0 ELSE 1 + ($2 * (1 + sin(i / 20.0)))::int / 3 END,
       CASE WHEN i < $4 * 12 THEN 1 + $3 / 5 WHEN i % 50 = 7 THEN $3 ELSE 0 END, i % 3, 0,
       array_fill(0, ARRAY[20 + i % 7]) || ARRAY[2, 5, 9, 4, 1, 0, 0, i % 2]
     FROM generate_series(1, 280) AS i
     ON CONFLICT DO NOTHING`,
    [id, delivered, failed, hours],
  );
}
