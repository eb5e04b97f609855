// Tests that the console shows numbers with all their digits.
import { expect, it } from 'vitest';
import { indentJson, parseJson, printJson } from '../../src/console/kit/exact-json.js';

it.each([
  '{"id":750727362669608961,"list":[9007199254740993,-9223372036854775808],"s":"750727362669608961"}',
  '{"a":0.1000000000000000055,"b":1e400,"c":-1E-400,"d":123456789012345678901234567890}',
  '{"text":"\\"750727362669608961\\\\","1e400":"digits"}',
  '750727362669608961',
])('%s is printed as it is', (text) => {
  expect(printJson(parseJson(text))).toBe(text);
});

it('numbers that a double holds are numbers, as the pages calculate with them', () => {
  expect(parseJson('{"a":1,"b":[0.5,1e+21],"c":1234567890123456}')).toEqual({ a: 1, b: [0.5, 1e21], c: 1234567890123456 });
});

it('indents JSON, and leaves other texts alone', () => {
  expect(indentJson('{"id":750727362669608961}')).toBe('{\n  "id": 750727362669608961\n}');
  expect(indentJson('750727362669608961 OK')).toBe('750727362669608961 OK');
});

it('prints values differently whose last digits differ', () => {
  expect(printJson(parseJson('750727362669608961'))).not.toBe(printJson(parseJson('750727362669608960')));
});
