import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { createSubscription, type SubscriptionInput } from '../../../../src/webhooks/index.js';
import { recorded, recordedText } from '../../../support/attempts.js';
import { ACCOUNT, answerJsonError, KEYS, REGION, ROLE } from '../../../support/aws.js';
import { INSTALLATION, startAwsWorld } from '../../../support/aws-world.js';
import { moveDeliveries } from '../../../support/engine-rows.js';
import { OWNER } from '../../../support/engine-world.js';

const SOME_QUEUE = `arn:aws:sqs:${REGION}:${ACCOUNT}:some`;

const sqs = { accounts: [] as string[] };
const started = await startAwsWorld({ sqs });
const { aws, world, attempts, save, off, actions, stateOf } = started;
afterAll(started.close);
beforeEach(async () => {
  await started.reset();
  sqs.accounts = [`${ACCOUNT}:${OWNER.tenant}`];
});

describe('a message', () => {
  it('is the body, names topic, event, delivery and node in its attributes, and is recorded with its id', async () => {
    const { queueArn, queueUrl } = await aws.queue('plain');
    const id = await world.subscribe({ sqs: { queueArn, endpoint: aws.endpoint, ...KEYS }, template: '{"event_type": "thing.created"}' });
    await world.insertThings('one');
    const [message] = await aws.receive(queueUrl, 1);
    const [attempt] = await attempts(id, 1);
    const attributes = Object.entries(message?.MessageAttributes ?? {}).map(([name, { StringValue }]) => [name, StringValue]);
    expect(Object.fromEntries(attributes)).toEqual({
      topic: 'thing/created',
      topic_version: expect.any(String),
      event: 'created',
      event_id: expect.stringMatching(/^\d+$/),
      delivery_id: attempt?.deliveryId,
      subscription_id: id,
      node_id: expect.any(String),
      node_type: 'Thing',
      content_type: 'application/json',
    });
    // SQS accepts at most ten attributes.
    expect(attributes.length).toBeLessThanOrEqual(10);
    expect(message?.Body).toBe('{"event_type": "thing.created"}');
    expect((await recorded(world.db.pool, 'a.subscription_id = $1', id))[0]).toMatchObject({
      request: {
        url: queueArn,
        headers: { 'MessageAttributes.event': 'created', 'MessageAttributes.delivery_id': attempt?.deliveryId },
      },
      response: { status: 200, body: expect.stringContaining('"MessageId"') },
    });
    await off(id);
  });

  it('to a FIFO queue belongs to the group of its node and is taken once', async () => {
    const { queueArn, queueUrl } = await aws.queue('ordered.fifo');
    const id = await world.subscribe({ sqs: { queueArn, endpoint: aws.endpoint, ...KEYS } });
    await world.insertThings('a', 'b');
    const messages = await aws.receive(queueUrl, 2);
    const ids = messages.map(({ Attributes, MessageAttributes }) => ({
      group: Attributes?.MessageGroupId,
      deduplication: Attributes?.MessageDeduplicationId,
      node: MessageAttributes?.node_id?.StringValue,
      delivery: MessageAttributes?.delivery_id?.StringValue,
    }));
    for (const { group, deduplication, node, delivery } of ids) expect([group, deduplication]).toEqual([node, delivery]);
    expect(new Set(ids.map(({ group }) => group)).size).toBe(2);
    await attempts(id, 2);
    // SQS deduplicates a second send within five minutes, as after a kill.
    await moveDeliveries(world.db.pool, id, 'RETRYING');
    await attempts(id, 4);
    await world.insertThings('c');
    const [next] = await aws.receive(queueUrl, 1);
    expect(ids.map(({ deduplication }) => deduplication)).not.toContain(next?.Attributes?.MessageDeduplicationId);
    await off(id);
  });

  it.each([
    ['is larger than SQS takes', 'é'.repeat(530_000), /has 106\d{4} bytes.*accepts at most 1048576/],
    ['has a character that SQS rejects', '"\ufffe"', /the character U\+FFFE/],
  ])('that %s is held, says so, and goes on when its template writes another', async (_what, body, message) => {
    const { queueArn, queueUrl } = await aws.queue(`held-${body.length}`);
    const isLong = body.length > 1000;
    const template = isLong ? null : `{% if data %}${body}{% endif %}`;
    const id = await world.subscribe({ sqs: { queueArn, endpoint: aws.endpoint, ...KEYS }, template });
    await world.insertThings(isLong ? body : 'one');
    expect((await attempts(id, 1))[0]).toMatchObject({ outcome: 'HELD', stage: 'TEMPLATE', message: expect.stringMatching(message) });
    expect(await stateOf(id)).toMatchObject([{ state: 'HELD', reason: 'NODE' }]);
    expect(aws.asked).toEqual([]);
    await save(id, { template: '<a/>', contentType: 'XML' });
    expect((await aws.receive(queueUrl, 1)).map(({ Body }) => Body)).toEqual(['<a/>']);
    await off(id);
  });

  it.each([
    [403, 'AccessDenied', 'not authorized to perform: sqs:sendmessage', /Allow `sqs:SendMessage` on the queue/],
    [400, 'QueueDoesNotExist', 'The specified queue does not exist.', /There is no such queue in this account and region/],
    [500, 'InternalFailure', 'Try later', /InternalFailure: Try later\.$/],
  ])('that is answered with %s %s fails with what AWS says and what helps, and is tried again', async (status, code, message, help) => {
    aws.answer = (response) => answerJsonError(response, status, code, message);
    const id = await world.subscribe({ sqs: { queueArn: SOME_QUEUE, endpoint: aws.endpoint, ...KEYS } });
    await world.insertThings('one');
    const [attempt] = await attempts(id, 1);
    expect(attempt).toMatchObject({ outcome: 'FAILED', stage: 'STATUS', status, message: expect.stringContaining(code) });
    expect(attempt?.message).toMatch(help);
    expect(await stateOf(id)).toMatchObject([{ state: 'RETRYING' }]);
    // The SDK doesn't retry, because our own schedule decides when the next attempt is.
    expect(actions()).toEqual(['SendMessage']);
    await off(id);
  });

  it('that is throttled slows the subscription down', async () => {
    aws.answer = (response) => answerJsonError(response, 400, 'RequestThrottled', 'Request is throttled.');
    const id = await world.subscribe({ sqs: { queueArn: SOME_QUEUE, endpoint: aws.endpoint, ...KEYS } });
    await world.insertThings('one');
    await attempts(id, 1);
    const { rows } = await world.db.pool.query('SELECT state FROM hookgraph.paces WHERE subscription_id = $1', [id]);
    expect(rows).toEqual([{ state: 'SLOWED' }]);
    await off(id);
  });
});

describe('credentials', () => {
  it('are recorded nowhere, though an endpoint repeats them', async () => {
    aws.answer = (response) => answerJsonError(response, 403, 'Denied', `no: ${KEYS.accessKeyId} ${KEYS.secretAccessKey}`);
    const id = await world.subscribe({ sqs: { queueArn: SOME_QUEUE, endpoint: aws.endpoint, ...KEYS } });
    await world.insertThings('one');
    expect((await attempts(id, 1))[0]?.message).toBe('The receiver answered with status 403: Denied: no: [redacted] [redacted].');
    const text = await recordedText(world.db.pool, id);
    for (const secret of Object.values(KEYS)) expect(text).not.toContain(secret);
    await off(id);
  });

  it('of the installation send to the accounts that it is allowed for this tenant, and to no others', async () => {
    const { queueArn, queueUrl } = await aws.queue('chain');
    const id = await world.subscribe({ sqs: { queueArn } });
    await world.insertThings('one');
    expect(await aws.receive(queueUrl, 1)).toHaveLength(1);
    expect(actions(INSTALLATION.AWS_ACCESS_KEY_ID)).toEqual(['SendMessage']);
    // Simulates that the account was allowed when the subscription was saved, but no longer is.
    sqs.accounts = [`${ACCOUNT}:another`];
    await world.insertThings('two');
    expect((await attempts(id, 2)).at(-1)).toMatchObject({
      outcome: 'FAILED',
      stage: 'ADDRESS',
      message: expect.stringContaining('HOOKGRAPH_SQS_ACCOUNTS'),
    });
    expect(actions(INSTALLATION.AWS_ACCESS_KEY_ID)).toEqual(['SendMessage']);
    await expect(world.subscribe({ sqs: { queueArn } })).rejects.toThrow(`may not be used for the account ${ACCOUNT}`);
    await off(id);
  });

  it('of a role are assumed under the tenant as external id', async () => {
    const { queueArn, queueUrl } = await aws.queue('role');
    const id = await world.subscribe({ sqs: { queueArn, roleArn: ROLE, endpoint: aws.endpoint, ...KEYS } });
    await world.insertThings('one', 'two');
    expect(await aws.receive(queueUrl, 2)).toHaveLength(2);
    expect(actions(KEYS.accessKeyId)).toEqual(['AssumeRole']);
    expect(aws.asked.find(({ action }) => action === 'AssumeRole')?.parameters.get('ExternalId')).toBe(OWNER.tenant);
    expect(actions('ASIAASSUMEDASSUMED01')).toEqual(['SendMessage', 'SendMessage']);
    await off(id);
  });
});

describe('a mistake', () => {
  const queueArn = SOME_QUEUE;
  it.each<[SubscriptionInput, string]>([
    [{ sqs: {} }, 'sqs.queueArn'],
    [{ sqs: { queueArn: 'https://sqs.eu-central-1.amazonaws.com/000000000000/queue', ...KEYS } }, 'sqs.queueArn'],
    [{ sqs: { queueArn, accessKeyId: KEYS.accessKeyId } }, 'sqs.secretAccessKey'],
    [{ sqs: { queueArn, roleArn: 'arn:aws:iam::000000000000:user/me', ...KEYS } }, 'sqs.roleArn'],
    [{ sqs: { queueArn, endpoint: 'https://8.8.8.8/' } }, 'sqs.endpoint'],
    [{ sqs: { queueArn, endpoint: 'https://10.0.0.1/', ...KEYS } }, 'sqs.endpoint'],
    [{ sqs: { queueArn: `arn:aws:sqs:${REGION}:999999999999:name` } }, 'sqs.accessKeyId'],
    [{ sqs: { queueArn, ...KEYS }, auth: { token: { token: 't' } } }, 'auth'],
    [{ sqs: { queueArn, ...KEYS }, sharedSecret: 'hush' }, 'sharedSecret'],
    [{ sqs: { queueArn, ...KEYS }, phase: 'BEFORE' }, 'sqs'],
  ])('%j is refused at %s', async (input, field) => {
    const topic = { key: 'thing/created' };
    const { subscription, problems } = await createSubscription(world.webhooks.engine, OWNER, { topic, ...input });
    expect(subscription).toBeNull();
    expect(problems.map((problem) => problem.field)).toEqual([field]);
    expect(JSON.stringify(problems)).not.toContain(KEYS.secretAccessKey);
  });
});
