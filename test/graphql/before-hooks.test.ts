// Tests which before-hook settings the API accepts and refuses, and how a before-hook is tested.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type TestApp, testApp } from '../support/app.js';
import { cancel, type Hooks, startHooks } from '../support/hooks.js';

let t: TestApp;
let hooks: Hooks;
beforeAll(async () => {
  t = await testApp({ HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8' });
});
afterAll(() => t.close());
beforeEach(async () => {
  hooks = await startHooks(t);
  return () => hooks.close();
});

describe('a save', () => {
  const save = async (operation: string, webhookSubscription: object) => {
    const { data } = await t.ask(
      `mutation ($s: WebhookSubscriptionInput) { saved: ${operation}WebhookSubscription(webhookSubscription: $s) { errors { field message type }
        webhookSubscription { id version phase onFailure timeoutMs } } }`,
      { s: webhookSubscription },
    );
    return data?.saved;
  };
  const hook = (rest: object) => ({ topic: { key: 'call/created' }, callbackUrl: 'http://127.0.0.1:65001/', phase: 'BEFORE', ...rest });

  it.each([
    ['a lifecycle topic', { topic: { key: 'call/completed' } }, 'phase', "can't be BEFORE for call/completed: only created"],
    ['a topic of subscriptions', { topic: { key: 'webhook_subscription/disabled' } }, 'phase', 'can have before-hooks'],
    ['too long a timeout', { timeoutMs: 10_001 }, 'timeoutMs', 'is 10001; give a number from 100 to 10000'],
    ['too short a timeout', { timeoutMs: 99 }, 'timeoutMs', 'is 99; give a number from 100 to 10000'],
    [
      'an SNS topic',
      {
        callbackUrl: undefined,
        sns: { topicArn: 'arn:aws:sns:eu-west-1:123456789012:things', accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' },
      },
      'sns',
      'can be used only with the phase AFTER',
    ],
    ['limits of trying again', { retry: { maxTries: 3 } }, 'retry', 'can not be used with the phase BEFORE'],
    [
      'a policy of one that is told afterwards',
      { phase: 'AFTER', onFailure: 'REFUSE' },
      'onFailure',
      'can be used only with the phase BEFORE',
    ],
  ])('refuses %s', async (_what, input, field, message) => {
    expect(await save('create', hook(input))).toMatchObject({
      errors: [{ field, message: expect.stringContaining(message) }],
      webhookSubscription: null,
    });
  });

  it('takes the defaults, changes them in a new version, and turns it into an ordinary subscription and back', async () => {
    const { webhookSubscription: made } = await save('create', hook({}));
    expect(made).toMatchObject({ version: 1, phase: 'BEFORE', onFailure: 'ALLOW', timeoutMs: 2_000 });
    const { id } = made;
    const told = async (changes: object) => (await save('update', { id, ...changes })).webhookSubscription;
    expect(await told({ timeoutMs: 500 })).toMatchObject({ version: 2, phase: 'BEFORE', onFailure: 'ALLOW', timeoutMs: 500 });
    expect(await told({ name: 'Same' })).toMatchObject({ version: 2, timeoutMs: 500 });
    expect(await told({ phase: 'AFTER' })).toMatchObject({ version: 3, phase: 'AFTER', onFailure: null, timeoutMs: null });
    expect(await told({ phase: 'BEFORE', onFailure: 'REFUSE' })).toMatchObject({ version: 4, onFailure: 'REFUSE', timeoutMs: 2_000 });
    await save('delete', { id });
  });

  it('takes ten for one topic, and no more', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 10; n++) ids.push((await save('create', hook({}))).webhookSubscription.id);
    expect((await save('create', hook({}))).errors).toMatchObject([
      { field: 'phase', message: "can't be BEFORE: your organization already has 10 before-hooks for call/created" },
    ]);
    expect((await save('update', { id: ids[0], timeoutMs: 300 })).errors).toEqual([]);
    for (const id of ids) await save('delete', { id });
  });

  it('is tried by a test, which tells that it would refuse; a resend of what was asked is refused', async () => {
    const police = await hooks.subscribe({ topic: 'group/created', answer: cancel('Never.') });
    await t.ask('mutation { createGroup(group: { name: "Asked" }) { errors { message } } }');
    const test = await t.ask('mutation ($id: ID) { testWebhookSubscription(id: $id) { errors { message } report { outcome message } } }', {
      id: police.id,
    });
    expect(test.data?.testWebhookSubscription).toEqual({
      errors: [],
      report: { outcome: 'DELIVERED', message: 'The receiver would refuse the write: Never.' },
    });
    const [asked] = (await police.deliveries()).filter(({ kind }) => kind === 'BEFORE');
    expect(asked).toMatchObject({
      state: 'DELIVERED',
      reason: 'REFUSED',
      attempts: [{ stage: null, message: 'The receiver refused the write: Never.' }],
    });
    const replay = await t.ask('mutation ($id: ID) { replayWebhookEvents(webhookSubscriptionId: $id) { errors { message } } }', {
      id: police.id,
    });
    expect(replay.data?.replayWebhookEvents.errors).toMatchObject([
      { message: 'a before-hook receives no events, so there is nothing to replay' },
    ]);
    const why = await t.ask('query ($id: ID!) { webhookWhyNot(webhookSubscriptionId: $id) { conclusion } }', { id: police.id });
    expect(why.data?.webhookWhyNot.conclusion).toMatch(/^The subscription is a before-hook/);
    const again = await t.ask('mutation ($id: ID) { resendWebhookDelivery(id: $id) { errors { message } } }', { id: asked.id });
    expect(again.data?.resendWebhookDelivery.errors).toMatchObject([
      { message: 'a before-hook can not be called again: the write was already decided' },
    ]);
  });

  it('keeps what a receiver says out of its record where bodies are not recorded, and tells the writer', async () => {
    const quiet = await hooks.subscribe({ topic: 'group/created', answer: cancel('Rosa is on the list.'), recording: { bodies: false } });
    const { data } = await t.ask('mutation { createGroup(group: { name: "Quiet" }) { errors { message } } }');
    expect(data?.createGroup.errors).toMatchObject([{ message: expect.stringContaining('Rosa is on the list.') }]);
    const [told] = await quiet.deliveries();
    expect(told.attempts).toMatchObject([
      { message: 'The receiver refused the write; the reason is not recorded.', response: { body: null } },
    ]);
  });
});
