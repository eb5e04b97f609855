// Promise: after kill -9 of the worker while it records the nodes of changed related rows, another worker does it: each node has one event.
// The application's models are Prisma's.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { unbalanced } from '../support/books.js';
import { makeOrganization, names } from '../support/organization.js';
import type { RunningProduct } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { runProduct } from '../support/run-product.js';
import { until } from '../support/until.js';

let product: RunningProduct;
let receiver: Receiver;
beforeEach(async () => {
  [product, receiver] = await Promise.all([runProduct({ worker: false }), startReceiver()]);
});
afterEach(() => Promise.all([product.close(), receiver.close()]));

const QUERY = 'query ($nodeId: ID!) { node(id: $nodeId) { ... on User { lastName originGroup { name } } } }';
const TEMPLATE =
  '{"name": {{ data.node.lastName | json }}, "group": {{ data.node.originGroup.name | json }}, "changed": {{ event.changed | json }}}';

it('another worker takes the changes again', async () => {
  const { pool } = product;
  const acme = await makeOrganization(pool);
  const { rows: groups } = await pool.query(`INSERT INTO groups (organization_id, name) VALUES ($1, 'old') RETURNING id`, [acme.id]);
  const people = names('person', 700);
  await acme.insertUsers(people);
  await pool.query(`UPDATE users SET origin_group_id = $1 WHERE organization_id = $2 AND last_name LIKE 'person%'`, [
    groups[0].id,
    acme.id,
  ]);
  const { recordId } = await product.subscribe(
    { topic: { key: 'user/updated' }, callbackUrl: receiver.url, query: QUERY, template: TEMPLATE, relatedChanges: true },
    acme.token,
  );
  const blocker = await pool.connect();
  const left = async (table: string) => (await pool.query(`SELECT FROM hookgraph.${table} LIMIT 1`)).rowCount;
  try {
    // Keeps all workers from finding related nodes until the change of the group is relayed.
    await blocker.query(`SELECT pg_advisory_lock(hashtextextended('hookgraph.related', 0))`);
    await pool.query(`UPDATE groups SET name = 'new' WHERE id = $1`, [groups[0].id]);
    const worker = await product.start('worker');
    await until(
      'the change of the group waits for a step',
      async () => (await left('captures')) === 0 && (await left('related_changes')) === 1,
    );
    await blocker.query('BEGIN; LOCK TABLE hookgraph.events IN SHARE MODE');
    await blocker.query(`SELECT pg_advisory_unlock(hashtextextended('hookgraph.related', 0))`);
    await until('the step waits to record events', async () => {
      const { rowCount } = await pool.query(
        `SELECT FROM pg_locks WHERE relation = 'hookgraph.events'::regclass AND mode = 'RowExclusiveLock' AND NOT granted`,
      );
      return rowCount;
    });
    await worker.kill('SIGKILL');
    await blocker.query('COMMIT');
  } finally {
    blocker.release(true);
  }
  await product.start('worker');
  await until('all are sent', () => new Set(receiver.requests.map(({ body }) => JSON.parse(body).name)).size === people.length);
  expect(JSON.parse(receiver.requests[0]?.body ?? '')).toMatchObject({ group: 'new', changed: ['originGroup.name'] });
  const { rows } = await pool.query(
    `SELECT count(*)::int AS events, count(DISTINCT e.node_key)::int AS nodes FROM hookgraph.events e
     JOIN hookgraph.deliveries d ON d.event_id = e.id WHERE d.subscription_id = $1 AND e.fold = 'RELATED'`,
    [recordId],
  );
  expect(rows).toEqual([{ events: people.length, nodes: people.length }]);
  expect(await left('related_changes')).toBe(0);
  await until('the attempts are recorded', async () => (await left('open_deliveries')) === 0);
  expect(await unbalanced(pool)).toEqual([]);
});
