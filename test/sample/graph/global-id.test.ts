import { describe, expect, it } from 'vitest';
import { decodeGlobalId, encodeGlobalId, keyOf, whereKey } from '../../../src/sample/graph/global-id.js';
import type { Model } from '../../../src/sources/prisma/datamodel.js';

const modelWith = (type: string, nativeType: string | null = null) =>
  ({ name: 'Thing', primaryKey: null, fields: [{ name: 'id', type, nativeType, isId: true }] }) as Model;
const composite = {
  name: 'Pair',
  primaryKey: { name: null, fields: ['a', 'b'] },
  fields: [
    { name: 'a', type: 'Int' },
    { name: 'b', type: 'String', nativeType: null },
  ],
} as Model;

describe('a global id', () => {
  it('carries any key there and back', () => {
    for (const key of ['1', 'a:b', '["1","ü/?"]']) expect(decodeGlobalId(encodeGlobalId('Thing', key))).toEqual({ typename: 'Thing', key });
  });

  it('has one spelling only', () => {
    const id = encodeGlobalId('Thing', '12');
    expect(decodeGlobalId(`${id}=`)).toBeNull();
    expect(decodeGlobalId(`${id} `)).toBeNull();
    expect(decodeGlobalId('')).toBeNull();
    expect(decodeGlobalId(Buffer.from('Thing:').toString('base64url'))).toBeNull();
  });
});

describe('a key', () => {
  it('is parsed by the type of its column', () => {
    expect(whereKey(modelWith('Int'), '12')).toEqual({ id: 12 });
    expect(whereKey(modelWith('BigInt'), '9223372036854775807')).toEqual({ id: 9223372036854775807n });
    expect(whereKey(modelWith('String'), 'any thing')).toEqual({ id: 'any thing' });
    expect(whereKey(composite, '["1","x"]')).toEqual({ a_b: { a: 1, b: 'x' } });
    expect(keyOf(composite, { a: 1, b: 'x' })).toBe('["1","x"]');
  });

  it('that no row can have is none', () => {
    for (const key of ['x', '1.5', '01', '2147483648', '']) expect(whereKey(modelWith('Int'), key)).toBeNull();
    expect(whereKey(modelWith('BigInt'), '9223372036854775808')).toBeNull();
    expect(whereKey(modelWith('String', 'Uuid'), 'no-uuid')).toBeNull();
    expect(whereKey(modelWith('String'), 'a\0')).toBeNull();
    for (const key of ['1', '["1"]', '[1,"x"]', '{}']) expect(whereKey(composite, key)).toBeNull();
  });
});
