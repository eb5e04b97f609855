// Tests that masking replaces the values at the given paths of a body with `[masked]` and keeps every other byte.
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { MAX_MASKED_LENGTH, maskBody } from '../../../../src/webhooks/base/recording/mask-body.js';
import { type MaskPath, parseMaskPath } from '../../../../src/webhooks/base/recording/mask-path.js';
import { leastCpuMs } from '../../../support/cost.js';

const parse = (path: string) => parseMaskPath(path) as MaskPath;
const mask = (text: string, ...paths: string[]) => maskBody(text, 'JSON', paths.map(parse))?.text;
const maskXml = (text: string, ...paths: string[]) => maskBody(text, 'XML', paths.map(parse))?.text;

describe('of JSON', () => {
  test.each([
    ['data.node.email', '{"data":{"node":{"email":"a@b.c","name":"A"}}}', '{"data":{"node":{"email":"[masked]","name":"A"}}}'],
    ['$.a', '{"a":1}', '{"a":"[masked]"}'],
    ['users[*].phone', '{"users":[{"phone":"1"},{"phone":null}]}', '{"users":[{"phone":"[masked]"},{"phone":"[masked]"}]}'],
    ['users.phone', '{"users":[[{"phone":"1"}]]}', '{"users":[[{"phone":"[masked]"}]]}'],
    ['users[1].phone', '{"users":[{"phone":"1"},{"phone":"2"}]}', '{"users":[{"phone":"1"},{"phone":"[masked]"}]}'],
    ['users', '{"users":[1,{"a":2}],"b":3}', '{"users":"[masked]","b":3}'],
    ['*.token', '{"a":{"token":1},"b":[{"token":2}],"token":3}', '{"a":{"token":"[masked]"},"b":[{"token":"[masked]"}],"token":3}'],
    ['**.token', '{"token":1,"a":[{"b":{"token":2}}]}', '{"token":"[masked]","a":[{"b":{"token":"[masked]"}}]}'],
    ['a.**.z', '{"z":0,"a":{"z":1,"b":{"z":2}}}', '{"z":0,"a":{"z":"[masked]","b":{"z":"[masked]"}}}'],
    ['a.**', '{"a":{"b":1,"c":[2]},"d":3}', '{"a":{"b":"[masked]","c":"[masked]"},"d":3}'],
    ['["any name"].x', '{"any name":{"x":1}}', '{"any name":{"x":"[masked]"}}'],
    ['a["b.c"]', '{"a":{"b.c":1,"b":{"c":2}}}', '{"a":{"b.c":"[masked]","b":{"c":2}}}'],
    ['[*].id', '[{"id":1},{"id":2}]', '[{"id":"[masked]"},{"id":"[masked]"}]'],
    ['größe', '{"größe":1}', '{"größe":"[masked]"}'],
    ['__proto__.x', '{"__proto__":{"x":1}}', '{"__proto__":{"x":"[masked]"}}'],
    ['nothing.here', '{"a":1}', '{"a":1}'],
    ['a', '"a"', '"a"'],
    ['a', '', ''],
  ])('%s', (path, text, expected) => expect(mask(text, path)).toBe(expected));

  it('keeps spacing, long numbers, escapes, and masks a name that is given twice', () => {
    const text = '{ "n": 12345678901234567890.10,\n "a": "\\u00e9🔑",\t"e": "1", "e": "2" }';
    expect(mask(text, 'e')).toBe(text.replace('"1"', '"[masked]"').replace('"2"', '"[masked]"'));
  });

  it('takes several paths, also where one ends inside another', () =>
    expect(mask('{"a":{"b":1},"c":2}', 'a.b', 'a', 'c')).toBe('{"a":"[masked]","c":"[masked]"}'));

  it('tells the values that it masked', () =>
    expect([...(maskBody('{"a":["x",{"k":1.50}],"b":"y"}', 'JSON', [parse('a')])?.values ?? [])]).toEqual(['x', '1.50']));

  it('refuses what is no JSON, cut off, commented', () => {
    for (const text of ['hello', '{"a":"secret', '{"a":1}//x', '{"a":1,}', "{'a':1}", '[1 2]', '{"a" 1}', '01', '[}'])
      expect(mask(text, '**.z')).toBeUndefined();
  });

  it('walks any depth', () => {
    const deep = (value: string) => `{"a":${'['.repeat(50_000)}{"z":${value}}${']'.repeat(50_000)}}`;
    expect(mask(deep('1'), '**.z')).toBe(deep('"[masked]"'));
  });

  it('agrees with a walk of the parsed text, whatever that holds', () => {
    const masked = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(masked);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, name === 'a' ? '[masked]' : masked(one)]));
    };
    const name = fc.constantFrom('a', 'b', '"', '{', ',');
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ maxDepth: 5 }, fc.constantFrom('{"a":[', ',', ']', 'x', -1.5e9, true, null), tie('list'), tie('object')),
      list: fc.array(tie('tree')),
      object: fc.dictionary(name, tie('tree')),
    }));
    fc.assert(
      fc.property(tree, fc.nat(2), (value, spaces) => {
        expect(JSON.parse(mask(JSON.stringify(value, null, spaces), '**.a') as string)).toEqual(masked(value));
      }),
    );
  });
});

describe('of XML', () => {
  test.each([
    ['data.node.email', '<?xml version="1.0"?>\r\n<data><node><email>a@b.c</email><name>A</name></node></data>', 'a@b.c'],
    ['data.users[*].phone', '<data><users><item><phone>555</phone></item></users></data>', '555'],
    ['data.users.phone', '<data><users><item><phone>555</phone></item></users></data>', '555'],
    ['data.users.item.phone', '<data><users><item><phone>555</phone></item></users></data>', '555'],
    ['data.users[1]', '<data><users><item>1</item><item>555</item></users></data>', '555'],
    ['**.token', '<a><b>x<token>t<i>u</i>&amp;<![CDATA[v]]></token></b></a>', 't<i>u</i>&amp;<![CDATA[v]]>'],
    ['a.b', '<a><b>1 > 2 🔑</b><c/></a>', '1 > 2 🔑'],
  ])('%s', (path, text, hidden) => expect(maskXml(text, path)).toBe(text.replace(hidden, '[masked]')));

  it('masks the attributes of an element too, and keeps an empty one empty', () => {
    expect(maskXml('<a><b x="1" y=\'2\'/><b z = "3" >t</b><c x="1"/></a>', 'a.b')).toBe(
      '<a><b x="[masked]" y="[masked]"/><b z="[masked]">[masked]</b><c x="1"/></a>',
    );
    expect(maskXml('<data><meta><entry key="a &amp; b">1</entry></meta></data>', 'data.meta["a & b"]')).toBe(
      '<data><meta><entry key="a &amp; b">[masked]</entry></meta></data>',
    );
  });

  it('refuses what is not well formed', () => {
    for (const text of ['<a>', '<a></b>', '<a>&nope;</a>', 'text', '<a/><b/>', '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'])
      expect(maskXml(text, '**.z')).toBeUndefined();
  });
});

describe('of paths that come to many places at once', () => {
  const cost = (text: string, paths: string[]) => {
    const parsed = paths.map(parse);
    return leastCpuMs(() => maskBody(text, 'JSON', parsed));
  };
  const LETTERS = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX'];

  it('takes no longer for `**` that follow each other, which say what one says', () => {
    const paths = LETTERS.map((letter) => `${'**.'.repeat(84)}x${letter}`);
    const text = JSON.stringify(Array.from({ length: 500 }, (_, index) => ({ q: index })));
    const single = LETTERS.map((letter) => `**.x${letter}`);
    expect(mask(text, ...paths)).toBe(text);
    expect(cost(text, paths) / cost(text, single)).toBeLessThan(10);
    expect(mask('{"b":1,"a":{"b":2,"c":3}}', '**.**.b')).toBe('{"b":"[masked]","a":{"b":"[masked]","c":3}}');
    expect(mask('{"a":{"b":2},"c":3}', 'a.**.**')).toBe('{"a":{"b":"[masked]"},"c":3}');
  });

  it('works each step out once: items of a list and objects of a shape cost no more for many paths', () => {
    const paths = LETTERS.map((letter) => `${'**.a.'.repeat(50)}x${letter}`);
    const json = `${'{"a":'.repeat(60)}[${'1,'.repeat(60_000)}1]${'}'.repeat(60)}`;
    expect(mask(json, ...paths)).toBe(json);
    expect(cost(json, paths) / cost(json, ['x'])).toBeLessThan(10);
    expect(mask('[[{"a":1},{"a":2}],[{"a":3}]]', '[0][1].a', '[1].a')).toBe('[[{"a":1},{"a":"[masked]"}],[{"a":"[masked]"}]]');
    expect(mask('[[1,2],[3,4]]', '**[1]')).toBe('[[1,"[masked]"],"[masked]"]');
  });

  it('gives up, so that nothing is recorded, where walking a body would hold up everybody', () => {
    const paths = LETTERS.map((letter) => `${'**.a.'.repeat(50)}x${letter}`);
    const json = `${'{"a":'.repeat(60)}{${Array.from({ length: 10_000 }, (_, i) => `"k${i}":1`).join()}}${'}'.repeat(60)}`;
    const xml = `${'<a>'.repeat(60)}${Array.from({ length: 10_000 }, (_, i) => `<k${i}/>`).join('')}${'</a>'.repeat(60)}`;
    expect(mask(json, ...paths)).toBeUndefined();
    expect(maskXml(xml, ...paths)).toBeUndefined();
  });
});

it('does not begin with a body that is longer than can be read in between', () => {
  const json = (length: number) => `{"a":"${'x'.repeat(length - 8)}"}`;
  const xml = (length: number) => `<a>${'x'.repeat(length - 7)}</a>`;
  expect(mask(json(MAX_MASKED_LENGTH), 'a')).toBe('{"a":"[masked]"}');
  expect(mask(json(MAX_MASKED_LENGTH + 1), 'a')).toBeUndefined();
  expect(maskXml(xml(MAX_MASKED_LENGTH), 'a')).toBe('<a>[masked]</a>');
  expect(maskXml(xml(MAX_MASKED_LENGTH + 1), 'a')).toBeUndefined();
});

test.each([
  ['', 1],
  ['.a', 1],
  ['a.', 3],
  ['a..b', 3],
  ['a[', 2],
  ['a[x]', 2],
  ['a[-1]', 2],
  ['a.[0]', 3],
  ['a b', 2],
  ['a["b]', 2],
  ['a["\\x"]', 2],
  ['a***', 2],
  ['$', 0],
])('%j is no path, and its mistake is at character %i', (path, character) => {
  const parsed = parseMaskPath(path);
  // A lone `$` is an ordinary name.
  if (character === 0) expect(parsed).toEqual([{ kind: 'name', name: '$' }]);
  else expect(parsed).toEqual({ wrong: expect.stringContaining(`character ${character} must`) });
});
