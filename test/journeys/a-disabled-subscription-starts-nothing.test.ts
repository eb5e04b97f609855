// Promise: once the mutation that disables a subscription has answered, none of its attempts begins, even under full load.
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

it('begins no attempt after the answer, six times in the middle of a backlog', async () => {
  const acme = await makeOrganization(product.pool);
  const { id, recordId } = await product.subscribe({ topic: { key: 'user/created' }, callbackUrl: receiver.url, ...LAST_NAME }, acme.token);
  const switchTo = async (disabled: boolean) => {
    const { updateWebhookSubscription: payload } = await product.graphql(
      'mutation ($id: ID!, $disabled: Boolean!) { updateWebhookSubscription(webhookSubscription: { id: $id disabled: $disabled }) { errors { message } } }',
      { id, disabled },
      acme.token,
    );
    expect(payload.errors).toEqual([]);
    return Date.now();
  };
  await Promise.all([product.start('worker'), product.start('worker')]);
  const offBetween: [number, number][] = [];
  for (let round = 0; round < 6; round++) {
    const before = receiver.requests.length;
    await acme.insertUsers(names(`round-${round}`, 300));
    await until('it is busy', () => receiver.requests.length > before + 20 + 20 * round);
    const off = await switchTo(true);
    const open = ({ PENDING = 0, RETRYING = 0 }: Record<string, number>) => PENDING + RETRYING;
    await until('nothing is open', async () => open(await countStates(product.pool, recordId)) === 0);
    offBetween.push([off, Date.now()]);
    await switchTo(false);
  }
  const all = 6 * 300;
  await until('all that was held goes on', async () => (await countStates(product.pool, recordId)).DELIVERED === all);
  expect(new Set(receiver.requests.map(nameIn)).size).toBe(all);

  const whileOff = (at: number) => offBetween.some(([from, to]) => at > from && at < to);
  const sent = receiver.requests.map(({ headers }) => Date.parse(headers['x-scope-time'] as string));
  const begun = (await attemptsOf(product.pool, recordId)).map(({ startedAt }) => startedAt.getTime());
  expect({ sent: sent.filter(whileOff), begun: begun.filter(whileOff) }).toEqual({ sent: [], begun: [] });
});
