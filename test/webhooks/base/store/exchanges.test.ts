// Long requests and responses are recorded in pieces, and read as they were.
import { expect, it } from 'vitest';
import { ExchangeRows, unpack } from '../../../../src/webhooks/base/store/exchanges.js';
import { jsonInPieces } from '../../../../src/webhooks/base/store/json-in-pieces.js';

const SIZE = 1_000;
const EMOJI = '\u{1F600}';

it.each([
  ['a long text', ['url', [{ a: 'b' }, 'n'.repeat(10_500)]]],
  ['pairs of surrogates that are cut in two, and halves of them', ['x', `y${EMOJI.repeat(3_000)}`, '\ud83d'.repeat(3_000)]],
  ['escapes', ['"\n\u0001'.repeat(2_000)]],
  ['empty values', [null, '', [], [[]], {}]],
])('writes %s in pieces', (_, entry) => {
  const pieces = [...jsonInPieces(['["short"]', entry], SIZE)];
  expect(JSON.parse(pieces.join(''))).toEqual([['short'], entry]);
  for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(7 * SIZE);
});

it('writes no entries as an empty array', () => {
  expect([...jsonInPieces([], SIZE)]).toEqual(['[]']);
});

it('reads long exchanges as they were, beside short ones', async () => {
  const rows = new ExchangeRows();
  const short = { request: { url: 'https://a.example/', headers: { a: 'b' }, body: '{}' }, response: null };
  const long = {
    request: { url: 'https://a.example/', headers: {}, body: `é"${EMOJI.repeat(60_000)}`, data: 'd'.repeat(100_000) },
    response: { status: 200, headers: { 'x-a': 'b' }, body: '\\'.repeat(65_536) },
  };
  const places = [short, long].map((exchanged) => rows.add(exchanged, false));
  expect(places).toEqual([
    { row: 1, place: 0 },
    { row: 1, place: 1 },
  ]);
  await rows.compressed();
  // The array has a header of 20 bytes, and each element its length in 4.
  const read = unpack(rows.toParameters().entries.subarray(24));
  expect(read).toMatchObject([
    { request: short.request, response: null },
    { request: long.request, response: { headers: { 'x-a': 'b' }, body: long.response.body } },
  ]);
});
