import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  asJson,
  compareNumbers,
  ExactNumber,
  fromMarkedText,
  parseJson,
  parseRow,
  readMarked,
  stringifyJson,
  toExact,
  toMarked,
  toMarkedText,
} from '../../src/runtime/exact-json.mjs';
import { expectLinear } from '../support/cost.js';

const ID = '750727362669608961';

describe('a JSON text', () => {
  it.each([
    ID,
    `-${ID}`,
    '-0',
    '[-0.0,-0e5]',
    '{"a":1e400,"b":-1E+400,"c":1e-400}',
    '[0.1000000000000000055511151231257827]',
    '[123456789.123456789,9007199254740993]',
    '{"__proto__":750727362669608961}',
    `{"${ID}":["${ID}",", ${ID}","\\"${ID}","\\\\",${ID}]}`,
    `[1.5,"2026-01-05T03:04:05Z","2d5b656f-3e10-42be-bf4a-16bba30d2f50",${ID}]`,
  ])('%s is written as it was read', (text) => {
    expect(stringifyJson(parseJson(text))).toBe(text);
    expect(stringifyJson(parseJson(JSON.stringify(JSON.parse(text), null, 2)))).toBe(JSON.stringify(JSON.parse(text)));
  });

  it('without long numbers is what JSON.parse reads, and its mistakes are the same', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        // fc.json() writes with JSON.stringify, which drops the sign of a negative zero; stringifyJson would keep it.
        expect(parseJson(text)).toEqual(JSON.parse(text));
        expect(stringifyJson(parseJson(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
    for (const wrong of ['', '{', '[01]', `[${ID},]`, '{"a":1e}']) {
      const said = (parse: (text: string) => unknown) => {
        try {
          return parse(wrong);
        } catch (error) {
          return (error as Error).message;
        }
      };
      expect(said(parseJson)).toBe(said(JSON.parse));
    }
  });

  it('keeps the value of any number', () => {
    const number = fc.stringMatching(/^-?(0|[1-9]\d{0,30})(\.\d{1,30})?([eE][+-]?\d{1,4})?$/);
    fc.assert(
      fc.property(number, (text) => {
        const [read] = parseJson(`[${text}]`);
        expect(compareNumbers(read, new ExactNumber(text))).toBe(0);
        expect(compareNumbers(parseJson(stringifyJson([read]))[0], read)).toBe(0);
      }),
    );
  });

  it('reads the last of equal keys, and numbers of equal digits as one', () => {
    expect(stringifyJson(parseJson(`{"a":1e400,"a":${ID}}`))).toBe(`{"a":${ID}}`);
    expect(new Set(parseJson(`[${ID},${ID}]`)).size).toBe(1);
  });

  it('costs linear time, whatever is in it', () => {
    for (const write of [
      (size: number) => `[0.${'0'.repeat(size)}1,1${'0'.repeat(size)}1]`,
      (size: number) => `[1e400,"${'a\\n'.repeat(size)}"]`,
      (size: number) => `["${', 1'.repeat(size)}"]`,
      (size: number) => `["${', -0'.repeat(size)}"]`,
    ])
      expectLinear(40_000, write, parseJson);
  });
});

it('writes the numbers of a row as they were, and those of its JSON as JavaScript does', () => {
  const row = `{"price":1.10,"list":[2.50,-0.0,1.5],"text":"1.10}","pair":{"a":1.10,"b":750727362669608961},"zero":0.00,"n":3,"far":1${'0'.repeat(30)},"near":0.0000001}`;
  expect(stringifyJson(parseRow(row))).toBe(row);
  expect(stringifyJson(asJson(parseRow(row).pair))).toBe('{"a":1.1,"b":750727362669608961}');
  expect(asJson(parseRow(row).price)).toBe(1.1);
  expect([parseRow(row).n, asJson('1.10'), asJson(null)]).toEqual([3, '1.10', null]);
  expect(parseRow('{"price": 1.1, "n": 750727362669608961}').n).toBeInstanceOf(ExactNumber);
});

describe('a number by its digits', () => {
  it('is one only where a double would be another', () => {
    for (const text of [
      '1',
      '1.10',
      '1e2',
      '1e22',
      '0.1',
      '9007199254740992',
      '0.30000000000000004',
      '1.7976931348623157e308',
      '5e-324',
      '0',
    ])
      expect(toExact(text)).toBe(Number(text));
    for (const text of [ID, '9007199254740993', '-0', '1e400', '1e-400', '0.10000000000000001'])
      expect(toExact(text)).toBeInstanceOf(ExactNumber);
  });

  it('is a string of its digits for whoever knows no better', () => {
    expect(JSON.stringify({ a: toExact(ID) })).toBe(`{"a":"${ID}"}`);
    expect(`${toExact(ID)}`).toBe(ID);
    expect(Number(toExact(ID))).toBe(Number(ID));
  });

  it.each([
    [ID, '750727362669608960', 1],
    [ID, '750727362669608962', -1],
    [`-${ID}`, '-750727362669608960', -1],
    [ID, `${ID}.0`, 0],
    ['1e400', '1e401', -1],
    ['-1e400', '5', -1],
    ['1e-400', '0', 1],
    ['-0', '0', 0],
    ['12e399', '1.2e400', 0],
  ])('%s beside %s: %s', (one, other, sign) => {
    expect(Math.sign(compareNumbers(toExact(one), toExact(other)))).toBe(sign);
    expect(Math.sign(compareNumbers(toExact(other), toExact(one)))).toBe(0 - sign);
  });

  it('is less than infinity', () => {
    expect(compareNumbers(toExact('1e400'), Number.POSITIVE_INFINITY)).toBe(-1);
    expect(compareNumbers(toExact('-1e400'), Number.NEGATIVE_INFINITY)).toBe(1);
  });

  it('compares like integers do', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.bigInt(), (one, other) => {
        const expected = one < other ? -1 : one > other ? 1 : 0;
        expect(Math.sign(compareNumbers(toExact(String(one)), toExact(String(other))))).toBe(expected);
      }),
    );
  });
});

it('reads long numbers at any depth, as JSON.parse does, and says why what is too deep can’t be written', () => {
  const deep = (levels: number) => `${'['.repeat(levels)}${ID},{"__proto__":${ID}}${']'.repeat(levels)}`;
  let value = parseJson(deep(100_000));
  while (Array.isArray(value[0])) [value] = value;
  expect(value.map(String)).toEqual([ID, '[object Object]']);
  expect(Object.entries(value[1]).map(String)).toEqual([`__proto__,${ID}`]);
  expect(() => stringifyJson(parseJson(deep(100_000)))).toThrow(/^The value can't be written as JSON, because it nests too many/);
});

describe('for a library that parses and writes JSON itself', () => {
  it('a value with long numbers is a string, and any other is itself', () => {
    const value = parseJson(`{"a":[${ID}]}`);
    const marked = toMarked(value);
    expect(readMarked(marked)).toBe(`{"a":[${ID}]}`);
    expect(fromMarkedText(JSON.stringify(marked))).toBe(`{"a":[${ID}]}`);
    expect(readMarked(JSON.parse(toMarkedText(`{"a":[${ID}]}`)))).toBe(`{"a":[${ID}]}`);
    const usual = { a: 'digits:', b: 1.5 };
    expect(toMarked(usual)).toBe(usual);
    expect(toMarkedText(JSON.stringify(usual))).toBe(JSON.stringify(usual));
    expect(fromMarkedText(JSON.stringify(usual))).toBe(JSON.stringify(usual));
    for (const other of ['digits:', 'text', 1, null, undefined, {}]) expect(readMarked(other)).toBeNull();
  });
});
