// Tests that everything that a receiver can make long counts towards the size of a batch.
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { AttemptBatch } from '../../../src/webhooks/verdict/attempt-batch.js';
import { AttemptStart } from '../../../src/webhooks/verdict/attempt-record.js';

/** Returns a text that hardly compresses. */
const longText = () => randomBytes(45_000).toString('base64');

function resultOf(subscriptionId: string, headers: Record<string, string>, body = '') {
  const definition = { subscriptionId, version: 1, owner: { tenant: 't' }, topic: { key: 'note/created' } };
  const delivery = { id: '1', eventId: null, replayId: null, kind: 'LIVE', typename: 'Note', nodeKey: '1', attemptCount: 0 } as const;
  const start = new AttemptStart(definition, delivery);
  const request = { url: 'https://receiver.example/', headers: {}, body: '' };
  start.addRequest({ request, answer: { kind: 'REPLY', status: 200, headers, body, sendMs: 1 } });
  const attempt = start.end('DELIVERED', null, null);
  return {
    deliveryId: '1',
    token: '1',
    subscriptionId,
    next: { state: 'DELIVERED', reason: null, retryMs: null } as const,
    attempt,
    disable: null,
  };
}

it.each<[string, (place: number) => ReturnType<typeof resultOf>]>([
  ['bodies', () => resultOf('a', {}, longText())],
  ['headers that differ between answers', (place) => resultOf('a', { 'x-long': `${place}${longText()}` })],
  ['headers that differ between subscriptions', (place) => resultOf(String(place), { [`x-${place}`]: longText() })],
])('counts %s', (_, result) => {
  const batch = new AttemptBatch();
  for (let place = 0; place < 10; place++) batch.add(result(place));
  expect(batch.characters).toBeGreaterThan(10 * 45_000);
  expect(batch.characters).toBeLessThan(11 * 60_000);
  batch.clear();
  expect(batch.characters).toBe(0);
});

it('counts what it has compressed by its compressed size', async () => {
  const batch = new AttemptBatch();
  for (let place = 0; place < 100; place++) batch.add(resultOf('a', { 'x-long': 'x'.repeat(60_000) }));
  await batch.compressed();
  expect(batch.characters).toBeLessThan(3 * 60_000);
});

it('compresses large exchanges elsewhere, while the event loop goes on', async () => {
  const batch = new AttemptBatch();
  batch.add(resultOf('a', {}, longText().repeat(2)));
  batch.add(resultOf('a', {}, 'short'));
  const before = batch.characters;
  let went = false;
  setImmediate(() => {
    went = true;
  });
  await batch.compressed();
  expect(went).toBe(true);
  expect(batch.characters).toBeLessThan(before);
  expect(batch.compressed()).toBeUndefined();
});
