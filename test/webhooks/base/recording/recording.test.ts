// Tests how an attempt is recorded when masked values are repeated everywhere in it, within a time limit.
import { expect, it } from 'vitest';
import type { Attempt } from '../../../../src/webhooks/base/model.js';
import { createRecorder } from '../../../../src/webhooks/base/recording/recording.js';
import { leastCpuMs } from '../../../support/cost.js';

const record = createRecorder({ bodies: true, maskedPaths: ['secret'] }, 'JSON');
const attempt = (secret: unknown, message: string): Attempt =>
  ({
    outcome: 'FAILED',
    stage: 'ERROR_TEMPLATE',
    message,
    request: { url: 'https://example.org/', headers: {}, body: JSON.stringify({ secret }) },
    response: { status: 200, headers: { 'x-said': message }, body: JSON.stringify({ said: message }) },
  }) as unknown as Attempt;

it('hides short values as whole words and long ones anywhere, the longest first', () => {
  const values = ['42', 'a.b', 'a.b c', '$&', 'long-enough', 'x', 'Ähre', '1-2', '#/~'];
  const recorded = record?.(attempt(values, '42, 420 a.b c a.b xa.b $& ,$&- xlong-enoughx x Ähre Ähren 1-2 #/~'));
  const masked = '[masked], 420 [masked] [masked] xa.b [masked] ,[masked]- x[masked]x x [masked] Ähren [masked] [masked]';
  expect(recorded).toMatchObject({ message: masked, response: { headers: { 'x-said': masked }, body: JSON.stringify({ said: masked }) } });
});

it('takes no longer where thousands of values are repeated than others can wait', () => {
  const values = Array.from({ length: 1_990 }, (_, index) => (index + 46_656).toString(36));
  const text = `${values.join(' ')} `.repeat(5);
  const recorded = record?.(attempt(values, text));
  const cost = (count: number) => leastCpuMs(() => record?.(attempt(values.slice(0, count), text)));
  expect(cost(values.length) / cost(20)).toBeLessThan(20);
  expect(recorded?.message).not.toMatch(/10[0-9a-z]{2}/);
});

it('leaves out the answer to a body that could not be read, since nobody knows what of it is repeated', () => {
  const secret = 'ada.private@example.org';
  const large = { ...attempt([secret, 'x'.repeat(200_000)], `hello ${secret}`), outcome: 'FAILED' } as Attempt;
  const recorded = record?.(large);
  expect(recorded).toMatchObject({
    message: 'The error template reported an error in the response; its text is not recorded.',
    request: { body: null, omitted: 'UNMASKABLE' },
    response: { body: null, omitted: 'UNMASKABLE', headers: {} },
  });
  expect(JSON.stringify(recorded)).not.toContain(secret);
});

it('finds masked values in other writings, and what is left of one that was cut off', () => {
  const recorded = record?.(
    attempt('größer "als" alle', 'x=gr%C3%B6%C3%9Fer+%22als%22+alle, gr\\u00f6\\u00dfer \\"als\\" alle, größer "al'),
  );
  expect(recorded?.message).toBe('x=[masked], [masked], [masked]');
});

it('gives up before the cost where values and answer share long runs, and records neither answer nor headers', () => {
  const values = Array.from({ length: 60 }, (_, i) => `${'a'.repeat(900)}b${i}${'a'.repeat(900)}`);
  const recorded = record?.(attempt(values, 'a'.repeat(30_000)));
  expect(recorded?.response).toMatchObject({ body: null, omitted: 'UNMASKABLE', headers: {} });
  expect(recorded?.message).not.toContain('aaaa');
});
