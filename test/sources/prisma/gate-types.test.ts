// Tests that the gated client of the sample keeps the types of the client.
import { afterAll, beforeAll, expect, expectTypeOf, it } from 'vitest';
import { Prisma } from '../../../src/generated/nodes/client.js';
import { models } from '../../../src/generated/nodes/hookgraph-models.js';
import { openPrisma, type PrismaClient, source } from '../../../src/sample/prisma.js';
import { gatePrisma, type PrismaReader } from '../../../src/sources/prisma/index.js';
import type { Source } from '../../../src/sources/source.js';
import { type TestApp, testApp } from '../../support/app.js';

let t: TestApp;
let prisma: PrismaClient;
beforeAll(async () => {
  t = await testApp();
  prisma = openPrisma(t.database.url);
});
afterAll(async () => {
  await prisma.$disconnect();
  await t.close();
});

it('is the same client with a kind of transaction more', async () => {
  expectTypeOf(source).toEqualTypeOf<Source<PrismaReader<PrismaClient>>>();
  const gate = gatePrisma({ webhooks: t.app.webhooks, models, Prisma, writer: (tenant: string) => ({ tenant, actor: 'me' }) });
  const gated = prisma.$extends(gate(t.admin.organizationId));
  const group = await gated.group.create({ data: { name: 'Typed', organizationId: t.admin.organizationId }, include: { members: true } });
  expectTypeOf(group.members[0]?.firstName).toEqualTypeOf<string | undefined>();
  // @ts-expect-error the model has no such field
  await expect(gated.group.create({ data: { nome: 'x' } })).rejects.toThrow('nome');
  const counted = await gated.$gatedTransaction(async (tx) => {
    await tx.group.update({ where: { id: group.id }, data: { name: 'Typed twice' } });
    // @ts-expect-error a transaction offers no nested transaction
    tx.$connect;
    return tx.group.count({ where: { name: 'Typed twice' } });
  });
  expectTypeOf(counted).toEqualTypeOf<number>();
  expect(counted).toBe(1);
  const { rows } = await t.database.pool.query(`SELECT DISTINCT context FROM hookgraph.recorded WHERE node_key = $1`, [group.id]);
  expect(rows).toEqual([{ context: JSON.stringify({ actor: 'me', traceparent: null }) }]);
});

it('fits where the type of the client is asked for', async () => {
  const gate = gatePrisma({ webhooks: t.app.webhooks, models, Prisma, writer: (tenant: string | null) => (tenant ? { tenant } : null) });
  for (const tenant of [t.admin.organizationId, null]) {
    const gated: PrismaClient = gate.client(prisma, tenant);
    expect(await gated.group.count()).toBeGreaterThanOrEqual(1);
    expect(await gate.client(prisma, tenant).$gatedTransaction((tx) => tx.group.count())).toBe(await gated.group.count());
  }
});
