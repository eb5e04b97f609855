// Tests a schema made from tables: fields, relations in both directions, only the tenant's rows, one statement for all rows of a tick.
import { type GraphQLSchema, graphql, printType } from 'graphql';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { parseJson } from '../../../src/runtime/exact-json.mjs';
import { completeAnnouncements } from '../../../src/sources/catalog/complete.js';
import { readCatalog } from '../../../src/sources/catalog/read-catalog.js';
import { createRowReader } from '../../../src/sources/catalog/rows.js';
import { createTablesSchema } from '../../../src/sources/catalog/tables-schema.js';
import type { AnnouncedNode, Snapshot } from '../../../src/webhooks/index.js';
import { type TestDatabase, testDatabase } from '../../support/database.js';
import { BOOKING_SHOP } from './booking-shop.js';

const ACME = '00000000-0000-4000-8000-000000000001';
const OTHER = '00000000-0000-4000-8000-000000000002';

let database: TestDatabase;
let schema: GraphQLSchema;
let nodes: AnnouncedNode[];
let find: Record<string, string>;
let statements = 0;
beforeAll(async () => {
  database = await testDatabase();
  await database.pool.query(`CREATE SCHEMA shop; SET search_path = shop; ${BOOKING_SHOP}
    INSERT INTO organisations (id, name) VALUES ('${ACME}', 'Acme'), ('${OTHER}', 'Other');
    INSERT INTO spaces (organisation_id, title) VALUES ('${ACME}', 'Attic'), ('${ACME}', 'Barn'), ('${OTHER}', 'Secret');
    INSERT INTO slots (space_id, starts_at) SELECT s.id, '2026-01-01 10:00Z'::timestamptz + h * interval '1 hour' FROM spaces s, generate_series(0, 2) h ORDER BY s.id, h;
    INSERT INTO bookings (note) VALUES ('first');
    INSERT INTO booking_slots (booking_id, slot_id, price) SELECT 1, id, 123456789.01 FROM slots WHERE space_id = 1`);
  const catalog = (await readCatalog(database.pool)).filter((table) => table.schema === 'shop');
  const completed = completeAnnouncements(
    {
      defaults: { schema: 'shop', tenant: 'organisation_id', softDelete: 'deleted_at' },
      Space: {},
      Slot: { tenant: { of: 'space_id' } },
      BookingSlot: { tenant: { of: 'slot_id' } },
      Coupon: { omit: ['code'] },
      Invoice: {},
    },
    { catalog, models: [] },
  );
  expect(completed.problems).toEqual([]);
  nodes = completed.nodes;
  ({ schema, find } = createTablesSchema({ ...completed, readerOf: (context) => context as ReturnType<typeof createRowReader> }));
});
afterAll(() => database.close());
beforeEach(() => {
  statements = 0;
});

function ask(source: string, { tenant = ACME, snapshots = [] }: { tenant?: string; snapshots?: Snapshot[] } = {}) {
  const query = (...args: unknown[]) => {
    statements++;
    return (database.pool.query as (...args: unknown[]) => unknown)(...args);
  };
  return graphql({ schema, source, contextValue: createRowReader({ pool: { query } as never, nodes, tenant, snapshots }) });
}

it('has a field for each declared column, and the root fields that find rows', () => {
  expect(find).toMatchObject({ Space: 'space(id: $id)', BookingSlot: 'bookingSlot(bookingId: $bookingId, slotId: $slotId)' });
  const coupon = printType(schema.getType('Coupon') as never);
  expect(coupon).toContain('percent: String!');
  expect(coupon).not.toContain('code');
  expect(printType(schema.getType('Invoice') as never)).toContain('status: InvoiceStatus!');
});

it('reads rows and what they point to, digits and all', async () => {
  const { data, errors } = await ask('{ bookingSlot(bookingId: 1, slotId: "2") { price slot { id startsAt space { title } } } }');
  expect(errors).toBeUndefined();
  expect(data).toEqual({
    bookingSlot: { price: '123456789.01', slot: { id: '2', startsAt: '2026-01-01T11:00:00.000Z', space: { title: 'Attic' } } },
  });
});

it('reads a table of more columns than a function has arguments', async () => {
  const columns = Array.from({ length: 120 }, (_, at) => `c${at}`);
  await database.pool.query(
    `CREATE TABLE shop.wide (id int PRIMARY KEY, organisation_id text, ${columns.map((name) => `${name} text DEFAULT '${name}'`).join(', ')});
     INSERT INTO shop.wide (id, organisation_id, c119) VALUES (1, 'acme', NULL)`,
  );
  const catalog = (await readCatalog(database.pool)).filter(({ name }) => name === 'wide');
  const wide = completeAnnouncements({ defaults: { schema: 'shop', tenant: 'organisation_id' }, Wide: {} }, { catalog, models: [] });
  const made = createTablesSchema({ ...wide, readerOf: (context) => context as ReturnType<typeof createRowReader> });
  const contextValue = createRowReader({ pool: database.pool, nodes: wide.nodes, tenant: 'acme', snapshots: [] });
  const { data, errors } = await graphql({ schema: made.schema, source: '{ wide(id: 1) { c0 c118 c119 } }', contextValue });
  expect(errors).toBeUndefined();
  expect(data).toEqual({ wide: { c0: 'c0', c118: 'c118', c119: null } });
});

it('finds a row by a key whose type is in a schema that the search path lacks', async () => {
  await database.pool.query(
    `CREATE SCHEMA "My Kinds"; CREATE TYPE "My Kinds"."Code" AS ENUM ('a b'); CREATE DOMAIN shop.named AS "My Kinds"."Code";
     CREATE TABLE shop.coded (code shop.named PRIMARY KEY, organisation_id text); INSERT INTO shop.coded VALUES ('a b', 'acme')`,
  );
  const catalog = (await readCatalog(database.pool)).filter(({ name }) => name === 'coded');
  const coded = completeAnnouncements({ defaults: { schema: 'shop', tenant: 'organisation_id' }, Coded: {} }, { catalog, models: [] });
  const made = createTablesSchema({ ...coded, readerOf: (context) => context as ReturnType<typeof createRowReader> });
  const contextValue = createRowReader({ pool: database.pool, nodes: coded.nodes, tenant: 'acme', snapshots: [] });
  expect(await graphql({ schema: made.schema, source: '{ coded(code: "a b") { code } }', contextValue })).toEqual({
    data: { coded: { code: 'a b' } },
  });
});

it('answers the same of a row that is there and of one that is gone, digits and all, whatever the session sets', async () => {
  const types = {
    n: 'numeric',
    ns: 'numeric[]',
    keys: 'int8[]',
    raw: 'bytea',
    doc: 'jsonb',
    docs: 'jsonb',
    odd: 'json',
    pair: 'shop.pair',
    day: 'date',
  };
  const more = { grid: 'text[]', cells: 'int[]', days: 'date[]', at: 'timestamptz[]' };
  const columns = Object.entries({ ...types, ...more });
  await database.pool.query(
    `CREATE TYPE shop.pair AS (a int, b text); CREATE TABLE shop.odd (id int PRIMARY KEY, organisation_id text, ${columns.map((column) => column.join(' ')).join(', ')});
     INSERT INTO shop.odd VALUES (1, 'acme', 1e-7, '{1e21,0.10000000000000000001,NaN}', '{9007199254740993,NULL}', '\\x00ff', '"hello"', '"12"',
       '{"a": "\\u0000"}', ROW(1, 'x'), '2026-01-31', '{{a,b},{c,d}}', '{{1},{2}}', '{2026-01-31}', '{2026-01-31T00:00:00Z}')`,
  );
  const catalog = (await readCatalog(database.pool)).filter(({ name }) => name === 'odd');
  const odd = completeAnnouncements({ defaults: { schema: 'shop', tenant: 'organisation_id' }, Odd: {} }, { catalog, models: [] });
  const made = createTablesSchema({ ...odd, readerOf: (context) => context as ReturnType<typeof createRowReader> });
  const client = await database.pool.connect();
  await client.query(`SET DateStyle = 'German'; SET TimeZone = 'Asia/Kolkata'`);
  const { rows } = await client.query('SELECT to_json(o)::text AS text FROM shop.odd o');
  const snapshots = [{ typename: 'Odd', key: '2', columns: parseJson(rows[0].text) }];
  const contextValue = createRowReader({ pool: client, nodes: odd.nodes, tenant: 'acme', snapshots });
  const read = async (key: number) => {
    const source = `{ odd(id: ${key}) { ${columns.map(([name]) => name).join(' ')} } }`;
    const { data, errors } = await graphql({ schema: made.schema, source, contextValue });
    return { ...(data?.odd as object), errors: errors?.map(({ message }) => message) };
  };
  const there = await read(1);
  // to_jsonb() refuses this value; capture records its text.
  (snapshots[0] as { columns: Record<string, unknown> }).columns.odd = '{"a": "\\u0000"}';
  const gone = await read(2);
  client.release(true);
  expect(there).toEqual({
    n: '0.0000001',
    ns: ['1000000000000000000000', '0.10000000000000000001', 'NaN'],
    keys: ['9007199254740993', null],
    raw: 'AP8=',
    doc: 'hello',
    docs: '12',
    odd: { a: '\0' },
    pair: '{"a":1,"b":"x"}',
    day: '2026-01-31',
    grid: ['["a","b"]', '["c","d"]'],
    cells: null,
    days: ['2026-01-31'],
    at: ['2026-01-31T00:00:00.000Z'],
    errors: ['cells is an array of several dimensions, which a list cannot represent.'],
  });
  expect(gone).toEqual(there);
});

it('reads all rows of a level by one statement, and none twice', async () => {
  const { data, errors } = await ask(
    '{ a: space(id: 1) { slots(first: 2) { id space { title } } } b: space(id: 2) { slots(first: 2) { id space { title } } } }',
  );
  expect(errors).toBeUndefined();
  expect(data).toMatchObject({ a: { slots: [{ id: '1' }, { id: '2' }] }, b: { slots: [{ id: '4' }, { id: '5' }] } });
  expect(statements).toBe(2);
});

it('never reads a row of another tenant', async () => {
  expect((await ask('{ space(id: 3) { title } slot(id: "9") { id } }')).data).toEqual({ space: null, slot: null });
  expect((await ask('{ space(id: 1) { title } bookingSlot(bookingId: 1, slotId: "1") { price } }', { tenant: OTHER })).data).toEqual({
    space: null,
    bookingSlot: null,
  });
});

it('finds nothing by a key that can be no key', async () => {
  expect((await ask('{ slot(id: "nonsense") { id } }')).data).toEqual({ slot: null });
  expect((await ask('{ slot(id: "99999999999999999999") { id } }')).data).toEqual({ slot: null });
});

it('answers a row that is gone from its snapshot', async () => {
  const snapshots = [{ typename: 'Space', key: '77', columns: { id: 77, organisation_id: ACME, title: 'Gone' } }];
  expect((await ask('{ space(id: 77) { id title slots { id } } }', { snapshots })).data).toEqual({
    space: { id: 77, title: 'Gone', slots: [] },
  });
});
