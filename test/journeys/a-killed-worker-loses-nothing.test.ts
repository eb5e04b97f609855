// Promise: after kill -9 of a sending worker, another one sends its claimed deliveries within 20 seconds, and nothing is lost.
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { attemptsOf, countStates } from '../support/attempts.js';
import { unbalanced } from '../support/books.js';
import { deliveriesOf } from '../support/engine-rows.js';
import { LAST_NAME, makeOrganization, nameIn, names } from '../support/organization.js';
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

it('another worker sends what a killed one had in hand, within 20 s and once more only what was in flight', async () => {
  const acme = await makeOrganization(product.pool);
  const { id, recordId } = await product.subscribe(
    { topic: { key: 'user/created' }, callbackUrl: receiver.url, numbered: true, ...LAST_NAME },
    acme.token,
  );
  const done = names('done', 20);
  const rest = names('rest', 150);
  const kept: ServerResponse[] = [];
  receiver.answer = (response, request) => {
    if (nameIn(request).startsWith('done')) response.end();
    else kept.push(response);
  };
  const first = await product.start('worker');
  await acme.insertUsers(done);
  await until('the first ones are recorded', async () => (await countStates(product.pool, recordId)).DELIVERED === done.length);
  await acme.insertUsers(rest);
  await until('the worker is in the middle of sending', () => kept.length >= 50);

  await first.kill('SIGKILL');
  const { rows: leases } = await product.pool.query(
    `SELECT count(*)::int AS count, bool_and(lease_until < now() + interval '20 seconds') AS "endSoon" FROM hookgraph.open_deliveries
     WHERE lease_until > now()`,
  );
  expect(leases).toEqual([{ count: expect.any(Number), endSoon: true }]);
  expect(leases[0].count).toBeGreaterThanOrEqual(kept.length);
  const inFlight = new Set(receiver.requests.map(nameIn).filter((name) => name.startsWith('rest')));
  receiver.answer = (response) => void response.end();
  await product.start('worker');
  await until(
    'the rest is delivered',
    async () => (await countStates(product.pool, recordId)).DELIVERED === done.length + rest.length - leases[0].count,
  );
  // Ends the leases now; otherwise they would end within 20 seconds.
  await product.pool.query('UPDATE hookgraph.open_deliveries SET lease_until = now()');
  await until('everything is delivered', async () => (await countStates(product.pool, recordId)).DELIVERED === done.length + rest.length);

  const times = new Map<string, number>();
  for (const request of receiver.requests) times.set(nameIn(request), (times.get(nameIn(request)) ?? 0) + 1);
  expect([...times.keys()].sort()).toEqual([...done, ...rest].sort());
  for (const name of done) expect([name, times.get(name)]).toEqual([name, 1]);
  for (const name of rest) expect([name, times.get(name)]).toEqual([name, inFlight.has(name) ? 2 : 1]);

  // The attempt that the kill interrupted isn't recorded; the next attempt has the same job id.
  const attempts = await attemptsOf(product.pool, recordId);
  expect(new Set(attempts.map(({ number, outcome }) => `${number} ${outcome}`))).toEqual(new Set(['1 DELIVERED']));
  expect(attempts.map((one) => one.deliveryId).sort()).toEqual((await deliveriesOf(product.pool, recordId)).map((one) => one.id).sort());
  const jobs = new Map<string, Set<unknown>>();
  for (const request of receiver.requests) {
    const seen = jobs.get(nameIn(request)) ?? new Set();
    jobs.set(nameIn(request), seen.add(request.headers['x-scope-webhook-job-id']));
  }
  expect([...jobs.values()].filter((seen) => seen.size !== 1)).toEqual([]);
  expect(await unbalanced(product.pool)).toEqual([]);

  // The kill leaves no gap in the numbers, and a repeated notification has the same number.
  const numbers = new Map(receiver.requests.map(({ headers, body }) => [Number(headers['x-scope-sequence']), body]));
  expect([...numbers.keys()].sort((a, b) => a - b)).toEqual([...done, ...rest].map((_, i) => i + 1));
  // A receiver that has stored the number 100 can read all later notifications, with the same bodies.
  const after = `query ($id: ID!) { webhookSubscription(id: $id) { deliveriesAfter(sequence: "100") { nodes { sequence body bodyState } hasMore lastSequence } } }`;
  const { nodes, ...found } = (await product.graphql(after, { id }, acme.token)).webhookSubscription.deliveriesAfter;
  expect(found).toEqual({ hasMore: false, lastSequence: String(done.length + rest.length) });
  expect(nodes.map(({ sequence }: { sequence: string }) => Number(sequence))).toEqual(
    [...numbers.keys()].filter((number) => number > 100).sort((a, b) => a - b),
  );
  for (const { sequence, body, bodyState } of nodes) expect([body, bodyState]).toEqual([numbers.get(Number(sequence)), 'EXACT']);
});
