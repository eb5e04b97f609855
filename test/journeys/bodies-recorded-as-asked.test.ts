// Promise: what an owner wants masked or not recorded is sent unchanged, but appears afterwards in no body, message or answer.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import {
  attemptsByIds,
  attemptsOf,
  createSubscription,
  type SubscriptionInput,
  testSubscription,
  updateSubscription,
} from '../../src/webhooks/index.js';
import { recordedText } from '../support/attempts.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../support/engine-world.js';
import { until } from '../support/until.js';

const PRIVATE = 'ada.private@example.org';
let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
  await world.work();
});
afterAll(() => world?.close());
beforeEach(async () => {
  await world.db.pool.query('UPDATE hookgraph.subscriptions SET deleted_at = now()');
});

type Recording = SubscriptionInput['recording'];
const body = (text: string, headers: Record<string, string> = {}) => {
  world.receiver.answer = (response) => void response.writeHead(200, headers).end(text);
};

/** Sends a notification about a thing with a private name and returns its attempt as the owner reads it. */
async function attemptOf(recording: Recording, input: Partial<SubscriptionInput> = {}) {
  const id = await world.subscribe({ recording, ...input });
  const before = world.receiver.requests.length;
  await world.insertThings(PRIVATE);
  const { rows } = await until('it is tried', async () => {
    const found = await world.db.pool.query('SELECT id, delivery_id FROM hookgraph.attempts WHERE subscription_id = $1', [id]);
    return found.rowCount ? found : null;
  });
  const attempt = (await attemptsByIds(world.db.pool, OWNER, [rows[0].id])).get(rows[0].id);
  if (!attempt) throw new Error('There is no attempt.');
  return { attempt, row: await recordedText(world.db.pool, id), sent: world.receiver.requests.slice(before).map((one) => one.body), id };
}

it('records all of it where nothing is asked', async () => {
  body('{"ok":true}');
  const { attempt, row } = await attemptOf(null);
  expect(row).toContain(PRIVATE);
  expect(attempt).toMatchObject({ request: { omitted: null, bytes: null }, response: { body: '{"ok":true}', omitted: null } });
});

it('masks by path in request, answer and message, whatever the receiver repeats, and sends it as it is', async () => {
  const answer = JSON.stringify({ you: { name: PRIVATE }, said: `no such person: ${PRIVATE}`, code: 7 });
  body(answer, { 'x-echo': PRIVATE });
  const errorTemplate = 'The receiver said: {{ body.said }}';
  const { attempt, row, sent } = await attemptOf({ maskedPaths: ['data.node.name', 'you.**'] }, { errorTemplate });
  const plain = JSON.stringify({ data: { node: { name: PRIVATE } } });
  expect(sent).toEqual([plain]);
  expect(attempt).toMatchObject({
    stage: 'ERROR_TEMPLATE',
    message: 'The receiver said: no such person: [masked]',
    request: { body: '{"data":{"node":{"name":"[masked]"}}}', bytes: plain.length, omitted: null },
    response: { body: '{"you":{"name":"[masked]"},"said":"no such person: [masked]","code":7}', bytes: answer.length },
  });
  expect(attempt.response?.headers['x-echo']).toBe('[masked]');
  expect(row).not.toContain(PRIVATE);
});

it('masks elements of XML', async () => {
  body(`<answer><who>${PRIVATE}</who></answer>`, { 'content-type': 'text/xml' });
  const { attempt, row, sent } = await attemptOf({ maskedPaths: ['data.node.name', '**.who'] }, { contentType: 'XML' });
  expect(sent[0]).toContain(PRIVATE);
  expect(attempt.request?.body).toBe('<?xml version="1.0" encoding="UTF-8"?><data><node><name>[masked]</name></node></data>');
  expect(attempt.response?.body).toBe('<answer><who>[masked]</who></answer>');
  expect(row).not.toContain(PRIVATE);
});

it('leaves out an answer in which nothing can be looked for, and says so', async () => {
  body(`Hello ${PRIVATE}`);
  const { attempt, row } = await attemptOf(
    { maskedPaths: ['**.who'] },
    { errorTemplate: '{{ body }}', template: '{"who": {{ data.node.name | json }}}' },
  );
  expect(attempt).toMatchObject({
    stage: 'ERROR_TEMPLATE',
    message: 'The error template reported an error in the response; its text is not recorded.',
    request: { body: '{"who": "[masked]"}' },
    response: { status: 200, body: null, omitted: 'UNMASKABLE', bytes: 6 + PRIVATE.length },
  });
  expect(row).not.toContain(PRIVATE);
});

it('records no body at all where bodies are switched off: status, headers and sizes stay', async () => {
  world.receiver.answer = (response) => void response.writeHead(500, { 'x-kept': 'yes' }).end(JSON.stringify({ why: PRIVATE }));
  const { attempt, row, sent } = await attemptOf({ bodies: false }, { errorTemplate: '{{ body.why }}. Really.' });
  expect(sent[0]).toContain(PRIVATE);
  expect(attempt).toMatchObject({
    stage: 'STATUS',
    message: 'The receiver answered with status 500.',
    request: { body: null, omitted: 'SWITCHED_OFF', bytes: sent[0]?.length, headers: { 'Content-Type': 'application/json' } },
    response: { status: 500, body: null, omitted: 'SWITCHED_OFF', bytes: PRIVATE.length + 10, headers: { 'x-kept': 'yes' } },
  });
  expect(row).not.toContain(PRIVATE);
});

it('quotes nothing of a body that can not be sent', async () => {
  for (const recording of [{ bodies: false }, { maskedPaths: ['data.node.name'] }]) {
    const { attempt, row } = await attemptOf(recording, { template: '{% if true %}{{ data.node.name }}{% endif %}' });
    expect(attempt).toMatchObject({
      outcome: 'HELD',
      stage: 'TEMPLATE',
      message: expect.stringContaining('invalid JSON'),
      request: null,
    });
    expect(row).not.toContain(PRIVATE);
    const validation = await attemptOf(recording, { validationTemplate: '{{ data.node.name }}' });
    expect(validation.attempt.message).toBe('The validation template rendered [not recorded]');
    expect(validation.row).not.toContain(PRIVATE);
  }
});

it('tells the owner who tests it all of it, and records of that what is asked', async () => {
  body('{"ok":true}');
  const { id } = await attemptOf({ maskedPaths: ['**.name'] });
  const { report, deliveryId } = await testSubscription(world.webhooks.engine, OWNER, id);
  expect(report?.request?.body).toContain(PRIVATE);
  const [found] = (await attemptsOf(world.db.pool, OWNER, [deliveryId as string])).get(deliveryId as string) ?? [];
  const attempt = (await attemptsByIds(world.db.pool, OWNER, [found?.id as string])).get(found?.id as string);
  expect(attempt?.request?.body).toBe('{"data":{"node":{"name":"[masked]"}}}');
});

it('is a part of the definition: versioned, kept when absent, cleared by null, and refused with the reason', async () => {
  const { engine } = world.webhooks;
  const id = await world.subscribe({ recording: { maskedPaths: ['a.b', 'a.b', 'c'] } });
  const save = async (input: SubscriptionInput) => (await updateSubscription(engine, OWNER, id, input)).subscription;
  expect(await save({ recording: { bodies: true, maskedPaths: ['a.b', 'c'] } })).toMatchObject({ version: 1 });
  expect(await save({ name: 'named' })).toMatchObject({
    version: 1,
    definition: { recording: { bodies: true, maskedPaths: ['a.b', 'c'] } },
  });
  expect(await save({ recording: { bodies: false } })).toMatchObject({
    version: 2,
    definition: { recording: { bodies: false, maskedPaths: [] } },
  });
  const cleared = await save({ recording: null });
  expect(cleared).toMatchObject({ version: 3 });
  expect(cleared?.definition).not.toHaveProperty('recording');
  expect(await save({ recording: { bodies: true, maskedPaths: [] } })).toMatchObject({ version: 3 });
  const wrong = async (maskedPaths: string[]) =>
    (
      await createSubscription(engine, OWNER, {
        topic: { key: 'thing/created' },
        callbackUrl: world.receiver.url,
        recording: { maskedPaths },
      })
    ).problems;
  const field = 'recording.maskedPaths';
  expect(await wrong(['ok', 'a..b'])).toMatchObject([{ field, message: expect.stringContaining('"a..b" is not a path: character 3') }]);
  expect(await wrong(Array.from({ length: 51 }, (_, i) => `p${i}`))).toMatchObject([{ field, message: 'has 51 paths; the limit is 50' }]);
  expect(await wrong(['x'.repeat(257)])).toMatchObject([{ field, message: 'has a path of 257 characters; the limit is 256' }]);
});
