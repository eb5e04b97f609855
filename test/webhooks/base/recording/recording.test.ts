// An attempt with masked values that are repeated everywhere in, the attempt as it is recorded out; soon.
import { expect, it } from 'vitest';
import type { Attempt } from '../../../../src/webhooks/base/model.js';
import { createRecorder } from '../../../../src/webhooks/base/recording/recording.js';

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
  const before = process.cpuUsage().user;
  const recorded = record?.(attempt(values, text));
  expect((process.cpuUsage().user - before) / 1000).toBeLessThan(1_000);
  expect(recorded?.message).not.toMatch(/10[0-9a-z]{2}/);
});
