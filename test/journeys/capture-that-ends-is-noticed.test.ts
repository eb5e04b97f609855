// Promise: a worker refuses to start if changes are not recorded. A running worker notices it, and the log, /readyz, doctor and why-not
// report it until `migrate` has repaired it.
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { unbalanced } from '../support/books.js';
import { createUser } from '../support/journey.js';
import { ADMIN_TOKEN, type RunningProduct, run } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { runProduct } from '../support/run-product.js';
import { until } from '../support/until.js';

const KEY = randomBytes(32).toString('base64');
let product: RunningProduct;
let receiver: Receiver;
beforeEach(async () => {
  const env = { HOOKGRAPH_ENCRYPTION_KEYS: KEY, HOOKGRAPH_CAPTURE_WATCH_SECONDS: '1' };
  [product, receiver] = await Promise.all([runProduct({ worker: false, env }), startReceiver()]);
});
afterEach(() => Promise.all([product.close(), receiver.close()]));

const asked = () => ({
  DATABASE_URL: product.db.url,
  HOOKGRAPH_ENCRYPTION_KEYS: KEY,
  HOOKGRAPH_URL: product.url,
  HOOKGRAPH_TOKEN: ADMIN_TOKEN,
});
const doctor = (): Promise<string> => run(['doctor'], asked()).catch((error: Error) => error.message);

async function readyz(): Promise<{ status: number; body: { status: string; problems?: string[] } }> {
  const response = await fetch(`${product.url}/readyz`);
  return { status: response.status, body: await response.json() };
}

async function whyNot(id: string): Promise<string> {
  const { webhookWhyNot } = await product.graphql('query ($id: ID!) { webhookWhyNot(webhookSubscriptionId: $id) { conclusion } }', { id });
  return webhookWhyNot.conclusion;
}

it('says so everywhere within its interval, and all is well again after migrate', async () => {
  const { id } = await product.subscribe({ topic: { key: 'user/created' }, callbackUrl: receiver.url });
  const other = await product.subscribe({ topic: { key: 'environment/created' }, callbackUrl: receiver.url });
  const worker = await product.start('worker');
  await expect
    .poll(readyz)
    .toEqual({ status: 200, body: { status: 'ready', workers: { running: 1, lastHeardSeconds: expect.any(Number) } } });
  expect(await doctor()).toMatch(/ok\s+capture\s+every change/);

  // Replaces the table, as an online schema change does.
  await product.pool.query(
    'CREATE TABLE users_new (LIKE users INCLUDING ALL); INSERT INTO users_new SELECT * FROM users; ALTER TABLE users RENAME TO users_old; ALTER TABLE users_new RENAME TO users',
  );
  await product.pool.query('ALTER TABLE environments DISABLE TRIGGER hookgraph_update');
  const lines = () =>
    worker
      .output()
      .split('\n')
      .filter((line) => line.includes('changes of announced tables are not recorded'));
  await until('the worker says so', () => lines().length > 0);
  expect(JSON.parse(lines()[0] as string)).toMatchObject({
    level: 'warn',
    role: 'worker',
    findings: expect.arrayContaining([
      expect.objectContaining({
        kind: 'TABLE',
        typename: 'User',
        table: 'public.users',
        message: expect.stringContaining('public.users_old'),
      }),
      expect.objectContaining({ kind: 'TRIGGERS', typename: 'Environment', message: expect.stringContaining('hookgraph_update') }),
    ]),
  });
  const { body } = await until('the API is not ready', async () => {
    const answer = await readyz();
    return answer.status === 503 ? answer : null;
  });
  expect(body).toMatchObject({
    status: 'changes are not recorded',
    problems: expect.arrayContaining([
      expect.stringMatching(/hookgraph_update.*hookgraph migrate/),
      expect.stringMatching(/public\.users are not recorded: the table was replaced.*hookgraph migrate/),
    ]),
  });
  expect(await doctor()).toMatch(/fail\s+capture\s+Changes of public\.users are not recorded: the table was replaced/);
  expect(await whyNot(id)).toMatch(
    /^Changes of the table public\.users are not recorded, .*at least since 20.*replaced.*Run `hookgraph migrate`/,
  );
  expect(await whyNot(other.id)).toMatch(/public\.environments/);
  // The worker logs the fault in one line, however often it checks.
  await until('it has looked again', async () => (await readyz()).status === 503);
  expect(lines()).toHaveLength(1);

  await worker.kill('SIGTERM');
  await expect(product.start('worker')).rejects.toThrow(
    /table was replaced[\s\S]*hookgraph_update|hookgraph_update[\s\S]*table was replaced/,
  );
  await run(['migrate'], asked());
  await product.start('worker');
  await until('the API is ready', async () => (await readyz()).status === 200);
  expect(await doctor()).toMatch(/ok\s+capture\s+every change/);
  await createUser(product);
  await receiver.waitFor(1);
  expect(await whyNot(id)).not.toMatch(/not recorded/);
});

it('is in step again without a restart', async () => {
  const worker = await product.start('worker');
  await product.pool.query('ALTER TABLE users DISABLE TRIGGER hookgraph_insert');
  await until('the worker says so', () => worker.output().includes('changes of announced tables are not recorded'));
  await run(['migrate'], asked());
  await until('the worker says that it is over', () => worker.output().includes('capture triggers match the announced tables again'));
  expect(await worker.kill('SIGTERM')).toBe(0);
  expect(await unbalanced(product.pool)).toEqual([]);
});
