// Tests the search for many texts at once: its number of operations is linear in the length of a hostile text, or it gives up first.
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { decodeText } from '../../../../src/webhooks/base/recording/decode-text.js';
import { createFinder, MAX_OPERATIONS } from '../../../../src/webhooks/base/recording/find-texts.js';

const budget = (left = MAX_OPERATIONS) => ({ left });
const replace = (texts: string[], text: string, words: string[] = []) => createFinder(texts, words).replace(text, '#', budget());

describe('what is found', () => {
  test.each([
    [['abcdefgh'], 'xabcdefghx abcdefg', 'x#x abcdefg'],
    // A part of a secret is replaced only at the end of the text, where the secret may be cut off.
    [['abcdefghijkl'], 'abcdefghi. abcdefghi', 'abcdefghi. #'],
    [['abcdefghijkl'], 'abcdefgh…', '#…'],
    [['abcdefghijkl'], 'abcdefgh\uFFFD', '#\uFFFD'],
    [['abcdefgh/jkl'], 'abcdefgh%2', '#%2'],
    [['abcdefgh"jkl'], 'abcdefgh\\', '#\\'],
    // The longest match is replaced, with no remainder of an overlapping match.
    [['abcdefgh', 'abcdefghij'], 'abcdefghijk abcdefghik', '#k #ik'],
    [['abcdefgh', 'efghijklmn'], '-abcdefghijklmn-', '-#-'],
    [['abcdefgh'], 'abcdefghabcdefgh', '##'],
    [['aaaaaaaa'], 'aaaaaaaaaaaa b', '# b'],
    [['Grüße an Ähre'], 'GRüßE AN ähre GRüßE AN Ähre', 'GRüßE AN ähre #'],
    [['a secret'], 'a+secret A%20Secret', '# #'],
    [['abcd-efghijkl'], 'abcd%2Defgh…', '#…'],
    [['abcd-efghijkl'], 'abcd=2Defgh=2', '#=2'],
    // In quoted-printable, `=3D` stands for `=`, and this `=` begins no further escape.
    [['abcd=3Define'], 'abcd=3D3Define id=abcd=3Define', '# id=#'],
    [['ab/cd/ef/gh'], 'code=ab%2Fcd%2Fef%2Fgh secret=3Dab=2Fcd/ef=\r\n/gh', 'code=# secret=3D#'],
    [[], 'abcdefgh', 'abcdefgh'],
  ])('%j in %j', (texts, text, expected) => expect(replace(texts, text)).toBe(expected));

  it('finds words as whole words alone, and longer ones first', () => {
    expect(replace([], 'ab abc ab-c xab 12 ab', ['ab', 'ab-c', '12'])).toBe('# abc # xab # #');
    expect(replace([], '𝒜b ab𝒜 ab', ['ab'])).toBe('𝒜b ab𝒜 #');
  });

  /** The encodings in which programs write a text as a whole; `some` encodes single characters of it. */
  const some = (text: string, encode: (one: string, at: number) => string) => [...text].map(encode).join('');
  const hex = (one: string) => [...Buffer.from(one)].map((byte) => `%${byte.toString(16)}`).join('');
  const WRITINGS: Record<string, (text: string) => string> = {
    JSON: (text) => JSON.stringify(text).slice(1, -1),
    'JSON within JSON': (text) => JSON.stringify(JSON.stringify(text)).slice(3, -3),
    'JSON in ASCII, as Python writes it': (text) =>
      JSON.stringify(text)
        .slice(1, -1)
        .replace(/[^ -~]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`),
    'JSON with escaped slashes, as PHP writes it': (text) => JSON.stringify(text).slice(1, -1).replaceAll('/', '\\/'),
    URL: encodeURIComponent,
    form: (text) => new URLSearchParams({ '': text }).toString().slice(1),
    'each byte in the URL, in lower case': (text) => some(text, hex),
    'each second character in the URL': (text) => some(text, (one, at) => (at % 2 || one === '%' ? hex(one) : one)),
    'URL within URL': (text) => encodeURIComponent(encodeURIComponent(text)),
    'numbers of HTML': (text) => some(text, (one) => `&#x${one.codePointAt(0)?.toString(16)};`),
    'decimal numbers of HTML': (text) => some(text, (one) => `&#${one.codePointAt(0)};`),
    'HTML within JSON': (text) =>
      JSON.stringify(text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')).slice(1, -1),
    'quoted-printable': (text) => some(text, (one) => (/[A-Z0-9]/i.test(one) ? one : hex(one).toUpperCase().replaceAll('%', '='))),
    'quoted-printable in lines': (text) => some(text, (one, at) => (at % 5 ? '' : '=\r\n') + (one === '=' ? '=3D' : one)).slice(3),
    'UTF-16, little-endian': (text) => Buffer.from(text, 'utf16le').toString('utf8').replace(/\0$/, ''),
    'UTF-16, big-endian': (text) => Buffer.from(text, 'utf16le').swap16().toString('utf8').replace(/^\0/, ''),
    'UTF-8 read byte by byte, as in headers': (text) => Buffer.from(text).toString('latin1'),
  };
  const SECRETS = ['plain-secret_1.0~x', 'a/b+c=d %e&f"g\\h<i>', "it's (quoted)!*", 'größe 🔑 ключ', '%2525 %41&amp;\\n\\u0041 and so on'];
  for (const [name, write] of Object.entries(WRITINGS))
    test.each(SECRETS)(`%j written as ${name}`, (secret) => {
      expect(replace([secret], `>${write(secret)}<`)).toBe('>#<');
    });

  it('changes nothing else in a text of any characters', () =>
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: fc.constantFrom(...'%\\&;#xu0aA25"') }), (a, b) => {
        expect(replace(['never in there'], a + b)).toBe(a + b);
        // Decoding a decoded text again changes nothing. Leaves out texts with bytes beyond ASCII, which it would read as characters.
        const decoded = decodeText(b);
        const text = decoded?.text.slice(0, decoded.end) ?? '';
        if (Buffer.byteLength(text) === text.length) expect(decodeText(text)?.text ?? text).toBe(text);
      }),
    ));
});

describe('what it costs', () => {
  const spent = (texts: string[], text: string, words: string[] = []) => {
    const left = budget(Number.MAX_SAFE_INTEGER);
    createFinder(texts, words).replace(text, '#', left);
    return Number.MAX_SAFE_INTEGER - left.left;
  };
  const runs = (head: number, tail: number) => Array.from({ length: 31 }, (_, i) => `${'a'.repeat(head)}b${i}${'a'.repeat(tail)}`);

  test.each<[string, string[], (length: number) => string, string[]?]>([
    ['letters of no text', ['abcdefgh'], (length) => 'x'.repeat(length)],
    ['two letters that many texts begin with', runs(2, 4_000), (length) => 'a'.repeat(length)],
    ['runs that all texts share', runs(30, 30), (length) => 'a'.repeat(length)],
    ['occurrence after occurrence', ['abcdefgh'], (length) => 'abcdefgh'.repeat(length / 8)],
    ['escapes of escapes', ['abcdefgh'], (length) => '%2525'.repeat(length / 5)],
    ['quoted-printable', ['abcdefgh'], (length) => '=3D=\n'.repeat(length / 5)],
    ['every second character NUL', ['abcdefgh'], (length) => 'a\0'.repeat(length / 2)],
    ['escapes in quoted-printable', runs(30, 30), (length) => '%61=61a\0'.repeat(length / 8)],
    ['backslashes', ['abcdefgh'], (length) => '\\'.repeat(length)],
    ['words', [], (length) => 'ab '.repeat(length / 3), ['ab', 'abc', 'abcd']],
    [
      'a thousand texts of one beginning',
      Array.from({ length: 1_000 }, (_, i) => `https://example.org/${i}`),
      (length) => 'https://example.org/a'.repeat(length / 21),
    ],
  ])('grows no faster than the text: %s', (_name, texts, write, words) => {
    const [short, long] = [spent(texts, write(2_000), words), spent(texts, write(16_000), words)];
    expect(short).toBeGreaterThan(0);
    expect(long).toBeLessThan(short * 8 * 1.2 + 1_000);
  });

  it('ends with its budget, before the cost', () => {
    const finder = createFinder(runs(2_000, 2_000));
    const left = budget();
    expect(finder.replace('a'.repeat(65_536), '#', left)).toBeNull();
    expect(left.left).toBeGreaterThan(-1_000);
    // The text isn't searched after the budget is spent.
    expect(finder.replace('harmless text', '#', left)).toBeNull();
  });

  it('is small where a text is ordinary: a full answer with 200 secrets takes less than half of the budget', () => {
    const secrets = Array.from({ length: 200 }, (_, i) => `secret-number-${i}-${'x'.repeat(i)}`);
    const answer = JSON.stringify(
      Array.from({ length: 1_000 }, (_, i) => ({ id: i, name: `"thing" ${i}`, at: '2026-01-01T00:00:00Z' })),
    ).slice(0, 65_536);
    expect(spent(secrets, answer)).toBeLessThan(MAX_OPERATIONS / 2);
  });
});
