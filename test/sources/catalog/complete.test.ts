// Tests that the catalog completes an announcement, and that everything it can't complete is reported at once with a remedy.
import { buildSchema } from 'graphql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { completeAnnouncements } from '../../../src/sources/catalog/complete.js';
import { type CatalogTable, readCatalog } from '../../../src/sources/catalog/read-catalog.js';
import type { TableOptions, Tables } from '../../../src/sources/catalog/table-options.js';
import { type TestDatabase, testDatabase } from '../../support/database.js';
import { BOOKING_SHOP } from './booking-shop.js';

const schema = buildSchema(`
  type Organisation { id: ID! name: String }
  type User { id: Int! email: String memberships: [Membership!]! }
  type Membership { organisation: Organisation user: User }
  type Space { id: Int! title: String organisation: Organisation }
  type Slot { id: ID! space: Space startsAt: String }
  type Booking { id: Int! note: String bookingSlots: [BookingSlot!]! }
  type BookingSlot { booking: Booking slot: Slot price: String }
  type Query { space(id: Int!): Space }`);

const TABLES: Tables = {
  defaults: { tenant: 'organisationId', softDelete: 'deletedAt' },
  Organisation: { tenant: 'id' },
  Space: {},
  Slot: { tenant: { of: 'space' } },
  BookingSlot: { tenant: { of: 'slot' } },
  Booking: { tenant: { of: 'bookingSlots' } },
  Membership: {},
  User: { tenants: { of: 'memberships' } },
  Coupon: { omit: ['code'] },
  Invoice: { when: { 'invoice/paid': { status: { from: 'open', to: 'paid' } } } },
};

let database: TestDatabase;
let catalog: CatalogTable[];
beforeAll(async () => {
  database = await testDatabase();
  await database.pool.query(`CREATE SCHEMA shop; SET search_path = shop; ${BOOKING_SHOP}
    CREATE TABLE seats (id int PRIMARY KEY, space_id int REFERENCES spaces, user_id int REFERENCES users, slot_id bigint REFERENCES slots)`);
  catalog = (await readCatalog(database.pool)).filter((table) => table.schema === 'shop');
});
afterAll(() => database.close());

const complete = (tables: Tables) =>
  completeAnnouncements({ ...tables, defaults: { schema: 'shop', ...tables.defaults } }, { catalog, models: [], schema });

it('takes tables, keys, columns and relations from the catalog and the schema', () => {
  const { nodes, problems } = complete(TABLES);
  expect(problems).toEqual([]);
  const of = (typename: string) => nodes.find((node) => node.typename === typename);
  expect(of('Space')).toEqual({
    typename: 'Space',
    table: { schema: 'shop', name: 'spaces' },
    key: ['id'],
    columns: {
      id: 'id',
      organisation_id: 'organisation',
      title: 'title',
      deleted_at: 'deletedAt',
      created_at: 'createdAt',
      updated_at: 'updatedAt',
    },
    tenant: { column: 'organisation_id' },
    softDelete: { column: 'deleted_at' },
    relations: [{ field: 'organisation', typename: 'Organisation', columns: ['organisation_id'], otherColumns: ['id'] }],
    createdAt: 'created_at',
    updatedAt: 'updated_at',
    setsUpdatedAt: false,
  });
  expect(of('Slot')?.tenant).toEqual({ parent: { column: 'space_id', typename: 'Space' } });
  expect(of('BookingSlot')).toMatchObject({ key: ['booking_id', 'slot_id'], tenant: { parent: { column: 'slot_id', typename: 'Slot' } } });
  expect(of('Booking')?.tenant).toEqual({ children: { typename: 'BookingSlot', columns: ['booking_id'] } });
  expect(of('User')?.tenant).toEqual({ several: { typename: 'Membership', columns: ['user_id'] } });
  expect(of('Coupon')?.columns).toEqual({ id: 'id', organisation_id: 'organisationId', percent: 'percent' });
  expect(of('Invoice')?.lifecycle).toEqual([{ topic: 'invoice/paid', column: 'status', from: 'open', to: 'paid' }]);
});

it('tells everything that is wrong at once, with what to do', () => {
  const { problems } = complete({
    Space: { tenant: 'organization' },
    Slot: {},
    Ghost: { tenant: 'x' },
    Coupon: { tenant: 'organisation_id', omit: ['secret'] },
    Invoice: { tenant: 'organisation_id', when: { 'invoice/paid': { status: 'settled' }, 'invoice/due': {} } },
    NotesWithoutKey: { table: 'notes_without_key', tenant: 'organisation_id' },
  });
  expect(problems.map(({ typename, message }) => `${typename}: ${message}`)).toEqual([
    expect.stringMatching(/^Ghost: no table matches the type's name; Hookgraph looked for Ghost, Ghosts, ghost, ghosts/),
    'Space: `tenant` names "organization", but shop.spaces has no such column.',
    'Slot: has no `tenant` option, so the owner of its rows is unknown.',
    'Coupon: `omit` names "secret", but shop.coupons has no such column.',
    'Invoice: `when` of "invoice/paid" names the value "settled", which "status" can\'t have.',
    'Invoice: `when` of "invoice/due" must name a single field.',
    "NotesWithoutKey: shop.notes_without_key has no primary key, so its rows can't be identified.",
  ]);
  expect(problems.find(({ typename }) => typename === 'Slot')?.hint).toContain("tenant: { of: 'space_id' }");
});

it('finds the rows that link two types, in a join table or in the table of the other type', () => {
  const linksOf = (typename: string, links: TableOptions['links'], rest: Tables = {}) => {
    const { nodes, problems } = complete({ ...TABLES, ...rest, [typename]: { ...(TABLES[typename] as TableOptions), links } });
    return problems.length > 0
      ? problems.map(({ message, hint }) => `${message} ${hint}`)
      : nodes.find((node) => node.typename === typename)?.links;
  };
  const membership = { table: { schema: 'shop', name: 'memberships' }, key: ['user_id', 'organisation_id'] };
  expect(linksOf('Organisation', ['User'])).toEqual([
    { field: 'User', ...membership, columns: ['organisation_id'], otherColumns: ['user_id'] },
  ]);
  const ofUser = [{ field: 'memberships', ...membership, columns: ['user_id'], otherColumns: ['organisation_id'] }];
  expect(linksOf('User', ['memberships'])).toEqual(ofUser);
  expect(linksOf('User', { memberships: 'memberships' })).toEqual(ofUser);
  expect(linksOf('User', { memberships: { table: 'memberships', column: 'user_id' } })).toEqual(ofUser);
  // A named column needs no foreign key; after a table was replaced, it may have none.
  expect(linksOf('Space', { bookings: { table: 'booking_slots', column: 'slot_id' } })).toEqual([
    {
      field: 'bookings',
      table: { schema: 'shop', name: 'booking_slots' },
      key: ['booking_id', 'slot_id'],
      columns: ['slot_id'],
      otherColumns: ['booking_id'],
    },
  ]);
  expect(linksOf('Space', ['Slot'])).toEqual([
    { field: 'Slot', table: { schema: 'shop', name: 'slots' }, key: ['id'], columns: ['space_id'], otherColumns: ['id'] },
  ]);
  // Only a row with the user of a seat links one; where the field says nothing of it, either reference does, or the seat itself.
  const seats = { table: { schema: 'shop', name: 'seats' }, key: ['id'], columns: ['space_id'], otherColumns: ['slot_id', 'user_id'] };
  expect(linksOf('Space', { User: 'seats' })).toEqual([{ field: 'User', ...seats, otherEnds: [['user_id']] }]);
  expect(linksOf('Space', { places: 'seats' })).toEqual([{ field: 'places', ...seats, otherEnds: [['slot_id'], ['user_id']] }]);
  const Seat = { tenant: { of: 'space_id' } };
  expect(linksOf('Space', { places: 'seats' }, { Seat })).toEqual([{ field: 'places', ...seats, otherEnds: [] }]);
  expect(linksOf('Space', { Seat: 'seats' }, { Seat })).toEqual([{ field: 'Seat', ...seats, otherColumns: ['id'] }]);
  expect(linksOf('Space', ['nothing'])).toEqual([
    '`links` names "nothing", but no table links the two types. Name the table: `links: { nothing: \'<table with a foreign key to spaces>\' }`.',
  ]);
  expect(linksOf('Space', { members: 'memberships' })).toEqual([expect.stringContaining('memberships has no foreign key to spaces')]);
  expect(linksOf('Space', { members: 'nowhere' })).toEqual([expect.stringContaining('the database has no table "nowhere"')]);
});
