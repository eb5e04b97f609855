// Promise: receivers that hang at every request, each with 1,000 due deliveries, delay another subscription's deliveries by less than 1 s.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LAST_NAME, makeOrganization, nameIn, names, type Organization } from '../support/organization.js';
import { type Product, startProduct } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

// Processes start slowly on a busy machine; the tests assert the times that matter.
vi.setConfig({ testTimeout: 90_000 });

let product: Product;
let acme: Organization;
let globex: Organization;
let quick: Receiver;
const hanging: Receiver[] = [];
beforeEach(async () => {
  [product, quick] = await Promise.all([startProduct({ command: 'api' }), startReceiver()]);
  [acme, globex] = await Promise.all([makeOrganization(product.pool), makeOrganization(product.pool)]);
  await product.subscribe({ topic: { key: 'user/created' }, callbackUrl: quick.url, ...LAST_NAME }, globex.token);
  await product.start('worker');
});
afterEach(async () => {
  await Promise.all([product.close(), quick.close(), ...hanging.splice(0).map((receiver) => receiver.close())]);
});

/** Milliseconds from the commit of 200 users until the first and the last of them arrive. */
async function deliver200(round: string): Promise<{ firstMs: number; lastMs: number }> {
  const before = quick.requests.length;
  await globex.insertUsers(names(round, 200));
  const committedAt = Date.now();
  await until(`200 of ${round} arrived`, () => quick.requests.length >= before + 200, { everyMs: 5 });
  const own = quick.requests.slice(before);
  expect(own.map(nameIn).sort()).toEqual(names(round, 200).sort());
  return { firstMs: Math.min(...own.map(({ at }) => at)) - committedAt, lastMs: Math.max(...own.map(({ at }) => at)) - committedAt };
}

async function hang(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const receiver = await startReceiver(() => {});
    hanging.push(receiver);
    await product.subscribe({ topic: { key: 'user/created' }, callbackUrl: receiver.url, ...LAST_NAME }, acme.token);
  }
  await acme.insertUsers(names('stuck', 1000));
  // Each hanging receiver has taken all the slots that it can get.
  await until('all of them hang', () => hanging.every(({ requests }) => requests.length >= 50));
}

it.each([1, 5])('%i of them', async (count) => {
  await deliver200('warm-up');
  const without = await deliver200('without');
  await hang(count);
  const during = [await deliver200('with-1'), await deliver200('with-2')];
  const longest = (pick: 'firstMs' | 'lastMs') => Math.max(...during.map((one) => one[pick])) - without[pick];
  expect(longest('firstMs')).toBeLessThan(1000);
  expect(longest('lastMs')).toBeLessThan(1000);
  // More than half of the deliveries still wait, so the receivers did hang meanwhile.
  const { rows } = await product.pool.query(
    `SELECT count(*)::int AS waiting FROM hookgraph.deliveries WHERE tenant = $1 AND state = 'PENDING'`,
    [acme.id],
  );
  expect(rows[0].waiting).toBeGreaterThan(count * 500);
});

it('a dozen of them, who take every slot that they can get', async () => {
  await deliver200('warm-up');
  const without = await deliver200('without');
  for (let i = 0; i < 12; i++) {
    const receiver = await startReceiver(() => {});
    hanging.push(receiver);
    await product.subscribe({ topic: { key: 'user/created' }, callbackUrl: receiver.url, ...LAST_NAME }, acme.token);
  }
  await acme.insertUsers(names('stuck', 300));
  await until('most slots are gone', () => hanging.reduce((sum, { requests }) => sum + requests.length, 0) >= 1900);
  const during = await deliver200('with');
  expect(during.lastMs - without.lastMs).toBeLessThan(1000);
});
