import { expect, it } from 'vitest';
import { digitsKept } from '../../../src/webhooks/payload/tell-event.js';

it.each([
  ['{"id":750727362669608961}', '{"id":"750727362669608961"}'],
  [
    '{"id":9007199254740991,"n":-9007199254740993,"d":0.12345678901234567890}',
    '{"id":9007199254740991,"n":"-9007199254740993","d":"0.12345678901234567890"}',
  ],
  ['[1,2.50,-3,0,true,null,"x"]', '[1,2.50,-3,0,true,null,"x"]'],
  // What stands in a text is text, whatever it looks like and however it is escaped.
  [
    '{"a":"750727362669608961","b\\"750727362669608961":"\\\\","c":750727362669608961}',
    '{"a":"750727362669608961","b\\"750727362669608961":"\\\\","c":"750727362669608961"}',
  ],
  ['{"deep":[{"x":[99999999999999999999]}]}', '{"deep":[{"x":["99999999999999999999"]}]}'],
  ['"', '"'],
])('keeps the digits of %s', (json, kept) => {
  expect(digitsKept(json)).toBe(kept);
});

it('takes linear time, and any length of text', () => {
  const long = JSON.stringify({ a: '"\\\n'.repeat(500_000), b: 'x'.repeat(2_000_000), c: new Array(100_000).fill(1234567890123) });
  const started = process.cpuUsage();
  expect(digitsKept(long)).toBe(long);
  expect(process.cpuUsage(started).user).toBeLessThan(1_500_000);
});
