import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { topicArnOf } from '../../../../src/webhooks/destinations/sns/definition.js';
import { settleTopics } from '../../../../src/webhooks/destinations/sns/managed-sns-topics.js';
import { createSubscription, deleteSubscription, type SubscriptionInput, subscriptionsByIds } from '../../../../src/webhooks/index.js';
import { recorded, recordedText } from '../../../support/attempts.js';
import { ACCOUNT, type Aws, answerError, KEYS, REGION, ROLE } from '../../../support/aws.js';
import { INSTALLATION, startAwsWorld } from '../../../support/aws-world.js';
import { moveDeliveries } from '../../../support/engine-rows.js';
import { OWNER } from '../../../support/engine-world.js';
import { until } from '../../../support/until.js';

const MANAGED = `arn:aws:sns:${REGION}:${ACCOUNT}`;
const PRINCIPAL = 'arn:aws:iam::111122223333:root';

const sns = { accounts: [] as string[], managedTopics: MANAGED as string | null };
const started = await startAwsWorld({ sns });
const { aws, world, attempts, save, off, actions, stateOf } = started;
afterAll(started.close);
beforeEach(async () => {
  await started.reset();
  sns.accounts = [`${ACCOUNT}:${OWNER.tenant}`];
});

describe('a message', () => {
  it('tells topic, event, delivery and node in its attributes, and is recorded with its parameters and its id', async () => {
    const { topicArn, queueUrl } = await aws.topicWithQueue('plain');
    const id = await world.subscribe({ sns: { topicArn, endpoint: aws.endpoint, ...KEYS }, template: '{"event_type": "thing.created"}' });
    await world.insertThings('one');
    const [message] = await aws.receive(queueUrl, 1);
    const [attempt] = await attempts(id, 1);
    const told = Object.fromEntries(Object.entries(message?.MessageAttributes ?? {}).map(([name, { StringValue }]) => [name, StringValue]));
    expect(told).toEqual({
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
    expect(message?.Body).toBe('{"event_type": "thing.created"}');
    expect((await recorded(world.db.pool, 'a.subscription_id = $1', id))[0]).toMatchObject({
      request: {
        url: topicArn,
        headers: { 'MessageAttributes.event': 'created', 'MessageAttributes.delivery_id': attempt?.deliveryId },
      },
      response: { status: 200, body: expect.stringMatching(/^\{"MessageId":"[\w-]+"\}$/) },
    });
    await off(id);
  });

  it('to a FIFO topic belongs to the group of its node and is taken once', async () => {
    const { topicArn, queueUrl } = await aws.topicWithQueue('ordered.fifo');
    const id = await world.subscribe({ sns: { topicArn, endpoint: aws.endpoint, ...KEYS } });
    await world.insertThings('a', 'b');
    const messages = await aws.receive(queueUrl, 2);
    const told = messages.map(({ Attributes, MessageAttributes }) => ({
      group: Attributes?.MessageGroupId,
      once: Attributes?.MessageDeduplicationId,
      node: MessageAttributes?.node_id?.StringValue,
      delivery: MessageAttributes?.delivery_id?.StringValue,
    }));
    for (const { group, once, node, delivery } of told) expect([group, once]).toEqual([node, delivery]);
    expect(new Set(told.map(({ group }) => group)).size).toBe(2);
    await attempts(id, 2);
    // SNS deduplicates a second send within five minutes, as after a kill.
    await moveDeliveries(world.db.pool, id, 'RETRYING');
    await attempts(id, 4);
    await world.insertThings('c');
    expect((await aws.receive(queueUrl, 1)).map(({ Attributes }) => Attributes?.MessageDeduplicationId)).not.toEqual(
      expect.arrayContaining(told.map(({ once }) => once)),
    );
    await off(id);
  });

  it('that is larger than SNS takes is held, says so, and goes on when its template writes less', async () => {
    const { topicArn, queueUrl } = await aws.topicWithQueue('large');
    const id = await world.subscribe({ sns: { topicArn, endpoint: aws.endpoint, ...KEYS } });
    await world.insertThings('x'.repeat(262_144));
    const [attempt] = await attempts(id, 1);
    expect(attempt).toMatchObject({
      outcome: 'HELD',
      stage: 'TEMPLATE',
      message: expect.stringMatching(/has 262\d{3} bytes.*accepts at most 262144/),
    });
    expect(await stateOf(id)).toMatchObject([{ state: 'HELD', reason: 'NODE' }]);
    expect(aws.asked).toEqual([]);
    await save(id, { template: '{"a": 1}' });
    expect((await aws.receive(queueUrl, 1)).map(({ Body }) => Body)).toEqual(['{"a": 1}']);
    await off(id);
  });

  it.each([
    [403, 'AuthorizationError', 'User is not authorized to perform: SNS:Publish'],
    [400, 'Throttling', 'Rate exceeded'],
    [404, 'NotFound', 'Topic does not exist'],
    [500, 'InternalFailure', 'Try later'],
  ])('that is answered with %s %s fails with what AWS says, and is tried again', async (status, code, message) => {
    aws.answer = (response) => answerError(response, status, code, message);
    const id = await world.subscribe({ sns: { topicArn: `${MANAGED}:some`, endpoint: aws.endpoint, ...KEYS } });
    await world.insertThings('one');
    const [attempt] = await attempts(id, 1);
    expect(attempt).toMatchObject({ outcome: 'FAILED', stage: 'STATUS', status });
    expect(attempt?.message).toMatch(new RegExp(`^The receiver answered with status ${status}: ${code}\\w*: ${message}\\.$`));
    expect(await stateOf(id)).toMatchObject([{ state: 'RETRYING' }]);
    // The SDK doesn't retry, because our own schedule decides when the next attempt is.
    expect(actions()).toEqual(['Publish']);
    await off(id);
  });
});

describe('credentials', () => {
  it('are recorded nowhere, though an endpoint repeats them', async () => {
    aws.answer = (response) => answerError(response, 403, 'Denied', `no: ${KEYS.accessKeyId} ${KEYS.secretAccessKey}`);
    const id = await world.subscribe({ sns: { topicArn: `${MANAGED}:some`, endpoint: aws.endpoint, ...KEYS } });
    await world.insertThings('one');
    expect((await attempts(id, 1))[0]?.message).toBe('The receiver answered with status 403: Denied: no: [redacted] [redacted].');
    const text = await recordedText(world.db.pool, id);
    for (const secret of Object.values(KEYS)) expect(text).not.toContain(secret);
    await off(id);
  });

  it('of the installation publish to the accounts that it is allowed for this tenant, and to no others', async () => {
    const { topicArn, queueUrl } = await aws.topicWithQueue('chain');
    const id = await world.subscribe({ sns: { topicArn } });
    await world.insertThings('one');
    expect(await aws.receive(queueUrl, 1)).toHaveLength(1);
    expect(actions(INSTALLATION.AWS_ACCESS_KEY_ID)).toEqual(['Publish']);
    // Simulates that the account was allowed when the subscription was saved, but no longer is.
    sns.accounts = [`${ACCOUNT}:another`];
    await world.insertThings('two');
    expect((await attempts(id, 2)).at(-1)).toMatchObject({
      outcome: 'FAILED',
      stage: 'ADDRESS',
      message: expect.stringContaining('HOOKGRAPH_SNS_ACCOUNTS'),
    });
    expect(actions(INSTALLATION.AWS_ACCESS_KEY_ID)).toEqual(['Publish']);
    await expect(world.subscribe({ sns: { topicArn } })).rejects.toThrow(`may not be used for the account ${ACCOUNT}`);
    await off(id);
  });

  it.each(['its own keys', "the installation's"])('of a role are assumed once with %s, under the tenant as external id', async (whose) => {
    const own = whose === 'its own keys';
    const { topicArn, queueUrl } = await aws.topicWithQueue(own ? 'role-1' : 'role-2');
    const id = await world.subscribe({ sns: { topicArn, roleArn: ROLE, ...(own && { endpoint: aws.endpoint, ...KEYS }) } });
    await world.insertThings('one', 'two', 'three');
    expect(await aws.receive(queueUrl, 3)).toHaveLength(3);
    expect(actions(own ? KEYS.accessKeyId : INSTALLATION.AWS_ACCESS_KEY_ID)).toEqual(['AssumeRole']);
    expect(aws.asked.find(({ action }) => action === 'AssumeRole')?.parameters.get('ExternalId')).toBe(OWNER.tenant);
    expect(actions('ASIAASSUMEDASSUMED01')).toEqual(['Publish', 'Publish', 'Publish']);
    await off(id);
  });

  it('of a role that may not be assumed fail at AUTH, with what AWS says', async () => {
    const roleArn = `arn:aws:iam::${ACCOUNT}:role/of-somebody-else`;
    const id = await world.subscribe({ sns: { topicArn: `${MANAGED}:some`, roleArn } });
    await world.insertThings('one');
    expect((await attempts(id, 1))[0]).toMatchObject({
      outcome: 'FAILED',
      stage: 'AUTH',
      message: expect.stringMatching(
        /^The role arn:aws:iam::\d+:role\/of-somebody-else could not be assumed: AccessDenied\w*: not authorized/,
      ),
    });
    expect(actions()).not.toContain('Publish');
    await off(id);
  });
});

describe('a mistake', () => {
  const topicArn = `${MANAGED}:name`;
  it.each<[SubscriptionInput, string]>([
    [{ sns: {} }, 'sns.topicArn'],
    [{ sns: { topicArn: 'arn:aws:sqs:eu-central-1:000000000000:queue', ...KEYS } }, 'sns.topicArn'],
    [{ sns: { topicArn, region: 'us-east-1', ...KEYS } }, 'sns.region'],
    [{ sns: { topicArn, accessKeyId: KEYS.accessKeyId } }, 'sns.secretAccessKey'],
    [{ sns: { topicArn, accessKeyId: 'short', secretAccessKey: 's' } }, 'sns.accessKeyId'],
    [{ sns: { topicArn, roleArn: 'arn:aws:iam::000000000000:user/me', ...KEYS } }, 'sns.roleArn'],
    [{ sns: { topicArn, endpoint: 'https://8.8.8.8/' } }, 'sns.endpoint'],
    [{ sns: { topicArn, endpoint: 'https://10.0.0.1/', ...KEYS } }, 'sns.endpoint'],
    [{ sns: { topicArn: 'arn:aws:sns:eu-central-1:999999999999:name' } }, 'sns.accessKeyId'],
    [{ sns: { topicArn: `${MANAGED}:hookgraph-00000000-0000-0000-0000-000000000000` } }, 'sns.topicArn'],
    [{ sns: { topicArn, fifo: true, ...KEYS } }, 'sns.fifo'],
    [{ sns: { managed: true } }, 'sns.subscriberPrincipal'],
    [{ sns: { managed: true, subscriberPrincipal: '*' } }, 'sns.subscriberPrincipal'],
    [{ sns: { managed: true, subscriberPrincipal: PRINCIPAL, topicArn } }, 'sns.topicArn'],
    [{ sns: { topicArn, ...KEYS }, auth: { token: { token: 't' } } }, 'auth'],
    [{ sns: { topicArn, ...KEYS }, headers: [{ name: 'X-Key', value: 'v' }] }, 'headers'],
    [{ sns: { topicArn, ...KEYS }, sharedSecret: 'hush' }, 'sharedSecret'],
  ])('%j is refused at %s', async (input, field) => {
    const { subscription, problems } = await createSubscription(world.webhooks.engine, OWNER, {
      topic: { key: 'thing/created' },
      ...input,
    });
    expect(subscription).toBeNull();
    expect(problems.map((problem) => problem.field)).toEqual([field]);
    expect(JSON.stringify(problems)).not.toContain(KEYS.secretAccessKey);
  });
});

describe('a managed topic', () => {
  const arnOf = async (id: string) => {
    const subscription = (await subscriptionsByIds(world.db.pool, OWNER, [id])).get(id);
    return subscription?.definition.sns ? topicArnOf(subscription.definition.sns, id) : '';
  };
  const policyOf = async (arn: string) => JSON.parse((await aws.attributesOf(arn))?.Policy ?? '{}');

  it.each([false, true])('is made with the subscription (FIFO: %s), opened to its principal, and deleted with it', async (fifo) => {
    const id = await world.subscribe({ sns: { managed: true, subscriberPrincipal: PRINCIPAL, fifo } });
    const arn = await arnOf(id);
    expect(arn).toBe(`${MANAGED}:hookgraph-${id}${fifo ? '.fifo' : ''}`);
    const [statement] = (await policyOf(arn)).Statement;
    expect(statement).toMatchObject({ Effect: 'Allow', Principal: { AWS: PRINCIPAL }, Action: 'sns:Subscribe', Resource: arn });
    const queueUrl = await aws.subscribeQueue(arn, `reader-${fifo}${fifo ? '.fifo' : ''}`);
    await world.insertThings('one');
    expect(await aws.receive(queueUrl, 1)).toHaveLength(1);
    await save(id, { sns: { subscriberPrincipal: '111122223333' } });
    expect((await policyOf(arn)).Statement[0].Principal).toEqual({ AWS: '111122223333' });
    expect((await deleteSubscription(world.webhooks.engine, OWNER, id)).problems).toEqual([]);
    expect(await aws.attributesOf(arn)).toBeNull();
    expect((await world.db.pool.query('SELECT 1 FROM hookgraph.managed_topics WHERE subscription_id = $1', [id])).rows).toEqual([]);
  });

  it('goes when another destination takes its place', async () => {
    const id = await world.subscribe({ sns: { managed: true, subscriberPrincipal: PRINCIPAL } });
    const arn = await arnOf(id);
    await save(id, { callbackUrl: world.receiver.url });
    expect(await aws.attributesOf(arn)).toBeNull();
    await off(id);
  });

  it('that could not be made or deleted at once is told of, and made or deleted later', async () => {
    const refuse: Aws['answer'] = (response) => answerError(response, 500, 'InternalFailure', 'Try later');
    const due = (id: string) => world.db.pool.query('UPDATE hookgraph.managed_topics SET due_at = now() WHERE subscription_id = $1', [id]);
    aws.answer = refuse;
    const created = await createSubscription(world.webhooks.engine, OWNER, {
      topic: { key: 'thing/created' },
      sns: { managed: true, subscriberPrincipal: PRINCIPAL },
    });
    expect(created.problems).toMatchObject([
      { field: 'sns', severity: 'warning', message: expect.stringMatching(/Creating the topic failed.*Try later/) },
    ]);
    const id = created.subscription?.id as string;
    const arn = await arnOf(id);
    expect(await aws.attributesOf(arn)).toBeNull();
    aws.answer = null;
    // Simulates a kill: only the database row remembers the topic.
    await due(id);
    await until('the worker made it', async () => (await aws.attributesOf(arn)) !== null);
    const settled = `SELECT 1 FROM hookgraph.managed_topics WHERE arn = $1 AND NOT pending`;
    await until('it says so', async () => (await world.db.pool.query(settled, [arn])).rowCount);

    aws.answer = refuse;
    const deleted = await deleteSubscription(world.webhooks.engine, OWNER, id);
    expect(deleted.problems).toMatchObject([{ severity: 'warning', message: expect.stringContaining('Deleting the topic failed') }]);
    aws.answer = null;
    await due(id);
    expect(await settleTopics(world.webhooks.engine, id)).toEqual([]);
    await until('it is gone', async () => (await aws.attributesOf(arn)) === null);
  });

  it('is offered only where the installation says where', async () => {
    sns.managedTopics = null;
    await expect(world.subscribe({ sns: { managed: true, subscriberPrincipal: PRINCIPAL } })).rejects.toThrow('HOOKGRAPH_SNS_MANAGED');
    sns.managedTopics = MANAGED;
  });
});
