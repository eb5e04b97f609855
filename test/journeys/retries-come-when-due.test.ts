// Promise: a failed delivery is retried on schedule, when its time has come, as the same job with a new body; 26 attempts in all.
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { attemptsOf, countStates } from '../support/attempts.js';
import { deliveriesOf, makeDue } from '../support/engine-rows.js';
import { LAST_NAME, makeOrganization, nameIn, names, type Organization } from '../support/organization.js';
import type { RunningProduct } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { runProduct } from '../support/run-product.js';
import { until } from '../support/until.js';

let product: RunningProduct;
let receiver: Receiver;
let acme: Organization;
let recordId: string;
beforeAll(async () => {
  product = await runProduct();
});
afterAll(() => product.close());
beforeEach(async () => {
  [acme, receiver] = await Promise.all([makeOrganization(product.pool), startReceiver()]);
  ({ recordId } = await product.subscribe({ topic: { key: 'user/created' }, callbackUrl: receiver.url, ...LAST_NAME }, acme.token));
});
afterEach(() => receiver.close());

/** Makes all of the subscription's deliveries due now. `attempts`: sets their number of attempts. */
async function setDue(attempts?: number): Promise<void> {
  if (attempts !== undefined)
    await product.pool.query('UPDATE hookgraph.deliveries SET attempt_count = $2 WHERE subscription_id = $1', [recordId, attempts]);
  await makeDue(product.pool, recordId);
}
const forget = () =>
  product.pool.query(
    'WITH o AS (DELETE FROM hookgraph.open_deliveries WHERE subscription_id = $1) DELETE FROM hookgraph.deliveries WHERE subscription_id = $1',
    [recordId],
  );

/** Seconds from each failure to the next attempt. */
async function waits(): Promise<number[]> {
  const { rows } = await product.pool.query(
    'SELECT extract(epoch FROM due_at - updated_at)::float AS wait FROM hookgraph.deliveries WHERE subscription_id = $1',
    [recordId],
  );
  return rows.map((row) => row.wait);
}
const retrying = (count: number) =>
  until('they are to be retried', async () => (await countStates(product.pool, recordId)).RETRYING === count);

it('first after 15 to 45 s, as the same job with the row as it is by then', async () => {
  receiver.answer = (response) => void response.writeHead(500).end('no');
  await acme.insertUsers(['before']);
  await retrying(1);
  const [wait] = (await waits()) as [number];
  expect(wait).toBeGreaterThan(14.9);
  expect(wait).toBeLessThan(45.1);

  await product.pool.query(`UPDATE users SET last_name = 'after' WHERE last_name = 'before'`);
  for (let attempt = 2; attempt <= 4; attempt++) {
    await setDue();
    await until('it is recorded', async () => (await attemptsOf(product.pool, recordId)).length === attempt);
  }
  expect(receiver.requests.map(nameIn)).toEqual(['before', 'after', 'after', 'after']);
  const [delivery] = await deliveriesOf(product.pool, recordId);
  expect(receiver.requests.map(({ headers }) => headers['x-scope-webhook-job-id'])).toEqual(Array(4).fill(delivery.id));
  expect(await attemptsOf(product.pool, recordId)).toMatchObject(
    [1, 2, 3, 4].map((number) => ({ number, outcome: 'FAILED', stage: 'STATUS', status: 500 })),
  );

  receiver.answer = (response) => void response.end();
  await setDue();
  await until('it is delivered', async () => (await countStates(product.pool, recordId)).DELIVERED === 1);
  expect((await attemptsOf(product.pool, recordId)).at(-1)).toMatchObject({ number: 5, outcome: 'DELIVERED' });
});

it('each when its time has come, in their order', async () => {
  // Four failures are too few to open the subscription's circuit. Then the receiver works again.
  const count = 4;
  receiver.answer = (response) => void response.writeHead(500).end();
  await acme.insertUsers(names('n', count));
  await retrying(count);
  receiver.answer = (response) => void response.end();
  // Uses due times that are spread over more than a second and match none of the worker's intervals.
  const { rows } = await product.pool.query<{ id: string; dueAt: Date }>(
    `UPDATE hookgraph.open_deliveries o SET due_at = clock_timestamp() + (500 + 370 * n.number) * interval '1 ms'
     FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM hookgraph.deliveries WHERE subscription_id = $1) n
     WHERE o.delivery_id = n.id RETURNING n.id, o.due_at AS "dueAt"`,
    [recordId],
  );
  await receiver.waitFor(2 * count);
  const late = rows.map(({ id, dueAt }) => {
    const again = receiver.requests.slice(count).find(({ headers }) => headers['x-scope-webhook-job-id'] === id);
    return (again?.at ?? Number.NaN) - dueAt.getTime();
  });
  expect(late).toHaveLength(count);
  expect(Math.min(...late)).toBeGreaterThanOrEqual(-1);
  // Each retry came at its own time, not with a later retry, unless this machine stood still for long. The bench measures the delays.
  expect(Math.max(...late)).toBeLessThan(10_000);
});

it('later ones wait by the fourth power of their number', async () => {
  receiver.answer = (response) => void response.writeHead(500).end();
  await acme.insertUsers(['a']);
  await retrying(1);
  for (const retries of [3, 10, 24]) {
    await setDue(retries);
    await until('it failed again', async () => (await deliveriesOf(product.pool, recordId))[0].attemptCount === retries + 1);
    const [wait] = (await waits()) as [number];
    expect(wait).toBeGreaterThan(retries ** 4 + 14.9);
    expect(wait).toBeLessThan(retries ** 4 + 15.1 + 30 * (retries + 1));
  }
});

it('a receiver that asks for more time by Retry-After gets it, up to an hour, with 503 and 429 only', async () => {
  const ask = async (status: number, retryAfter: string) => {
    receiver.answer = (response) => void response.writeHead(status, { 'retry-after': retryAfter }).end();
    await forget();
    await product.pool.query('DELETE FROM hookgraph.paces WHERE subscription_id = $1', [recordId]);
    await product.pool.query('UPDATE hookgraph.subscriptions SET paced = false WHERE id = $1', [recordId]);
    await acme.insertUsers(names(String(status), 4));
    await retrying(4);
    return waits();
  };
  for (const wait of await ask(503, '300')) expect(Math.abs(wait - 300)).toBeLessThan(1);
  for (const wait of await ask(429, '86400')) expect(Math.abs(wait - 3600)).toBeLessThan(1);
  for (const wait of await ask(500, '300')) expect(wait).toBeLessThan(45.1);
});

it('the 26th failure is the last: the delivery FAILED, and its subscription is disabled', async () => {
  receiver.answer = (response) => void response.writeHead(500).end();
  await acme.insertUsers(['a']);
  await retrying(1);
  await setDue(24);
  await until('the 25th failed', async () => (await attemptsOf(product.pool, recordId)).at(-1)?.number === 25);
  expect(await countStates(product.pool, recordId)).toEqual({ RETRYING: 1 });
  await setDue();
  await until('it has failed for good', async () => (await countStates(product.pool, recordId)).FAILED === 1);
  expect((await attemptsOf(product.pool, recordId)).at(-1)).toMatchObject({ number: 26, outcome: 'FAILED' });
  const { rows } = await product.pool.query('SELECT status, disabled_reason FROM hookgraph.subscriptions WHERE id = $1', [recordId]);
  expect(rows).toEqual([{ status: 'DISABLED', disabled_reason: 'RETRIES_EXHAUSTED' }]);
});
