// Tests the decisions of quick reads by themselves: which calls and models are read without Prisma, and by which statement.
import { describe, expect, it } from 'vitest';
import type { Field, Model } from '../../../src/sources/prisma/datamodel.js';
import { conditionOf, isWithoutOptions } from '../../../src/sources/prisma/quick-find.js';
import { planShape } from '../../../src/sources/prisma/quick-shape.js';

const scalar = (name: string, more: Partial<Field> = {}): Field =>
  ({ name, column: name, kind: 'scalar', type: 'String', isList: false, isId: false, ...more }) as Field;

const team = { name: 'Team', schema: 'public', table: 'teams', primaryKey: null, fields: [scalar('id', { isId: true }), scalar('title')] };
const person = {
  name: 'Person',
  schema: 'hr',
  table: 'people',
  primaryKey: null,
  fields: [
    scalar('name', { column: 'full name' }),
    scalar('id', { isId: true, type: 'Int' }),
    scalar('teamId', { column: 'team_id' }),
    scalar('team', { kind: 'object', type: 'Team', relationFromFields: ['teamId'], relationToFields: ['id'] }),
    scalar('friends', { kind: 'object', type: 'Person', isList: true }),
  ],
};
const models = new Map([team, person].map((model) => [model.name, model as unknown as Model]));
const modelOf = (name: string): Model => models.get(name) as Model;
const plan = (name: string, include?: object) => planShape({ modelOf }, modelOf(name), include);

describe('planShape', () => {
  it('reads a model by its key, which is the first column', () => {
    const shape = plan('Person');
    expect(shape?.text.replaceAll(/\s+/g, ' ')).toBe(
      'SELECT t0."id", t0."full name", t0."team_id" FROM "hr"."people" t0 WHERE t0."id" = ANY ($1::int[])',
    );
    expect(shape?.build(['7', 'Zoë', null])).toEqual({ id: 7, name: 'Zoë', teamId: null });
  });

  it('joins a relation to one row, which is null where no row is', () => {
    const shape = plan('Person', { team: true });
    expect(shape?.text).toContain('LEFT JOIN "public"."teams" t1 ON t1."id" = t0."team_id"');
    expect(shape?.build(['7', 'Zoë', 'a', 'a', 'A team'])).toMatchObject({ team: { id: 'a', title: 'A team' } });
    expect(shape?.build(['7', 'Zoë', 'a', null, null])).toMatchObject({ team: null });
  });

  it.each([
    ['a relation to many rows', { friends: true }],
    ['options of a relation', { team: { where: {} } }],
    ['an unknown relation', { boss: true }],
  ])('leaves %s to Prisma', (_what, include) => expect(plan('Person', include)).toBeNull());

  it('leaves a column that it can not parse to Prisma', () => {
    const odd = { ...team, fields: [...team.fields, scalar('size', { type: 'Decimal' })] } as unknown as Model;
    expect(planShape({ modelOf }, odd, undefined)).toBeNull();
  });
});

describe('conditionOf', () => {
  const shape = { keyField: scalar('id', { nativeType: 'Uuid' }) };
  const id = '00000000-0000-4000-8000-00000000000a';

  it('takes a key with equalities of strings, and checks these on the row', () => {
    const condition = conditionOf(shape, { id, tenant: 'acme' });
    expect(condition?.key).toBe(id);
    expect([condition?.holds({ id, tenant: 'acme' }), condition?.holds({ id, tenant: 'other' })]).toEqual([true, false]);
  });

  it.each([
    ['a key that Postgres would write otherwise', { id: id.toUpperCase() }],
    ['no key', { tenant: 'acme' }],
    ['a condition that is no equality of strings', { id, size: { gt: 1 } }],
  ])('leaves %s to Prisma', (_what, where) => expect(conditionOf(shape, where)).toBeNull());
});

it('leaves calls with further options to Prisma', () => {
  expect([isWithoutOptions({}), isWithoutOptions({ select: undefined }), isWithoutOptions({ select: {} })]).toEqual([true, true, false]);
});
