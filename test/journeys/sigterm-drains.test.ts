// Promise: after SIGTERM, a worker records the requests in flight, claims no more deliveries and exits with 0. The next worker sends the
// remaining deliveries, once.
import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { attemptsOf, countStates } from '../support/attempts.js';
import { unbalanced } from '../support/books.js';
import { deliveriesOf } from '../support/engine-rows.js';
import { LAST_NAME, makeOrganization, nameIn, names } from '../support/organization.js';
import type { RunningProduct } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { runProduct } from '../support/run-product.js';
import { until } from '../support/until.js';

/** On a busy machine a request may take longer than the default of five seconds. */
const PATIENT = { HOOKGRAPH_REQUEST_TIMEOUT_MS: '60000' };

let product: RunningProduct;
let receiver: Receiver;
beforeAll(async () => {
  product = await runProduct({ worker: false });
});
afterAll(() => product.close());
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

it('a worker that is told to stop finishes what it has in hand, and leaves the rest to the next', async () => {
  const acme = await makeOrganization(product.pool);
  const { recordId } = await product.subscribe({ topic: { key: 'user/created' }, callbackUrl: receiver.url, ...LAST_NAME }, acme.token);
  const kept: ServerResponse[] = [];
  receiver.answer = (response) => void kept.push(response);
  const first = await product.start('worker', PATIENT);
  await acme.insertUsers(names('early', 250));
  await until('its slots are full', () => kept.length === 200);

  const ending = first.kill('SIGTERM');
  await until('it drains', () => first.output().includes('"msg":"stopping'));
  await acme.insertUsers(names('late', 20));
  for (const response of kept.splice(0)) response.end();
  expect(await ending).toBe(0);
  expect(receiver.requests).toHaveLength(200);
  expect(await countStates(product.pool, recordId)).toMatchObject({ DELIVERED: 200 });
  expect((await attemptsOf(product.pool, recordId)).map(({ number, outcome }) => `${number} ${outcome}`)).toEqual(
    Array(200).fill('1 DELIVERED'),
  );
  // No lease is left, so no worker has to wait until a lease expires.
  expect((await deliveriesOf(product.pool, recordId)).filter((one) => one.leaseToken !== null)).toEqual([]);
  expect(first.output()).not.toMatch(/"level":"(error|fatal)"/);

  receiver.answer = (response) => void response.end();
  const second = await product.start('worker');
  await until('the rest is delivered', async () => (await countStates(product.pool, recordId)).DELIVERED === 270);
  expect(receiver.requests.map(nameIn).sort()).toEqual([...names('early', 250), ...names('late', 20)].sort());

  // An idle worker exits at once.
  expect(await second.kill('SIGTERM')).toBe(0);
  expect(await unbalanced(product.pool)).toEqual([]);
});

it('stops under load without sending anything twice, twice in a row', async () => {
  const acme = await makeOrganization(product.pool);
  const { recordId } = await product.subscribe({ topic: { key: 'user/created' }, callbackUrl: receiver.url, ...LAST_NAME }, acme.token);
  let sentAtLastStop = 0;
  for (let round = 0; round < 2; round++) {
    const worker = await product.start('worker', PATIENT);
    await acme.insertUsers(names(`round-${round}`, 400));
    await until('it sends', () => receiver.requests.length > sentAtLastStop + 30);
    expect(await worker.kill('SIGTERM')).toBe(0);
    expect(worker.output()).not.toMatch(/"level":"(error|fatal)"/);
    sentAtLastStop = receiver.requests.length;
    expect((await countStates(product.pool, recordId)).DELIVERED).toBe(sentAtLastStop);
    expect((await deliveriesOf(product.pool, recordId)).filter((one) => one.leaseToken !== null)).toEqual([]);
  }
  await product.start('worker');
  await until('everything is delivered', async () => (await countStates(product.pool, recordId)).DELIVERED === 800);
  expect(receiver.requests).toHaveLength(800);
  expect(new Set(receiver.requests.map(nameIn)).size).toBe(800);
  expect(await unbalanced(product.pool)).toEqual([]);
});
