// Promise: after kill -9 of the API during a before-hook, or between the hook's permission and the commit, each row has a recorded
// permission.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { unbalanced } from '../support/books.js';
import { type Product, startProduct } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

let product: Product;
let receiver: Receiver;
beforeEach(async () => {
  [product, receiver] = await Promise.all([startProduct({ command: 'api' }), startReceiver()]);
});
afterEach(() => Promise.all([product.close(), receiver.close()]));

it('leaves neither record nor row of a hook that is being asked, and the record alone of one that had said yes', async () => {
  const { pool } = product;
  const query = 'query ($nodeId: ID!) { node(id: $nodeId) { ... on Group { name } } }';
  await product.subscribe({ topic: { key: 'group/created' }, callbackUrl: receiver.url, query, phase: 'BEFORE', timeoutMs: 10_000 });
  const blocker = await pool.connect();
  receiver.answer = async (response, { body }) => {
    if (JSON.parse(body).data.node.name === 'Asked') return;
    // From here on, this lock delays the write itself.
    await blocker.query('BEGIN');
    await blocker.query('LOCK TABLE groups IN EXCLUSIVE MODE');
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"reason": "of the wrong type"}');
  };
  const write = (name: string) =>
    product.graphql('mutation ($name: String) { createGroup(group: { name: $name }) { errors { message } } }', { name }).then(
      () => 'answered',
      () => 'cut off',
    );
  const asked = write('Asked');
  await receiver.waitFor(1);
  const allowed = write('Allowed');
  const records = async () => (await pool.query(`SELECT state, reason FROM hookgraph.deliveries WHERE kind = 'BEFORE'`)).rows;
  await until('the yes is recorded', async () => (await records()).length === 1);
  await until(
    'the write waits for the lock',
    async () => (await pool.query(`SELECT 1 FROM pg_locks WHERE relation = 'groups'::regclass AND NOT granted`)).rowCount === 1,
  );

  await product.main.kill('SIGKILL');
  await blocker.query('ROLLBACK');
  blocker.release();
  expect(await Promise.all([asked, allowed])).toEqual(['cut off', 'cut off']);
  await until(
    'its connections are gone',
    async () =>
      (await pool.query(`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'hookgraph%'`))
        .rowCount === 0,
  );
  expect((await pool.query(`SELECT 1 FROM groups WHERE name IN ('Asked', 'Allowed')`)).rows).toEqual([]);
  expect(
    (await pool.query(`SELECT 1 FROM hookgraph.recorded WHERE hookgraph.row_of(layout_id, after) ->> 'name' IN ('Asked', 'Allowed')`)).rows,
  ).toEqual([]);
  expect(await records()).toEqual([{ state: 'DELIVERED', reason: null }]);
  expect(await unbalanced(pool)).toEqual([]);
});
