// Promise: of 5,000 writes by eight clients during three kills of the worker, each committed one arrives at its own organization's receiver
// only; no rolled-back write arrives; and a subscription that is disabled meanwhile begins no further attempt.
import pg from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { attemptsOf, countStates } from '../support/attempts.js';
import { unbalanced } from '../support/books.js';
import { LAST_NAME, makeOrganization, nameIn, type Organization } from '../support/organization.js';
import type { RunningProduct } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { runProduct } from '../support/run-product.js';
import { until, untilDone } from '../support/until.js';

const WRITES = 5000;
const CLIENTS = 8;

interface Side {
  organization: Organization;
  receiver: Receiver;
  recordId: string;
  committed: string[];
}

let product: RunningProduct;
let sides: [Side, Side];
/** The receiver of the first organization's second subscription, which is disabled halfway. */
let quiet: Receiver;
beforeEach(async () => {
  [product, quiet] = await Promise.all([runProduct({ worker: false }), startReceiver()]);
  sides = [await openSide(), await openSide()];
});
afterEach(() => Promise.all([product.close(), quiet.close(), ...sides.map(({ receiver }) => receiver.close())]));

async function openSide(): Promise<Side> {
  const [organization, receiver] = await Promise.all([makeOrganization(product.pool), startReceiver()]);
  const { recordId } = await subscribe(organization, receiver);
  return { organization, receiver, recordId, committed: [] };
}
const subscribe = (organization: Organization, receiver: Receiver) =>
  product.subscribe({ topic: { key: 'user/created' }, callbackUrl: receiver.url, ...LAST_NAME }, organization.token);

/** Makes one client's share of the writes, each in a separate transaction. Rolls every seventh write back. */
async function write(client: pg.Client, number: number, mayGoOn: (write: number) => unknown): Promise<void> {
  for (let i = number; i < WRITES; i += CLIENTS) {
    await mayGoOn(i);
    const side = sides[i % 3 === 0 ? 1 : 0] as Side;
    const [fate, end] = i % 7 === 0 ? ['rolled-back', 'ROLLBACK'] : ['committed', 'COMMIT'];
    const name = `${fate}-${side.organization.id}-${i}`;
    await client.query('BEGIN');
    await client.query(`INSERT INTO users (organization_id, first_name, last_name) VALUES ($1, 'A', $2)`, [side.organization.id, name]);
    await client.query(end as string);
    if (end === 'COMMIT') side.committed.push(name);
  }
}

it('5,000 writes, three kills, one subscription disabled', async () => {
  const disabled = await subscribe(sides[0].organization, quiet);
  const received = () => sides.reduce((sum, { receiver }) => sum + receiver.requests.length, 0);
  let worker = await product.start('worker');

  // The writers wait for the kills, so that each kill interrupts both writes and deliveries.
  let kills = 0;
  const clients = Array.from({ length: CLIENTS }, () => new pg.Client({ connectionString: product.db.url }).on('error', () => {}));
  await Promise.all(clients.map((client) => client.connect()));
  const may = (i: number) => i < (kills + 1) * 1250;
  const mayGoOn = (i: number) => may(i) || until('the worker was killed', () => may(i));
  const writing = Promise.all(clients.map((client, number) => write(client, number, mayGoOn)));
  let answeredAt = 0;
  let before = 0;
  while (kills < 3) {
    if (kills === 1) {
      // Continues when the worker has sent changes that were written while it was down.
      const seen = quiet.requests.length;
      await until('the one to be disabled is busy', () => quiet.requests.length > seen + 20, { everyMs: 2 });
      const { updateWebhookSubscription: payload } = await product.graphql(
        'mutation ($id: ID!) { updateWebhookSubscription(webhookSubscription: { id: $id disabled: true }) { errors { message } } }',
        { id: disabled.id },
        sides[0].organization.token,
      );
      answeredAt = Date.now();
      expect(payload.errors).toEqual([]);
    }
    await until('it sends', () => received() > before + 300);
    await worker.kill('SIGKILL');
    kills += 1;
    before = received();
    worker = await product.start('worker');
  }
  await writing;
  await Promise.all(clients.map((client) => client.end()));

  for (const { recordId, committed } of sides)
    await untilDone('everything is delivered', committed.length, async () => (await countStates(product.pool, recordId)).DELIVERED ?? 0);
  expect(sides[0].committed.length + sides[1].committed.length).toBe(WRITES - Math.ceil(WRITES / 7));
  for (const { receiver, recordId, committed } of sides) {
    expect([...new Set(receiver.requests.map(nameIn))].sort()).toEqual(committed.sort());
    expect(await countStates(product.pool, recordId)).toEqual({ DELIVERED: committed.length });
    // Each delivery has one attempt: an attempt that a kill cut short isn't recorded, and its repetition counts as the first.
    const attempts = await attemptsOf(product.pool, recordId);
    expect(attempts.filter(({ number, outcome }) => number !== 1 || outcome !== 'DELIVERED')).toEqual([]);
    expect(new Set(attempts.map((one) => one.deliveryId)).size).toBe(committed.length);
  }

  // For the disabled subscription: no attempt began after the mutation's answer, no delivery is open, and each event has a delivery.
  const begun = (await attemptsOf(product.pool, disabled.recordId)).map(({ startedAt }) => startedAt.getTime());
  const sent = quiet.requests.map(({ headers }) => Date.parse(headers['x-scope-time'] as string));
  expect(begun.length).toBeGreaterThan(0);
  expect({ begun: begun.filter((at) => at > answeredAt), sent: sent.filter((at) => at > answeredAt) }).toEqual({ begun: [], sent: [] });
  await until('nothing of it is open', async () => {
    const { PENDING = 0, RETRYING = 0 } = await countStates(product.pool, disabled.recordId);
    return PENDING + RETRYING === 0;
  });
  const states = await countStates(product.pool, disabled.recordId);
  expect(states.SKIPPED).toBeGreaterThan(0);
  expect(Object.keys(states).filter((state) => !['DELIVERED', 'HELD', 'SKIPPED'].includes(state))).toEqual([]);
  expect(Object.values(states).reduce((sum, count) => sum + count, 0)).toBe(sides[0].committed.length);
  expect(await unbalanced(product.pool)).toEqual([]);
  const own = new Set(sides[0].committed);
  expect(quiet.requests.map(nameIn).filter((name) => !own.has(name))).toEqual([]);
});
