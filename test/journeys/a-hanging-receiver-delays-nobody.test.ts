// Promise: receivers that hang at every request, each with 1,000 due deliveries, hold up no other subscription's deliveries.
import { expect, it, onTestFinished } from 'vitest';
import { LAST_NAME, makeOrganization, nameIn, names } from '../support/organization.js';
import { startProduct } from '../support/product.js';
import { startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

// The hanging requests last a minute, so a delivery that waits for one of them is late on any machine.
const LIMITS = { HOOKGRAPH_REQUEST_TIMEOUT_MS: '60000', HOOKGRAPH_MAX_IN_PROGRESS: '600' };
it('one of them, and a dozen who take every slot that they can get', async () => {
  const [product, quick] = await Promise.all([startProduct({ env: LIMITS }), startReceiver()]);
  onTestFinished(async () => void (await Promise.all([product.close(), quick.close()])));
  const [acme, globex] = await Promise.all([makeOrganization(product.pool), makeOrganization(product.pool)]);
  const healthy = await product.subscribe({ topic: { key: 'user/created' }, callbackUrl: quick.url, ...LAST_NAME }, globex.token);

  let open = 0;
  let ended = 0;
  async function subscribeHangingReceiver() {
    const receiver = await startReceiver((response) => {
      open += 1;
      response.once('close', () => {
        open -= 1;
        ended += 1;
      });
    });
    onTestFinished(() => receiver.close());
    await product.subscribe({ topic: { key: 'user/created' }, callbackUrl: receiver.url, ...LAST_NAME }, acme.token);
  }
  async function deliver200(round: string) {
    const before = quick.requests.length;
    await globex.insertUsers(names(round, 200));
    const arrived = () => quick.requests.length >= before + 200 || ended > 0;
    await until(`200 of ${round} arrived`, arrived, { timeoutMs: 120_000 });
    expect({ round, ended }).toEqual({ round, ended: 0 });
    expect(quick.requests.slice(before).map(nameIn).sort()).toEqual(names(round, 200).sort());
  }

  await deliver200('alone');
  await subscribeHangingReceiver();
  await acme.insertUsers(names('stuck', 1000));
  // A subscription may use half of the slots, and an origin 200 connections.
  await until('one receiver hangs', () => open === 200);
  await deliver200('beside-one');
  for (let i = 1; i < 12; i++) await subscribeHangingReceiver();
  await acme.insertUsers(names('more', 1000));
  // The eleven new subscriptions and the healthy one share the other half: 25 slots each.
  await until('a dozen receivers hang', () => open >= 200 + 11 * 20);
  await deliver200('beside-a-dozen');

  const { rows } = await product.pool.query('SELECT 1 FROM hookgraph.attempts WHERE subscription_id <> $1', [healthy.recordId]);
  expect(rows).toEqual([]);
});
