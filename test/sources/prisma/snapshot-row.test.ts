import { describe, expect, it } from 'vitest';
import { Prisma } from '../../../src/generated/nodes/client.js';
import { toExact } from '../../../src/runtime/exact-json.mjs';
import { readMoment } from '../../../src/runtime/postgres-times.js';
import type { Field, Model } from '../../../src/sources/prisma/datamodel.js';
import { rowOfSnapshot } from '../../../src/sources/prisma/snapshot-row.js';
import type { Json } from '../../../src/webhooks/index.js';

function read(field: Partial<Field>, value: Json): unknown {
  const full = { name: 'x', kind: 'scalar', column: 'x', isList: false, nativeType: null, ...field } as Field;
  return rowOfSnapshot({ name: 'Thing', fields: [full] } as Model, { typename: 'Thing', key: '1', columns: { x: value } }, Prisma).x;
}

describe('a column of a snapshot', () => {
  it.each([
    [{ type: 'DateTime', nativeType: 'Timestamptz' }, '2026-01-02T03:04:05.678+00:00', new Date('2026-01-02T03:04:05.678Z')],
    [{ type: 'DateTime', nativeType: 'Timestamptz' }, '2026-01-02T03:04:05.678+02:30', new Date('2026-01-02T00:34:05.678Z')],
    [{ type: 'DateTime' }, '2026-01-02T03:04:05', new Date('2026-01-02T03:04:05Z')],
    [{ type: 'DateTime', nativeType: 'Date' }, '2026-01-02', new Date('2026-01-02T00:00:00Z')],
    [{ type: 'DateTime', nativeType: 'Time' }, '03:04:05', new Date('1970-01-01T03:04:05Z')],
    [{ type: 'DateTime', nativeType: 'Time' }, '24:00:00', new Date('1970-01-02T00:00:00Z')],
    [{ type: 'DateTime', nativeType: 'Timestamptz' }, '0044-03-15T00:00:00+00:00 BC', new Date('-000043-03-15T00:00:00Z')],
    [{ type: 'DateTime', nativeType: 'Date' }, '5874897-12-31', readMoment('5874897-12-31')],
    [{ type: 'DateTime', nativeType: 'Timestamptz' }, '-infinity', readMoment('-infinity')],
    [{ type: 'BigInt' }, 12345678901, 12345678901n],
    [{ type: 'BigInt' }, toExact('9007199254740993'), 9007199254740993n],
    [
      { type: 'Decimal' },
      toExact('750727362669608961.00000000000000000007'),
      new Prisma.Decimal('750727362669608961.00000000000000000007'),
    ],
    [{ type: 'Decimal' }, 'NaN', new Prisma.Decimal('NaN')],
    [{ type: 'Float' }, 'NaN', Number.NaN],
    [{ type: 'Float' }, '-Infinity', Number.NEGATIVE_INFINITY],
    [{ type: 'Decimal', nativeType: 'Money' }, '-$1,234.50', new Prisma.Decimal('-1234.5')],
    [{ type: 'Decimal', nativeType: 'Money' }, '1.234,50 €', new Prisma.Decimal('1234.5')],
    [{ type: 'Decimal', nativeType: 'Money' }, '($1,234,567)', new Prisma.Decimal('-1234567')],
    [{ type: 'Decimal' }, 12.5, new Prisma.Decimal('12.5')],
    [{ type: 'Bytes' }, '\\x00ff', Uint8Array.from([0, 255])],
    [{ type: 'Json' }, { a: [1] }, { a: [1] }],
    [{ type: 'String', isList: true }, ['a', 'b'], ['a', 'b']],
    [{ type: 'String', isList: true }, null, []],
    [{ type: 'ScenarioSessionState', kind: 'enum' as const }, 'PAUSED', 'PAUSED'],
    [{ type: 'Int' }, null, null],
  ])('of %o, %o, is what Prisma would have read', (field, stored, value) => {
    expect(read(field, stored as unknown as Json)).toEqual(value);
  });
});
