// Promise: several workers on one database share a backlog: each delivery is sent once, and each worker sends some of them.
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { attemptsOf, countStates } from '../support/attempts.js';
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

it('three workers send one backlog of 1,500 deliveries, each once', async () => {
  const acme = await makeOrganization(product.pool);
  const { recordId } = await product.subscribe({ topic: { key: 'user/created' }, callbackUrl: receiver.url, ...LAST_NAME }, acme.token);
  // Each worker sends its own domain, so the receiver can tell the workers apart.
  const workers = ['one.example', 'two.example', 'three.example'];
  const partOf = (domain: string) => receiver.requests.filter(({ headers }) => headers['x-scope-domain'] === domain).length;
  const kept: ServerResponse[] = [];
  receiver.answer = (response) => {
    kept.push(response);
    // The receiver answers no request until every worker has sent some.
    if (workers.every((domain) => partOf(domain) > 0)) for (const one of kept.splice(0)) one.end();
  };
  // On a busy machine the kept requests wait longer than the request timeout's default of five seconds.
  const patient = { HOOKGRAPH_REQUEST_TIMEOUT_MS: '60000' };
  await Promise.all(workers.map((domain) => product.start('worker', { ...patient, HOOKGRAPH_DOMAIN: domain })));
  const backlog = names('n', 1500);
  await acme.insertUsers(backlog);
  await until('everything is delivered', async () => (await countStates(product.pool, recordId)).DELIVERED === backlog.length);
  expect(receiver.requests.map(nameIn).sort()).toEqual(backlog.sort());
  expect(workers.map(partOf).filter((part) => part === 0)).toEqual([]);
  const attempts = await attemptsOf(product.pool, recordId);
  expect(attempts).toHaveLength(backlog.length);
  expect(new Set(attempts.map(({ number, outcome }) => `${number} ${outcome}`))).toEqual(new Set(['1 DELIVERED']));
});
