import { describe, expect, it } from 'vitest';
import { Prisma } from '../../../src/generated/nodes/client.js';
import type { Field, Model } from '../../../src/sources/prisma/datamodel.js';
import { rowOfSnapshot } from '../../../src/sources/prisma/snapshot-row.js';
import type { Json } from '../../../src/webhooks/index.js';

function read(field: Partial<Field>, value: Json): unknown {
  const full = { name: 'x', kind: 'scalar', column: 'x', isList: false, nativeType: null, ...field } as Field;
  return rowOfSnapshot({ name: 'Thing', fields: [full] } as Model, { typename: 'Thing', key: '1', columns: { x: value } }).x;
}

describe('a column of a snapshot', () => {
  it.each([
    [{ type: 'DateTime', nativeType: 'Timestamptz' }, '2026-01-02T03:04:05.678+00:00', new Date('2026-01-02T03:04:05.678Z')],
    [{ type: 'DateTime', nativeType: 'Timestamptz' }, '2026-01-02T03:04:05.678+02:30', new Date('2026-01-02T00:34:05.678Z')],
    [{ type: 'DateTime' }, '2026-01-02T03:04:05', new Date('2026-01-02T03:04:05Z')],
    [{ type: 'DateTime', nativeType: 'Date' }, '2026-01-02', new Date('2026-01-02T00:00:00Z')],
    [{ type: 'DateTime', nativeType: 'Time' }, '03:04:05', new Date('1970-01-01T03:04:05Z')],
    [{ type: 'BigInt' }, 12345678901, 12345678901n],
    [{ type: 'Decimal' }, 12.5, new Prisma.Decimal('12.5')],
    [{ type: 'Bytes' }, '\\x00ff', Uint8Array.from([0, 255])],
    [{ type: 'Json' }, { a: [1] }, { a: [1] }],
    [{ type: 'String', isList: true }, ['a', 'b'], ['a', 'b']],
    [{ type: 'String', isList: true }, null, []],
    [{ type: 'ScenarioSessionState', kind: 'enum' as const }, 'PAUSED', 'PAUSED'],
    [{ type: 'Int' }, null, null],
  ])('of %o, %o, is what Prisma would have read', (field, stored, value) => {
    expect(read(field, stored as Json)).toEqual(value);
  });
});
