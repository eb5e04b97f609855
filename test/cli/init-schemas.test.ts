// Promise: `hookgraph init` uses the names and root fields of a GraphQL schema and of a Prisma schema.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { BOOKING_SHOP } from '../sources/catalog/booking-shop.js';
import { load, OFFLINE, ROOT, read, runInit, TABLES, world } from '../support/init-world.js';

it('imports the schema of a module, and finds its root fields', async () => {
  const [tables, schema] = await Promise.all(
    ['tables.sql', 'schema.ts'].map((name) => readFile(join(ROOT, 'examples/schema-first', name), 'utf8')),
  );
  const here = await world(tables as string, { 'src/schema.ts': schema as string });
  const { said, failure } = await runInit(here, { yes: true });
  expect(failure).toBeUndefined();
  expect(said).toContain('The GraphQL schema was read from src/schema.ts');
  expect(said).toContain('agents: the GraphQL schema has no type for this table');
  const text = await read(here.project);
  expect(text).toContain(`import { ownSchema } from './src/schema.js';`);
  expect(text).toContain('  schema: ownSchema,');
  expect(text).toContain(`    Ticket: 'ticket(id: $id)',\n    Comment: 'comment(ticketId: $ticketId, number: $number)',`);
  expect(text).toContain(`Comment: { tenant: { of: 'ticket' } }`);
  expect(await here.project.typeCheck()).toBe('');
  const hooks = await load(here);
  expect(await hooks.check()).toEqual([]);
});

const SDL = `
  scalar DateTime
  type Organisation { id: ID! name: String! spaces: [Space!]! }
  type Space { id: Int! title: String! }
  type Slot { id: ID! startsAt: DateTime! space: Space! }
  type Booking { id: Int! note: String }
  type BookingSlot { booking: Booking! slot: Slot! }
  type Invoice { id: Int! }
  input Key { id: Int! }
  type Query {
    organisation: Organisation
    spaces(first: Int): [Space!]!
    space(id: Int!): Space
    slot(slotId: ID!, locale: String): Slot
    bookingByKey(key: Key!): Booking
    bookingSlot(bookingId: Int!, slotId: ID!): BookingSlot
    invoice(number: String!): Invoice
  }`;

it('takes the types and root fields of SDL, and a file that check refuses until the schema is imported', async () => {
  const here = await world(BOOKING_SHOP, { 'schema.graphql': SDL });
  const { said, failure } = await runInit(here, { yes: true });
  expect(failure).toBeUndefined();
  const text = await read(here.project);
  expect(text).toContain(`  find: {
    Organisation: 'organisation',
    Space: 'space(id: $id)',
    BookingSlot: 'bookingSlot(bookingId: $bookingId, slotId: $slotId)',
    Slot: 'slot(slotId: $id)',
    Booking: 'bookingByKey(key: { id: $id })',
  },`);
  expect(said).toContain('No root field of the GraphQL schema returns Invoice by key');
  expect(said).toContain('coupons: the GraphQL schema has no type for this table');
  expect(text.match(/EDIT/g)?.length).toBeLessThanOrEqual(3);
  expect(await here.project.typeCheck()).toBe('');
  await expect(load(here)).rejects.toThrow('Import your executable GraphQLSchema in this file');
});

const PRISMA = `
generator client {
  provider = "prisma-client"
  output   = "../src/generated"
}
datasource db {
  provider = "postgresql"
}
enum OrderStatus {
  OPEN    @map("open")
  PAID    @map("paid")
  SHIPPED @map("shipped")
  @@map("order_status")
}
model Shop {
  id       Int       @id @default(autoincrement())
  name     String
  staff    Clerk[]
  products Product[]
  orders   Order[]
  @@map("shops")
}
model Clerk {
  id        Int     @id @default(autoincrement())
  shopId    Int     @map("shop_id")
  name      String
  apiKey    String  @unique @map("api_key")
  mayManage Boolean @default(false) @map("may_manage")
  shop      Shop    @relation(fields: [shopId], references: [id])
  @@map("staff")
}
model Product {
  id     Int         @id @default(autoincrement())
  shopId Int         @map("shop_id")
  name   String
  price  Decimal     @db.Decimal(12, 2)
  shop   Shop        @relation(fields: [shopId], references: [id])
  lines  OrderLine[]
  @@map("products")
}
model Order {
  id     BigInt      @id @default(autoincrement())
  shopId Int         @map("shop_id")
  status OrderStatus @default(OPEN)
  shop   Shop        @relation(fields: [shopId], references: [id])
  lines  OrderLine[]
  @@map("orders")
}
model OrderLine {
  orderId   BigInt  @map("order_id")
  productId Int     @map("product_id")
  quantity  Int
  parent    Order   @relation(fields: [orderId], references: [id])
  product   Product @relation(fields: [productId], references: [id])
  @@id([orderId, productId])
  @@map("order_lines")
}
`;

it('writes in the words of a Prisma schema, adds the generator to it, and runs it', async () => {
  const here = await world(`${TABLES}; CREATE TABLE audit (id int PRIMARY KEY, shop_id int)`, { 'prisma/schema.prisma': PRISMA });
  const { dir } = here.project;
  const prisma = ['node_modules/prisma/build/index.js', 'generate', '--generator', 'client'];
  await promisify(execFile)(process.execPath, prisma, { cwd: dir, env: { ...process.env, ...OFFLINE } });
  const { said, failure } = await runInit(here, { yes: true });
  expect(failure).toBeUndefined();
  expect(said).toContain('audit: Prisma has no model for this table');
  expect(said).toContain('Added the generator `hookgraph` to prisma/schema.prisma.');
  const text = await read(here.project);
  expect(text).toContain(`import { models } from './src/generated/hookgraph-models.js';`);
  expect(text).toContain(`defaults: { tenant: 'shopId' },`);
  expect(text).toContain(`OrderLine: { tenant: { of: 'parent' } }`);
  expect(text).toContain(`Clerk: { omit: ['apiKey'] }`);
  expect(text).toContain('prisma.clerk.findFirst({ where: { id: Number(userId), shopId: Number(tenant) } })');
  expect(await here.project.typeCheck()).toBe('');
  const hooks = await load(here);
  await hooks.migrate();
  expect(await hooks.check()).toEqual([]);
});
