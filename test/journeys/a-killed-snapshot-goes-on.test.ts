// Promise: after kill -9 of the worker during a snapshot, another worker continues it: no node is left out or has two deliveries.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { unbalanced } from '../support/books.js';
import { LAST_NAME, makeOrganization, names } from '../support/organization.js';
import type { Process, RunningProduct } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { runProduct } from '../support/run-product.js';
import { until } from '../support/until.js';

let product: RunningProduct;
let receiver: Receiver;
beforeEach(async () => {
  [product, receiver] = await Promise.all([runProduct({ worker: false }), startReceiver()]);
});
afterEach(() => Promise.all([product.close(), receiver.close()]));

it('another worker goes on, also when the killed one’s step is still in the database and commits later', async () => {
  const { pool } = product;
  const acme = await makeOrganization(pool);
  // Two steps of 2,000 rows.
  const current = names('current', 2_050);
  await acme.insertUsers(current);
  const live = names('live', 50);
  const { recordId } = await product.subscribe(
    { topic: { key: 'user/created' }, callbackUrl: receiver.url, startFrom: 'SNAPSHOT', ...LAST_NAME },
    acme.token,
  );
  const blocker = await pool.connect();
  const blocked = async () =>
    (await pool.query(`SELECT DISTINCT pid FROM pg_locks WHERE relation = 'hookgraph.deliveries'::regclass AND NOT granted ORDER BY 1`))
      .rows;
  /** Starts a worker, and kills it while the statement of its step, which creates the deliveries, is running in the database. */
  const killInAStep = async (): Promise<void> => {
    await blocker.query('BEGIN');
    await blocker.query('LOCK TABLE hookgraph.deliveries IN SHARE MODE');
    const worker: Process = await product.start('worker');
    await until('its step waits for the lock', async () => (await blocked()).length > 0);
    await worker.kill('SIGKILL');
  };
  try {
    await killInAStep();
    await acme.insertUsers(live);
    // When the next worker starts, the statement of the killed worker is still waiting; later it commits.
    const next = await product.start('worker');
    await blocker.query('COMMIT');
    await until('a step has ended', async () => Number((await progress(recordId)).scanned) > 0);
    await next.kill('SIGKILL');
  } finally {
    blocker.release(true);
  }
  await product.start('worker');
  // Ends the leases now; otherwise they would end within 20 seconds.
  await pool.query('UPDATE hookgraph.open_deliveries SET lease_until = now()');
  await until('the snapshot has ended', async () => (await progress(recordId)).state === 'DONE', { timeoutMs: 60_000 });
  const { rows: made } = await pool.query(
    `SELECT u.last_name AS name, d.kind FROM hookgraph.whole_deliveries d JOIN users u ON u.id::text = d.node_key WHERE d.subscription_id = $1`,
    [recordId],
  );
  // The organization's admin is a user, too.
  const expected = [...['Admin', ...current].map((name) => `SNAPSHOT ${name}`), ...live.map((name) => `LIVE ${name}`)];
  expect(made.map(({ name, kind }) => `${kind} ${name}`).sort()).toEqual(expected.sort());
  expect(await unbalanced(pool)).toEqual([]);
});

const progress = async (subscriptionId: string) =>
  (await product.pool.query('SELECT state, scanned FROM hookgraph.replays WHERE subscription_id = $1', [subscriptionId])).rows[0];
