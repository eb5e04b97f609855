// Promise: when all connections are cut repeatedly during writes and deliveries, no process ends, and every committed change is delivered.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { countStates } from '../support/attempts.js';
import { unbalanced } from '../support/books.js';
import { LAST_NAME, makeOrganization, nameIn, type Organization } from '../support/organization.js';
import { type Process, type Product, startProduct } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

let product: Product;
let receiver: Receiver;
let acme: Organization;
beforeEach(async () => {
  [product, receiver] = await Promise.all([startProduct({ command: 'api' }), startReceiver()]);
  acme = await makeOrganization(product.pool);
});
afterEach(() => Promise.all([product.close(), receiver.close()]));

const alive = ({ child }: Process) => child.exitCode === null && child.signalCode === null;

it('goes on after its connections were cut for two seconds', async () => {
  const { recordId } = await product.subscribe({ topic: { key: 'user/created' }, callbackUrl: receiver.url, ...LAST_NAME }, acme.token);
  const worker = await product.start('worker');
  await acme.insertUsers(['first']);
  await receiver.waitFor(1);

  const committed = ['first'];
  let cuts = 0;
  let cutting = true;
  const cut = async () => {
    const endAt = Date.now() + 2000;
    while (Date.now() < endAt || cuts < 20) {
      const { rowCount } = await product.pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'hookgraph%'`,
      );
      cuts += rowCount ?? 0;
    }
    cutting = false;
  };
  const write = async () => {
    for (let i = 0; cutting || i < 200; i++) {
      await acme.insertUsers([`write-${i}`]);
      committed.push(`write-${i}`);
    }
  };
  // Each request either works or reports an error; the API process lives on.
  const ask = async () => {
    let asked = 0;
    for (; cutting; asked++) await product.graphql('{ viewer { id } webhookDeliveries { totalCount } }', {}, acme.token).catch(() => {});
    return asked;
  };
  const [asked] = await Promise.all([ask(), cut(), write()]);
  expect(asked).toBeGreaterThan(0);

  await until('everything is delivered', async () => (await countStates(product.pool, recordId)).DELIVERED === committed.length);
  expect([...new Set(receiver.requests.map(nameIn))].sort()).toEqual([...committed].sort());
  expect([product.main, worker].map(alive)).toEqual([true, true]);
  expect((await fetch(`${product.url}/readyz`)).status).toBe(200);
  expect((await product.graphql('{ viewer { id } }', {}, acme.token)).viewer.id).toBeTruthy();

  // The listener for wake-ups and the scheduler of maintenance reconnect too, and both stop cleanly.
  await acme.insertUsers(['last']);
  await until('it goes on as before', () => receiver.requests.map(nameIn).includes('last'));
  expect(await worker.kill('SIGTERM')).toBe(0);
  expect(await product.main.kill('SIGTERM')).toBe(0);
  expect(await unbalanced(product.pool)).toEqual([]);
});
