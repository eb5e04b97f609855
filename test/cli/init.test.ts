// Promise: `hookgraph init` writes a file that type-checks, passes `check` or lists what remains to edit, migrates and delivers.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { init } from '../../src/cli/init/init.js';
import { createTerminal } from '../../src/cli/terminal.js';
import { BOOKING_SHOP } from '../sources/catalog/booking-shop.js';
import { load, opened, read, runInit, subscribe, TABLES, work, world } from '../support/init-world.js';
import { startReceiver } from '../support/receiver.js';

it('writes the whole file of tables alone, which delivers without an edit', async () => {
  const here = await world(TABLES);
  const { said, failure } = await runInit(here, { yes: true });
  expect(failure).toBeUndefined();
  expect(said).toContain('CREATE TRIGGER hookgraph_insert AFTER INSERT ON "public"."orders"');
  expect(said).not.toContain('yours to write');
  const text = await read(here.project);
  expect(text.split('\n').length).toBeLessThanOrEqual(60);
  expect(text).toContain(`    defaults: { tenant: 'shop_id' },
    Shop: { tenant: 'id' },
    Order: {},
    // Adds a topic for this status: when: { 'order/paid': { status: 'paid' } }
    Product: {},
    Staff: { omit: ['api_key'] },
    OrderLine: { tenant: { of: 'order_id' } },
`);
  expect(await here.project.typeCheck()).toBe('');
  const hooks = await load(here);
  await hooks.migrate();
  expect(await hooks.check()).toEqual([]);
  const receiver = await startReceiver();
  opened.push(receiver);
  await work(hooks);
  const ada = { authorization: 'Bearer key-of-ada' };
  await subscribe(
    hooks,
    `topic: { key: "order_line/created" } callbackUrl: "${receiver.url}" query: "query ($orderId: String!, $productId: Int!) { orderLine(orderId: $orderId, productId: $productId) { quantity } }"`,
    ada,
  );
  await here.database.pool.query('INSERT INTO orders (shop_id) VALUES (1), (2); INSERT INTO order_lines VALUES (1, 1, 3), (2, 2, 4)');
  await receiver.waitFor(1);
  expect(receiver.requests.map(({ body }) => JSON.parse(body))).toEqual([{ data: { orderLine: { quantity: 3 } } }]);
});

it('finds tenants that parents, children and memberships decide, and delivers once a person says who asks', async () => {
  const acme = '00000000-0000-4000-8000-000000000001';
  const here = await world(`${BOOKING_SHOP}; INSERT INTO organisations VALUES ('${acme}', 'Acme');
    INSERT INTO users (email) VALUES ('ada@acme.example'); INSERT INTO memberships VALUES (1, '${acme}')`);
  const { said, failure } = await runInit(here, { yes: true });
  expect(failure).toBeUndefined();
  expect(said).toMatch(/^User\tusers\tid\tof Membership/m);
  expect(said).toContain('notes_without_key: the table has no key');
  const text = await read(here.project);
  expect(text).toContain(`    defaults: { tenant: 'organisation_id', softDelete: 'deleted_at' },
    Organisation: { tenant: 'id' },
    Coupon: {},
    Invoice: {},
    // Adds a topic for this status: when: { 'invoice/paid': { status: 'paid' } }
    Membership: {},
    Space: {},
    BookingSlot: { tenant: { of: 'slot_id' } },
    Slot: { tenant: { of: 'space_id' } },
    Booking: { tenant: { of: 'BookingSlot' } },
    User: { tenants: { of: 'Membership' } },
`);
  expect(await here.project.typeCheck()).toBe('');
  // Until the adopter implements sign-in, requests have no viewer; init says so instead of failing silently.
  const line = 1 + text.split('\n').findIndex((one) => one.includes('EDIT 1:'));
  expect(said).toContain(`hookgraph.ts:${line}  look up the person who sent \`request\``);
  expect(text.match(/EDIT/g)).toHaveLength(1);
  await writeFile(
    join(here.project.dir, 'hookgraph.ts'),
    text
      .replace('=> ({ person: null })', `=> ({ person: await findPerson(pool, '1', '${acme}') })`)
      .replace('false AS "mayManage"', 'true AS "mayManage"'),
  );
  expect(await here.project.typeCheck()).toBe('');
  const hooks = await load(here);
  await hooks.migrate();
  expect(await hooks.check()).toEqual([]);
  const receiver = await startReceiver();
  opened.push(receiver);
  await work(hooks);
  await subscribe(
    hooks,
    `topic: { key: "booking/created" } callbackUrl: "${receiver.url}" query: "query ($id: Int!) { booking(id: $id) { note } }"`,
  );
  await here.database.pool.query(`INSERT INTO spaces (organisation_id, title) VALUES ('${acme}', 'Attic'); INSERT INTO slots (space_id, starts_at) VALUES (1, now());
    WITH booked AS (INSERT INTO bookings (note) VALUES ('mine') RETURNING id) INSERT INTO booking_slots SELECT id, 1 FROM booked`);
  await receiver.waitFor(1);
  expect(JSON.parse(receiver.requests[0]?.body ?? '')).toEqual({ data: { booking: { note: 'mine' } } });
});

it('leaves open what nothing tells, in JavaScript, too', async () => {
  const here = await world('CREATE TABLE things (id int PRIMARY KEY, name text); CREATE TABLE knex_migrations (id int PRIMARY KEY)', {
    'tsconfig.json': '',
    'package.json': '{}',
  });
  const { said, failure } = await runInit(here, { yes: true });
  expect(failure).toBeUndefined();
  expect(said).toContain('The tenant of Thing (things) is unknown');
  expect(said).toContain('knex_migrations: the table belongs to a tool');
  const text = await read(here.project, 'hookgraph.mjs');
  expect(text).toContain('// The tenant of Thing is unknown:');
  expect(said.match(/^ {2}hookgraph\.mjs:\d+/gm)).toHaveLength(2);
  const hooks = await load(here, 'hookgraph.mjs');
  await hooks.migrate();
  expect(await hooks.check()).toEqual([]);
});

it('puts a prefix before our names where a table has one of them', async () => {
  const here = await world(
    'CREATE TABLE shops (id int PRIMARY KEY); CREATE TABLE webhook_events (id int PRIMARY KEY, shop_id int REFERENCES shops)',
  );
  const { failure } = await runInit(here, { yes: true });
  expect(failure).toBeUndefined();
  expect(await read(here.project)).toContain(`  prefix: 'Shop',`);
  const hooks = await load(here);
  await hooks.migrate();
  expect(await hooks.check()).toEqual([]);
});

const TWO_TENANTS = `CREATE TABLE companies (id int PRIMARY KEY); CREATE TABLE teams (id int PRIMARY KEY, company_id int NOT NULL REFERENCES companies);
  CREATE TABLE tasks (id int PRIMARY KEY, team_id int NOT NULL REFERENCES teams, title text);
  CREATE TABLE notes (id int PRIMARY KEY, team_id int NOT NULL REFERENCES teams);
  CREATE TABLE labels (id int PRIMARY KEY); CREATE TABLE task_labels (id int PRIMARY KEY, task_id int NOT NULL REFERENCES tasks, label_id int NOT NULL REFERENCES labels)`;

it('follows the table that most others point to where no column has a usual name, in a schema of its own, with names in need of quotes', async () => {
  const here = await world(`CREATE SCHEMA dairy; SET search_path = dairy; CREATE TABLE farms (id int PRIMARY KEY);
    CREATE TABLE "Cows" (id int PRIMARY KEY, farm int NOT NULL REFERENCES farms, "passwordHash" text, token_count int);
    CREATE TABLE milkings (cow int REFERENCES "Cows", at date, farm int NOT NULL REFERENCES farms, UNIQUE (cow, at));
    CREATE TABLE "milk'tests" (cow int NOT NULL REFERENCES "Cows", nr int NOT NULL, bacteria int, UNIQUE (cow, nr));
    CREATE TABLE people (id int PRIMARY KEY, farm int NOT NULL REFERENCES farms, "isAdmin" boolean NOT NULL)`);
  const { said, failure } = await runInit(here, { yes: true });
  expect(failure).toBeUndefined();
  expect(said).toContain('dairy.milkings: the table has no key');
  const text = await read(here.project);
  expect(text).toContain(`    defaults: { schema: 'dairy', tenant: 'farm' },
    Farm: { tenant: 'id' },
    Cow: { omit: ['passwordHash'] },
    Person: { table: 'people' },
    MilkTest: { table: 'milk\\'tests', key: ['cow', 'nr'], tenant: { of: 'cow' } },
`);
  expect(text).toContain('"isAdmin" AS "mayManage" FROM "dairy"."people"');
  expect(await here.project.typeCheck()).toBe('');
  const hooks = await load(here);
  await hooks.migrate();
  expect(await hooks.check()).toEqual([]);
});

it('asks a person what it can’t tell, shows the plan, and changes nothing without a yes', async () => {
  const here = await world(TWO_TENANTS);
  const looked = await runInit(here, { dryRun: true });
  expect(looked.failure).toBeUndefined();
  expect(looked.said).toContain(`defaults: { tenant: 'team_id' }`);
  const refused = await runInit(here, {}, ['', '', 'n']);
  expect(refused.said).toContain('Nothing was written.');
  await expect(read(here.project)).rejects.toThrow('ENOENT');
  const { rows } = await here.database.pool.query(`SELECT 1 FROM pg_namespace WHERE nspname = 'hookgraph'`);
  expect(rows).toEqual([]);
  const { said, failure, asked } = await runInit(here, {}, ['2', '1', 'y', 'y']);
  expect(failure).toBeUndefined();
  expect(asked).toBe(4);
  expect(said).toContain('Which column contains the tenant of a row?');
  const text = await read(here.project);
  expect(text).toContain(`defaults: { tenant: 'company_id' }`);
  expect(text).toContain(`Task: { tenant: { of: 'team_id' } }`);
  expect(text).toContain(`Label: { tenant: { of: 'TaskLabel' } }`);
  expect(said).toContain('The database is up to date.');
  expect((await runInit(here, { yes: true })).failure).toMatchObject({ code: 'FILE_EXISTS' });
  expect((await runInit(here, { force: true })).failure).toMatchObject({ code: 'NOT_CONFIRMED' });
});

it('answers in JSON, and writes nothing unless it may', async () => {
  const here = await world(TABLES);
  const { said } = await runInit(here, { json: true });
  expect(JSON.parse(said)).toMatchObject({
    file: 'hookgraph.ts',
    written: false,
    tables: { defaults: { tenant: 'shop_id' }, OrderLine: { tenant: { of: 'order_id' } } },
    problems: [],
    edits: [],
    statements: expect.arrayContaining([
      { about: 'triggers of "public"."orders"', table: '"public"."orders"', sql: expect.stringContaining('CREATE TRIGGER') },
    ]),
  });
  await expect(read(here.project)).rejects.toThrow('ENOENT');
  expect(JSON.parse((await runInit(here, { json: true, yes: true })).said)).toMatchObject({ written: true });
  expect(await read(here.project)).toContain('createHookgraph({');
  const failure = await init(
    {},
    {
      dir: here.project.dir,
      env: {},
      terminal: createTerminal({ stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() }, { noColour: true }),
    },
  ).catch((error) => error);
  expect(failure).toMatchObject({ code: 'DATABASE_MISSING' });
});
