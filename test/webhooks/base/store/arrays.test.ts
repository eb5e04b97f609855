import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bigints, booleans, byteas, type Column, floats, integers, texts, timestamps } from '../../../../src/webhooks/base/store/arrays.js';
import { type TestDatabase, testDatabase } from '../../../support/database.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase({ empty: true });
});
afterAll(() => db.close());

async function read<T>(type: string, column: Column<T>, values: (T | null | undefined)[]): Promise<unknown> {
  for (const value of values) column.push(value);
  const { rows } = await db.pool.query(`SELECT $1::${type}[] AS list`, [column.toParameter()]);
  return rows[0].list;
}

describe('arrays in Postgres’ binary format', () => {
  it('arrive as what they are, with what is missing', async () => {
    const written = ['', 'plain', 'a "quoted", {braced} \\ one\nand two', 'Zürich 東京 😀', null, undefined];
    expect(await read('text', texts(), written)).toEqual(written.map((text) => text ?? null));
    expect(await read('integer', integers(), [0, -1, 2_147_483_647, null])).toEqual([0, -1, 2_147_483_647, null]);
    expect(await read('bigint', bigints(), ['9223372036854775807', '-1', null])).toEqual(['9223372036854775807', '-1', null]);
    expect(await read('float8', floats(), [0.1, -2e300, null])).toEqual([0.1, -2e300, null]);
    const at = [new Date('2026-11-25T20:00:00.123Z'), new Date('1999-01-01T00:00:00Z'), null];
    expect(await read('timestamptz', timestamps(), at)).toEqual(at);
    expect(await read('bytea', byteas(), [Buffer.of(0, 255, 7), Buffer.alloc(3_000, 1), null])).toEqual([
      Buffer.of(0, 255, 7),
      Buffer.alloc(3_000, 1),
      null,
    ]);
    expect(await read('boolean', booleans(), [true, false, null])).toEqual([true, false, null]);
  });

  it('may be empty, or larger than anything before', async () => {
    expect(await read('text', texts(), [])).toEqual([]);
    const column = texts();
    const large = ['ü'.repeat(3_000_000), 'x'.repeat(10), null];
    expect(await read('text', column, large)).toEqual(large);
    column.clear();
    expect(await read('text', column, ['small again'])).toEqual(['small again']);
  });
});
