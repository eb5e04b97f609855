import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSubscription, type SubscriptionInput, updateSubscription } from '../../../../src/webhooks/index.js';
import { recorded, recordedText, untilAttempts } from '../../../support/attempts.js';
import { type Aws, answerJsonError, KEYS, REGION, startAws } from '../../../support/aws.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../../../support/engine-world.js';
import { hasMoto, type Moto, startMoto } from '../../../support/moto.js';

const ACCOUNT = '123456789012';
const eventBusArn = `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/some`;

let world: EngineWorld;
let aws: Aws;
let moto: Moto | null = null;
const eventBridge = { accounts: [] as string[] };
beforeAll(async () => {
  moto = hasMoto ? await startMoto() : null;
  [aws, world] = await Promise.all([startAws({ events: moto?.port ?? null }), startEngineWorld({ settings: { eventBridge } })]);
  await world.work();
});
afterAll(async () => {
  await world.close();
  await aws.close();
  await moto?.close();
});
beforeEach(async () => {
  aws.answer = null;
  aws.asked.length = 0;
  eventBridge.accounts = [];
});

const attempts = (id: string, count: number) => untilAttempts(world.db.pool, id, count);
const off = (id: string) => updateSubscription(world.webhooks.engine, OWNER, id, { disabled: true });
const toBus = (more: object = {}) => ({ eventBridge: { eventBusArn, endpoint: aws.endpoint, ...KEYS, ...more } });

describe('an event', () => {
  it.skipIf(!hasMoto)('has the body as its detail, the topic as its type, and the ids as resources', async () => {
    const bus = await (moto as Moto).eventBus('orders');
    const id = await world.subscribe({ ...toBus({ eventBusArn: bus.eventBusArn, source: 'shop' }), template: '{"name": "Zoë"}' });
    await world.insertThings('one');
    const [event] = await (moto as Moto).receive(bus.queueUrl, 1);
    const [attempt] = await attempts(id, 1);
    expect(event).toMatchObject({ source: 'shop', 'detail-type': 'thing/created', detail: { name: 'Zoë' } });
    expect(event?.resources).toEqual(
      expect.arrayContaining([`delivery_id=${attempt?.deliveryId}`, `subscription_id=${id}`, 'node_type=Thing']),
    );
    expect((await recorded(world.db.pool, 'a.subscription_id = $1', id))[0]).toMatchObject({
      outcome: 'DELIVERED',
      request: { url: bus.eventBusArn, headers: { Source: 'shop', DetailType: 'thing/created' } },
      response: { body: expect.stringContaining('EventId') },
    });
    await off(id);
  });

  it.each(['["a", "list"]', 'no JSON', ''])('whose body is %j is held, because EventBridge takes JSON objects only', async (body) => {
    const id = await world.subscribe({ ...toBus(), template: `{% if data %}${body}{% endif %}` });
    await world.insertThings('one');
    expect((await attempts(id, 1))[0]).toMatchObject({ outcome: 'HELD', stage: 'TEMPLATE' });
    expect(aws.asked).toEqual([]);
    await off(id);
  });

  it('that is refused within a successful response fails, with what helps', async () => {
    const entry = { ErrorCode: 'ResourceNotFoundException', ErrorMessage: 'Event bus some does not exist.' };
    aws.answer = (response) => void response.writeHead(200).end(JSON.stringify({ FailedEntryCount: 1, Entries: [entry] }));
    const id = await world.subscribe(toBus());
    await world.insertThings('one');
    const [attempt] = await attempts(id, 1);
    expect(attempt).toMatchObject({ outcome: 'FAILED', stage: 'STATUS', status: 200 });
    expect(attempt?.message).toMatch(
      /ResourceNotFoundException: Event bus some does not exist\. There is no such event bus in this account/,
    );
    await off(id);
  });

  it.each([
    [
      'in the response',
      (response: Parameters<NonNullable<Aws['answer']>>[0]) => answerJsonError(response, 400, 'ThrottlingException', 'Rate exceeded'),
    ],
    [
      'in its entry',
      (response: Parameters<NonNullable<Aws['answer']>>[0]) =>
        void response.writeHead(200).end(JSON.stringify({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'ThrottlingException' }] })),
    ],
  ])('that is throttled %s slows the subscription down', async (_where, answer) => {
    aws.answer = answer;
    const id = await world.subscribe(toBus());
    await world.insertThings('one');
    await attempts(id, 1);
    const { rows } = await world.db.pool.query('SELECT state FROM hookgraph.paces WHERE subscription_id = $1', [id]);
    expect(rows).toEqual([{ state: 'SLOWED' }]);
    await off(id);
  });

  it('that may not be put names the right to allow, and records no credentials', async () => {
    const message = `not authorized to perform: events:PutEvents ${KEYS.secretAccessKey}`;
    aws.answer = (response) => answerJsonError(response, 400, 'AccessDeniedException', message);
    const id = await world.subscribe(toBus());
    await world.insertThings('one');
    const [attempt] = await attempts(id, 1);
    expect(attempt?.message).toMatch(/AccessDeniedException: .*\[redacted\].*Allow `events:PutEvents` on the event bus/);
    const text = await recordedText(world.db.pool, id);
    for (const secret of Object.values(KEYS)) expect(text).not.toContain(secret);
    await off(id);
  });
});

describe('a mistake', () => {
  it.each<[SubscriptionInput, string]>([
    [{ eventBridge: {} }, 'eventBridge.eventBusArn'],
    [{ eventBridge: { eventBusArn: `arn:aws:events:${REGION}:${ACCOUNT}:rule/x`, ...KEYS } }, 'eventBridge.eventBusArn'],
    [{ eventBridge: { eventBusArn, source: 'aws.ec2', ...KEYS } }, 'eventBridge.source'],
    [{ eventBridge: { eventBusArn, source: 'two words', ...KEYS } }, 'eventBridge.source'],
    [{ eventBridge: { eventBusArn } }, 'eventBridge.accessKeyId'],
    [{ eventBridge: { eventBusArn, endpoint: 'https://10.0.0.1/', ...KEYS } }, 'eventBridge.endpoint'],
    [{ eventBridge: { eventBusArn, ...KEYS }, contentType: 'XML' }, 'contentType'],
    [{ eventBridge: { eventBusArn, ...KEYS }, headers: [{ name: 'X-Key', value: 'v' }] }, 'headers'],
    [{ eventBridge: { eventBusArn, ...KEYS }, phase: 'BEFORE' }, 'eventBridge'],
  ])('%j is refused at %s', async (input, field) => {
    const topic = { key: 'thing/created' };
    const { subscription, problems } = await createSubscription(world.webhooks.engine, OWNER, { topic, ...input });
    expect(subscription).toBeNull();
    expect(problems.map((problem) => problem.field)).toEqual([field]);
  });
});
