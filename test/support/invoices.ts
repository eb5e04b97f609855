// Starts the product with a node type that has columns of every kind of number and time: 64-bit keys, numeric, money,
// float, json, dates and times.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { addNodeType, build, copyProject } from './own-node-type.js';
import { ADMIN_TOKEN, type Product, startProduct } from './product.js';

const MODEL = `
/// What somebody has to pay.
model Invoice {
  id             BigInt       @id @default(autoincrement()) @map("invoice_no")
  organizationId String       @map("organization_id") @db.Uuid
  title          String
  amount         Decimal?     @db.Decimal(60, 20)
  fee            Decimal?     @db.Money
  rate           Float?
  serial         BigInt?
  details        Json?
  raw            Json?        @db.Json
  dueAt          DateTime     @default(dbgenerated("now()")) @map("due_at") @db.Timestamptz(3)
  seenAt         DateTime?    @map("seen_at") @db.Timestamp(3)
  dueOn          DateTime?    @map("due_on") @db.Date
  opens          DateTime?    @db.Time(3)
  createdAt      DateTime     @default(dbgenerated("now()")) @map("created_at") @db.Timestamptz(3)
  updatedAt      DateTime     @default(dbgenerated("now()")) @map("updated_at") @db.Timestamptz(3)
  organization   Organization @relation(fields: [organizationId], references: [id], onDelete: Cascade)

  @@index([organizationId])
  @@map("invoices")
}
`;
const MIGRATION = `
CREATE TABLE "invoices" (
  "invoice_no" BIGSERIAL PRIMARY KEY,
  "organization_id" UUID NOT NULL REFERENCES "organizations" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
  "title" TEXT NOT NULL,
  "amount" NUMERIC,
  "fee" MONEY,
  "rate" DOUBLE PRECISION,
  "serial" BIGINT,
  "details" JSONB,
  "raw" JSON,
  "due_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
  "seen_at" TIMESTAMP(3),
  "due_on" DATE,
  "opens" TIME(3),
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
  "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now()
);
ALTER SEQUENCE "invoices_invoice_no_seq" RESTART 9007199254740993;
CREATE INDEX "invoices_organization_id_idx" ON "invoices" ("organization_id");
`;
const SOURCE = `// Invoice: what somebody has to pay.
import { defineNode } from '../graph/define-node.js';

export const invoice = defineNode('Invoice');
`;

export interface Invoices {
  product: Product;
  /** Returns the answer as text, so that parsing loses no digit. `variables`: JSON. */
  ask(query: string, variables?: string): Promise<string>;
  /** Inserts an invoice by SQL into the sample organization and returns the invoice's key. */
  insert(columns: Record<string, string>): Promise<string>;
  close(): Promise<void>;
}

export async function startInvoices(): Promise<Invoices> {
  const copy = await copyProject();
  await addNodeType(copy, {
    file: 'invoice',
    source: SOURCE,
    model: MODEL,
    migration: MIGRATION,
    beside: { line: /^( {2}members +)User\[\]\n(?=[^}]*@@map\("organizations"\))/m, field: 'invoices Invoice[]' },
  });
  await build(copy, { check: false });
  const product = await startProduct({ program: join(copy, 'dist/cli/main.js') });
  return {
    product,
    async ask(query, variables = '{}') {
      const response = await fetch(`${product.url}/api/v3/graphql`, {
        method: 'POST',
        headers: { authorization: `Token token=${ADMIN_TOKEN}`, 'content-type': 'application/json' },
        body: `{"query": ${JSON.stringify(query)}, "variables": ${variables}}`,
      });
      return response.text();
    },
    async insert(columns) {
      const names = Object.keys(columns);
      const { rows } = await product.pool.query(
        `INSERT INTO invoices (organization_id, title, ${names.join(', ')})
         SELECT id, 'By SQL', ${names.map((_, index) => `$${index + 1}`).join(', ')} FROM organizations WHERE permalink = 'acme' RETURNING invoice_no`,
        Object.values(columns),
      );
      return rows[0].invoice_no;
    },
    async close() {
      await product.close();
      await rm(copy, { recursive: true, force: true });
    },
  };
}
