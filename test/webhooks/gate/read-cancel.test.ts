import { expect, it } from 'vitest';
import { readCancel } from '../../../src/webhooks/gate/read-cancel.js';

const TYPE = 'application/vnd.opsani.servo.errors.CancelEventError+json';
const answer = (body: string, { status = 200, type = TYPE } = {}) => ({ kind: 'REPLY', status, headers: { 'content-type': type }, body });

it('reads the reason of a cancel answer', () => {
  expect(readCancel(answer('{"reason": " Only at night. "}'))).toBe('Only at night.');
  for (const type of [`${TYPE.toUpperCase()} ; charset=utf-8`, `${TYPE};profile="a,b;c"`, `${TYPE};`, `${TYPE}, text/html`])
    expect(readCancel(answer('{"reason": "x"}', { type }))).toBe('x');
});

it.each([
  ['another status', answer('{"reason": "x"}', { status: 202 })],
  ['another type', answer('{"reason": "x"}', { type: 'application/json' })],
  ['a type that only begins alike', answer('{"reason": "x"}', { type: `${TYPE}x` })],
  ['no type', { kind: 'REPLY', status: 200, headers: {}, body: '{"reason": "x"}' }],
  ['no reply', { kind: 'NO_REPLY' }],
])('lets the write through: %s', (_what, other) => {
  expect(readCancel(other)).toBeNull();
});

it.each(['', '{', 'null', '[]', '"no"', '{}', '{"reason": 1}', '{"reason": "  "}'])(
  'cancels without a reason that can be read: %s',
  (body) => {
    expect(readCancel(answer(body))).toBe('no reason was given');
  },
);

it('cuts a long reason between characters', () => {
  const cut = readCancel(answer(JSON.stringify({ reason: '🚲'.repeat(1_500) }))) as string;
  expect([...cut]).toHaveLength(1_001);
  expect(cut.endsWith('🚲…')).toBe(true);
});
