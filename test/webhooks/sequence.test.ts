// Promise: a receiver of a numbered subscription notices every missed notification, and can read it by its number.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { verifyWebhook } from '../../src/verify/index.js';
import { numberDeliveries } from '../../src/webhooks/base/store/sequences.js';
import { deliveriesAfter, resendDelivery, type SubscriptionInput } from '../../src/webhooks/index.js';
import { deliveriesOf } from '../support/engine-rows.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../support/engine-world.js';
import type { Received } from '../support/receiver.js';
import { until } from '../support/until.js';

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterEach(() => world.clear());
afterAll(() => world.close());

const names = (count: number) => Array.from({ length: count }, (_, i) => `thing ${i}`);
const numberIn = ({ headers }: Received) => Number(headers['x-scope-sequence']);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Creates a numbered subscription, writes, and waits until all notifications are delivered. */
async function deliverAll(count: number, input: Partial<SubscriptionInput> = {}): Promise<string> {
  const id = await world.subscribe({ numbered: true, ...input });
  await world.insertThings(...names(count));
  await Promise.all([world.work(), world.work()]);
  await untilEnded(id, count);
  return id;
}

const untilEnded = (id: string, count: number) =>
  until('every delivery has ended', async () => {
    const found = await deliveriesOf(world.db.pool, id);
    return found.length === count && found.every(({ state }) => state !== 'PENDING' && state !== 'RETRYING');
  });

/** Reads all notifications after a number page by page, as a receiver does. */
async function missed(id: string, after: number, limit = 7) {
  const rows = [];
  for (let last = String(after); ; ) {
    const found = (await deliveriesAfter(world.webhooks.engine, OWNER, [id], { after: last, limit })).get(id);
    if (!found) throw new Error('the subscription was not found');
    rows.push(...found.rows);
    last = found.rows.at(-1)?.number ?? last;
    if (!found.hasMore) return { ...found, rows };
  }
}

it('numbers without gaps, with two workers, and gives back what a receiver lost', async () => {
  const kept = new Map<number, string>();
  world.receiver.answer = (response, request) => {
    // Every third notification is accepted and then lost.
    if (numberIn(request) % 3 !== 0) kept.set(numberIn(request), request.body);
    response.end();
  };
  const id = await deliverAll(40);
  expect(world.receiver.requests.map(numberIn).sort((a, b) => a - b)).toEqual(range(1, 40));
  for (const request of world.receiver.requests) expect(Number(request.headers['x-scope-previous-sequence'])).toBe(numberIn(request) - 1);
  // The receiver has all notifications up to number 2.
  const { rows, last, first } = await missed(id, 2);
  expect([last, first]).toEqual(['40', '1']);
  for (const { number, body, bodyState } of rows) {
    expect(bodyState).toBe('EXACT');
    if (!kept.has(Number(number))) kept.set(Number(number), body as string);
  }
  const sent = new Map(world.receiver.requests.map((request) => [numberIn(request), request.body]));
  expect([...kept].sort(([a], [b]) => a - b)).toEqual([...sent].sort(([a], [b]) => a - b));
});

it('numbers no notification that is not sent, and keeps the number of one that is sent again', async () => {
  const decides = '{% if data.node.name == "thing 1" %}false{% else %}true{% endif %}';
  world.receiver.answer = (response) => void response.writeHead(world.receiver.requests.length === 1 ? 500 : 200).end();
  const id = await deliverAll(3, { validationTemplate: decides, retry: { maxTries: 1 } });
  expect(world.receiver.requests.map(numberIn).sort()).toEqual([1, 2]);
  const before = await missed(id, 0);
  expect(before.rows.map(({ number, delivery }) => `${number} ${delivery?.state}`).sort()).toEqual(['1 FAILED', '2 DELIVERED']);
  const failed = before.rows.find(({ delivery }) => delivery?.state === 'FAILED')?.delivery?.id ?? '';
  await resendDelivery(world.webhooks.engine, OWNER, failed);
  await until('it is sent again', () => world.receiver.requests.length === 3);
  await resendDelivery(world.webhooks.engine, OWNER, failed, { asNew: true });
  await until('it is sent as a new one', () => world.receiver.requests.length === 4);
  expect(world.receiver.requests.slice(2).map(numberIn)).toEqual([1, 3]);
});

it('signs the numbers, and verifies them', async () => {
  await deliverAll(1, { signatures: ['HTTP_MESSAGE_SIGNATURES'], sharedSecret: 'a shared secret' });
  const [request] = world.receiver.requests;
  const ask = (headers: Received['headers']) =>
    verifyWebhook({
      scheme: 'HTTP_MESSAGE_SIGNATURES',
      secret: 'a shared secret',
      method: 'POST',
      url: `${world.receiver.url}${request?.path}`,
      headers: headers as Record<string, string>,
      body: request?.body ?? '',
    });
  expect(request?.headers['signature-input']).toContain('"x-scope-sequence" "x-scope-previous-sequence"');
  expect(ask(request?.headers ?? {})).toMatchObject({ ok: true, id: request?.headers['x-scope-webhook-job-id'] });
  expect(ask({ ...request?.headers, 'x-scope-sequence': '2' })).toMatchObject({ code: 'SIGNATURE_WRONG' });
  expect(ask({ ...request?.headers, 'x-scope-previous-sequence': undefined })).toMatchObject({ code: 'SIGNATURE_WRONG' });
});

it('says why a body is missing', async () => {
  const id = await deliverAll(1, { recording: { bodies: false } });
  expect((await missed(id, 0)).rows).toMatchObject([{ body: null, bodyState: 'NOT_RECORDED' }]);
  const masked = await world.subscribe({ numbered: true, recording: { maskedPaths: ['data.node.name'] } });
  await world.insertThings('secret');
  await untilEnded(masked, 1);
  expect((await missed(masked, 0)).rows).toMatchObject([{ body: expect.stringContaining('[masked]'), bodyState: 'MASKED' }]);
  await world.db.pool.query('DELETE FROM hookgraph.attempts');
  expect((await missed(masked, 0)).rows).toMatchObject([{ delivery: { state: 'DELIVERED' }, body: null, bodyState: 'DELETED' }]);
  await world.db.pool.query('DELETE FROM hookgraph.deliveries');
  expect((await missed(masked, 0)).rows).toMatchObject([{ delivery: null, body: null, bodyState: 'DELETED' }]);
  expect((await deliveriesAfter(world.webhooks.engine, { ...OWNER, tenant: 'other' }, [masked], { after: '0', limit: 1 })).size).toBe(0);
});

it('gives a delivery one number, also to workers that send it at the same time', async () => {
  const id = await world.subscribe({ numbered: true });
  const asked = range(1, 30).map((i) => ({ deliveryId: String(i), subscriptionId: id }));
  const answers = await Promise.all([asked, [...asked].reverse(), asked.slice(5, 20)].map((part) => numberDeliveries(world.db.pool, part)));
  const [first] = answers;
  for (const answer of answers) for (const [deliveryId, number] of answer) expect(first?.get(deliveryId)).toBe(number);
  expect([...(first?.values() ?? [])].map(Number).sort((a, b) => a - b)).toEqual(range(1, 30));
});

it('numbers nothing unless the subscription asks for it', async () => {
  const id = await deliverAll(2, { numbered: false });
  expect(world.receiver.requests.map(({ headers }) => headers['x-scope-sequence'])).toEqual([undefined, undefined]);
  expect(await missed(id, 0)).toMatchObject({ rows: [], last: '0', first: null });
});
