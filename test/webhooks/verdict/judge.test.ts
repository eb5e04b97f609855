import { describe, expect, it } from 'vitest';
import { type Answer, type Circumstances, judge } from '../../../src/webhooks/verdict/judge.js';
import type { Proof } from '../../../src/webhooks/verdict/refusal-advice.js';

const about = (attemptCount = 0, ageMs = 0): Circumstances => ({
  attemptCount,
  ageMs,
  nowMs: Date.parse('2026-11-22T12:00:00Z'),
  random: 0,
});
const reply = (status: number, body = '', headers: Record<string, string> = {}): Answer => ({ kind: 'REPLY', status, headers, body });

describe('judge', () => {
  it.each([200, 201, 204, 299])('takes %i as delivered', (status) => {
    expect(judge(reply(status), '', null, about())).toEqual({
      outcome: 'DELIVERED',
      stage: null,
      message: null,
      retryMs: null,
      disable: null,
    });
  });

  it.each([
    [
      401,
      { sharedSecret: 'geheim' },
      /^The receiver answered with status 401\. The request was signed with SCOPE and SERVO: does the receiver/,
    ],
    [403, { sharedSecret: 'geheim' }, /^The receiver answered with status 403\. The request was signed/],
    [401, {}, /^The receiver answered with status 401\. The request was not signed, because the subscription has no shared secret\./],
    [401, { auth: true }, /^The receiver answered with status 401\. Check the credentials of `auth`\.$/],
    [401, { auth: true, sharedSecret: 'geheim' }, /401\. Check the credentials of `auth`\. The request was signed/],
    [404, {}, /^The receiver answered with status 404\.$/],
    [401, { destination: 'sqs' }, /^The receiver answered with status 401\.$/],
  ])('advises what to check after %i to a request with %o, and never tells the secret', (status, given, message) => {
    const { sharedSecret = null, auth = false, destination = 'callbackUrl' } = given as Record<string, never>;
    const proof = { sharedSecret, auth: auth ? { kind: 'BASIC' } : null, destination: { field: destination, access: null } };
    const verdict = judge(reply(status), '', null, about(), { ...proof, signatures: ['SCOPE', 'SERVO'] } as unknown as Proof);
    expect(verdict).toMatchObject({ outcome: 'FAILED', stage: 'STATUS', message: expect.stringMatching(message) });
    expect(verdict.message).not.toContain('geheim');
  });

  it.each([301, 302, 304, 400, 404, 500, 599])('takes %i as a failure at the stage STATUS', (status) => {
    expect(judge(reply(status), '', null, about())).toMatchObject({ outcome: 'FAILED', stage: 'STATUS', retryMs: 15_000, disable: null });
  });

  it('keeps the stage of an exchange without a reply', () => {
    const answer: Answer = { kind: 'NO_REPLY', stage: 'TIMEOUT', message: 'No complete answer within 5 seconds.' };
    expect(judge(answer, '', null, about())).toMatchObject({ outcome: 'FAILED', stage: 'TIMEOUT', message: answer.message });
  });

  it('takes a 2xx whose body broke off as delivered, with a note, and as failed at ANSWER where an error template wants the body', () => {
    const cut: Answer = { ...(reply(200, 'ab') as Extract<Answer, { kind: 'REPLY' }>), flaw: 'It broke off.' };
    expect(judge(cut, '', null, about())).toMatchObject({ outcome: 'DELIVERED', stage: null, message: 'It broke off.' });
    expect(judge(cut, 'Status 200. It broke off.', null, about())).toMatchObject({ outcome: 'FAILED', stage: 'ANSWER' });
    expect(judge({ ...cut, status: 500 }, '', null, about())).toMatchObject({
      stage: 'STATUS',
      message: 'The receiver answered with status 500. It broke off.',
    });
  });

  it('retries at once, and once only, where a kept connection broke, and never counts that as an error', () => {
    const answer: Answer = { kind: 'NO_REPLY', stage: 'CONNECT', message: 'broken', unanswered: true };
    expect(judge(answer, '', null, about())).toMatchObject({ outcome: 'FAILED', retryMs: 0, uncounted: true });
    expect(judge(answer, '', null, about(1))).toMatchObject({ retryMs: 16_000, uncounted: true });
  });

  it('tries again where the first connection broke, even if the subscription allows one attempt or too little time', () => {
    const answer: Answer = { kind: 'NO_REPLY', stage: 'CONNECT', message: 'broken', unanswered: true };
    for (const retry of [
      { maxTries: 1, maxTimeMs: null },
      { maxTries: null, maxTimeMs: 1_000 },
    ]) {
      expect(judge(answer, '', retry, about(0, 5_000))).toMatchObject({ retryMs: 0, uncounted: true });
      expect(judge(answer, '', { ...retry, maxTries: 1 }, about(1, 5_000))).toMatchObject({ retryMs: null });
    }
  });

  it('fails a 2xx by what the error template read out of it, and says so beside another status', () => {
    expect(judge(reply(200), 'no (abc, 200)', null, about())).toMatchObject({
      outcome: 'FAILED',
      stage: 'ERROR_TEMPLATE',
      message: 'no (abc, 200)',
    });
    expect(judge(reply(500), 'no', null, about())).toMatchObject({ stage: 'STATUS', message: 'The receiver answered with status 500. no' });
  });

  it('retries 25 times, then fails the delivery and switches the subscription off', () => {
    expect(judge(reply(500), '', null, about(24)).retryMs).toBe((24 ** 4 + 15) * 1000);
    expect(judge(reply(500), '', null, about(25))).toMatchObject({ retryMs: null, disable: 'RETRIES_EXHAUSTED' });
  });

  it('only fails the delivery where the subscription has a retry of its own', () => {
    expect(judge(reply(500), '', { maxTries: 3, maxTimeMs: null }, about(1)).retryMs).toBe(16_000);
    expect(judge(reply(500), '', { maxTries: 3, maxTimeMs: null }, about(2))).toMatchObject({ retryMs: null, disable: null });
    expect(judge(reply(500), '', { maxTries: null, maxTimeMs: 60_000 }, about(0, 50_000))).toMatchObject({
      retryMs: null,
      disable: null,
    });
  });

  it.each<[string, Answer, number | undefined]>([
    ['a 429', reply(429), 5_000],
    ['a 503 with a time', reply(503, '', { 'retry-after': '7' }), 7_000],
    ['a 503 with a time that nobody can read', reply(503, '', { 'retry-after': 'in a minute' }), 5_000],
    ['a 503 with a time in the past', reply(503, '', { 'retry-after': '-1' }), 0],
    ['a 503 without a time', reply(503, '', { 'retry-after': ' ' }), undefined],
    ['a token endpoint', { kind: 'NO_REPLY', stage: 'AUTH', message: 'Busy.', slowDown: { retryAfter: '9' } }, 9_000],
    ['a token endpoint without a time', { kind: 'NO_REPLY', stage: 'AUTH', message: 'Busy.', slowDown: {} }, 5_000],
    ['a token endpoint that fails', { kind: 'NO_REPLY', stage: 'AUTH', message: 'Broken.' }, undefined],
  ])('slows down for %s', (_, answer, slowMs) => {
    expect(judge(answer, '', null, about()).slowMs).toBe(slowMs);
  });

  it('lets Retry-After move the next attempt on 429 and 503 alone', () => {
    const asks = { 'retry-after': '20' };
    expect(judge(reply(429, '', asks), '', null, about()).retryMs).toBe(20_000);
    expect(judge(reply(503, '', asks), '', null, about()).retryMs).toBe(20_000);
    expect(judge(reply(500, '', asks), '', null, about()).retryMs).toBe(15_000);
  });

  it('switches the subscription off at a 410, and keeps the delivery for later', () => {
    expect(judge(reply(410), '', null, about())).toMatchObject({ outcome: 'FAILED', disable: 'GONE', retryMs: 15_000 });
  });
});
