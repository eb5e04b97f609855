// Tests how the console's form becomes the API's input, and where the API's mistakes are shown.
import { describe, expect, it } from 'vitest';
import { type Draft, EMPTY } from '../../src/console/pages/form/draft.js';
import { inputOf, wrongNumbers } from '../../src/console/pages/form/input.js';
import { byField } from '../../src/console/pages/form/mistakes.js';
import { draftOf, type Saved } from '../../src/console/pages/form/saved.js';

const all = () => true;
const SAVED: Saved = {
  id: 'id',
  version: 3,
  name: 'orders',
  description: null,
  topic: { id: 'topic', key: 'order/created' },
  contentType: 'JSON',
  callbackUrl: 'https://example.org/hook',
  hasSharedSecret: true,
  query: '{ a }',
  validationTemplate: null,
  template: null,
  errorTemplate: null,
  disabled: false,
  auth: { kind: 'BASIC', scheme: 'basic', tokenUrl: null, clientId: null, scope: null, audience: null, clientAuthentication: null },
  headers: [{ name: 'X-One' }],
  signatures: ['SCOPE'],
  phase: 'AFTER',
  onFailure: null,
  timeoutMs: null,
  coalescing: 'TRANSACTION',
  ordering: 'NONE',
  numbered: false,
  skipUnread: false,
  relatedChanges: false,
  retry: { maxTries: 3, maxTimeMs: 7_200_000 },
  rateLimit: null,
  recording: { bodies: true, maskedPaths: [] },
};
const before = draftOf(SAVED);
const changed = (change: Partial<Draft>, from = before) => inputOf({ ...from, ...change }, from, all);

describe('the input of a save', () => {
  it('has only what is filled in for a new subscription', () => {
    const draft: Draft = { ...EMPTY, name: 'n', topic: 't', callbackUrl: 'https://example.org/' };
    expect(inputOf(draft, null, all)).toMatchObject({
      name: 'n',
      topic: { id: 't' },
      callbackUrl: 'https://example.org/',
      disabled: false,
    });
    expect(inputOf(draft, null, all)).not.toHaveProperty('sharedSecret');
    expect(inputOf(draft, null, all)).not.toHaveProperty('retry');
  });

  it('has nothing when nothing changed, for every kind of destination', () => {
    expect(changed({})).toEqual({});
    for (const destination of ['sns', 'sqs', 'eventBridge'] as const) {
      const other = draftOf({ ...SAVED, callbackUrl: null, [destination]: { topicArn: 'arn', managed: false, externalId: 'x' } });
      expect(changed({}, other)).toEqual({});
    }
    const managed = draftOf({ ...SAVED, callbackUrl: null, sns: { managed: true, subscriberPrincipal: '1', topicArn: 'made' } });
    expect(managed.destination).toBe('MANAGED_SNS');
    expect(changed({}, managed)).toEqual({});
  });

  it('has what changed, and null for what was emptied', () => {
    expect(changed({ query: '', name: 'other' })).toEqual({ query: null, name: 'other' });
    expect(changed({ enabled: false })).toEqual({ disabled: true });
    expect(changed({ retry: { maxTries: '3', maxTime: '', unit: 'HOURS' } })).toEqual({ retry: { maxTries: 3, maxTimeMs: null } });
    expect(changed({ retry: EMPTY.retry })).toEqual({ retry: null });
  });

  it('keeps secrets that stay blank, and sets those that are typed', () => {
    expect(changed({ secret: { mode: 'SET', value: 'new' } })).toEqual({ sharedSecret: 'new' });
    expect(changed({ secret: { mode: 'NONE', value: '' } })).toEqual({ sharedSecret: null });
    const { auth } = changed({ auth: { ...before.auth, password: 'new' } }) as { auth: { basic: object } };
    expect(JSON.parse(JSON.stringify(auth.basic))).toEqual({ password: 'new', scheme: 'basic' });
    const { headers } = changed({ headers: [...before.headers, { name: 'X-Two', value: '2' }] });
    expect(JSON.parse(JSON.stringify(headers))).toEqual([{ name: 'X-One' }, { name: 'X-Two', value: '2' }]);
  });

  it('sends a destination of another kind with its own fields alone', () => {
    expect(changed({ destination: 'SQS', sqs: { queueArn: ' arn:aws:sqs:r:1:q ' } })).toEqual({ sqs: { queueArn: 'arn:aws:sqs:r:1:q' } });
    const sns = { topicArn: 'left over', subscriberPrincipal: '123456789012', fifo: true };
    expect(changed({ destination: 'MANAGED_SNS', sns }).sns).toEqual({ managed: true, subscriberPrincipal: '123456789012', fifo: true });
    expect(changed({ destination: 'SNS', sns }).sns).toEqual({ managed: false, topicArn: 'left over' });
  });

  it('sends before-hook fields in the phase BEFORE alone, and nothing that the API lacks', () => {
    expect(changed({ phase: 'BEFORE', timeoutMs: '500' })).toEqual({ phase: 'BEFORE', onFailure: 'ALLOW', timeoutMs: 500 });
    expect(changed({ onFailure: 'REFUSE' })).toEqual({});
    const lacks = (name: string) => name !== 'environmentIds';
    expect(inputOf({ ...before, environmentIds: ['e'] }, before, lacks)).toEqual({});
  });

  it('finds texts that are no numbers', () => {
    expect(wrongNumbers({ ...EMPTY, timeoutMs: '1 s', rateLimit: { perSecond: '0.5', concurrency: 'x' } })).toEqual([
      'timeoutMs',
      'rateLimit.concurrency',
    ]);
  });

  it('shows a time in its largest whole unit', () => {
    expect(before.retry).toEqual({ maxTries: '3', maxTime: '2', unit: 'HOURS' });
    expect(draftOf({ ...SAVED, retry: { maxTries: null, maxTimeMs: 90_000 } }).retry).toEqual({
      maxTries: '',
      maxTime: '90',
      unit: 'SECONDS',
    });
  });
});

describe('the field of a mistake', () => {
  const mistake = (path: string[]) => ({ path, message: "can't be blank", fullMessage: "X can't be blank", type: 'BLANK', place: null });
  it.each([
    [['webhookSubscription', 'callbackUrl'], 'callbackUrl'],
    [['input', 'webhookSubscription', 'sharedSecret'], 'secret'],
    [['webhookSubscription', 'auth', 'token', 'token'], 'auth.token'],
    [['webhookSubscription', 'auth', 'basic'], 'auth.kind'],
    [['webhookSubscription', 'sns', 'topicArn'], 'sns.topicArn'],
    [['webhookSubscription', 'sns', 'managed'], 'destination'],
    [['webhookSubscription', 'retry', 'maxTimeMs'], 'retry.maxTime'],
    [['webhookSubscription', 'headers', '0', 'name'], 'headers'],
    [['webhookSubscription', 'topic', 'key'], 'topic'],
    [['webhookSubscription', 'disabled'], 'enabled'],
    [['webhookSubscription'], ''],
    [['nodeId'], ''],
  ])('at %j is %j', (path, field) => {
    expect([...byField([mistake(path)], EMPTY).keys()]).toEqual([field]);
  });
});
