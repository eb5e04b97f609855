// Starts a host's booking service on a separate database: its Prisma client and GraphQL schema, with our source and engine over them.
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PrismaPg } from '@prisma/adapter-pg';
import { buildSchema, type GraphQLObjectType, type GraphQLUnionType } from 'graphql';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { createFairShare } from '../../../../src/runtime/fair-share.js';
import { startReading } from '../../../../src/sources/limited-reader.js';
import { delegateOf, fromPrisma, type GeneratedModels, gatePrisma, type Writer } from '../../../../src/sources/prisma/index.js';
import {
  type AnnouncedNode,
  createSubscription,
  createWebhooks,
  type Host,
  type Snapshot,
  type SubscriptionInput,
  type TenantSource,
} from '../../../../src/webhooks/index.js';
import { testDatabase } from '../../../support/database.js';
import { SETTINGS } from '../../../support/engine-world.js';
import { type Receiver, startReceiver } from '../../../support/receiver.js';

const here = import.meta.dirname;
const ROOT = join(here, '../../../..');
export const GENERATED = join(here, 'generated');

/** Runs `prisma generate`, as adopters do, if the schema or our generator has changed. */
export function generate(): void {
  const inputs = [
    ...readdirSync(join(here, 'schema')).map((name) => join(here, 'schema', name)),
    ...['generator.ts', 'write-models.ts'].map((name) => join(ROOT, 'src/sources/prisma', name)),
    join(ROOT, 'package-lock.json'),
  ];
  const hash = createHash('sha256');
  for (const path of inputs) hash.update(readFileSync(path));
  const wanted = hash.digest('hex');
  const stamp = join(GENERATED, '.stamp');
  const lock = join(here, 'generated.lock');
  // Two test files may start at once; the file that creates the folder generates the client.
  for (;;) {
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
    try {
      mkdirSync(lock);
      break;
    } catch {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    }
  }
  try {
    const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: join(ROOT, 'scripts/schema-engine.mjs'), PRISMA_HIDE_UPDATE_MESSAGE: '1' };
    const args = [join(ROOT, 'node_modules/prisma/build/index.js'), 'generate', '--schema', join(here, 'schema')];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`prisma generate failed:\n${stdout}${stderr}`);
    writeFileSync(stamp, wanted);
  } finally {
    rmSync(lock, { recursive: true });
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the client is generated when the tests run, so the compiler has no type for it
export type ForeignClient = any;

/** Loads the client. The same tests can run with another Prisma version: FOREIGN_CLIENT and FOREIGN_ADAPTER name its client and adapter. */
async function loadClient() {
  generate();
  const path = process.env.FOREIGN_CLIENT ?? join(GENERATED, 'client/client.ts');
  const { PrismaClient, Prisma } = await import(path);
  const { models } = (await import(join(GENERATED, 'hookgraph-models.ts'))) as { models: GeneratedModels };
  const adapters = process.env.FOREIGN_ADAPTER
    ? ((await import(process.env.FOREIGN_ADAPTER)) as { PrismaPg: typeof PrismaPg })
    : { PrismaPg };
  const open = (url: string): ForeignClient => new PrismaClient({ adapter: new adapters.PrismaPg({ connectionString: url }) });
  const ownAdapter = (adapter: PrismaPg) =>
    adapters.PrismaPg === PrismaPg ? adapter : new adapters.PrismaPg((adapter as unknown as { externalPool: Pool }).externalPool);
  return { PrismaClient, Prisma, models, open, ownAdapter };
}

const TENANTS: Record<string, TenantSource> = {
  Organisation: { column: 'id' },
  Membership: { column: 'organisation_id' },
  Space: { column: 'organisation_id' },
  Booking: { parent: { column: 'space_id', typename: 'Space' } },
  Address: { parent: { column: 'space_id', typename: 'Space' } },
  Note: { parent: { column: 'spaceId', typename: 'Space' } },
  User: { sql: `(SELECT m.organisation_id FROM staff."Membership" m WHERE m.user_id = r.id LIMIT 1)` },
};

const SDL = `
  interface Node { id: ID! }
  type Space implements Node { id: ID! name: String price: String parent: Space rooms: [Space!]! bookings: [Booking!]! }
  type Booking implements Node { id: ID! day: String fee: String space: Space notes: [Note!]! }
  type Note implements Node { id: ID! text: String booking: Booking }
  type Query { node(id: ID!): Node }`;

export type World = Awaited<ReturnType<typeof startWorld>>;

export async function startWorld({ role }: { role?: string } = {}) {
  const { PrismaClient, Prisma, models, open, ownAdapter } = await loadClient();
  const db = await testDatabase();
  await db.pool.query(await readFile(join(here, 'schema.sql'), 'utf8'));
  if (role) await db.pool.query(`GRANT USAGE ON SCHEMA shop, staff TO ${role}; GRANT SELECT ON shop.spaces TO ${role}`);
  const log = pino({ level: 'silent' });
  const source = fromPrisma<ForeignClient>({
    models,
    Prisma,
    role,
    client: (adapter) => new PrismaClient({ adapter: ownAdapter(adapter) }),
  });
  const opened = source.open({ connection: { connectionString: db.url }, log, connections: 6, queryTimeoutMs: 2000 });
  const fairShare = createFairShare({ connections: 4, maxWaitMs: 2000 });
  const readerFor = (tenant: string, snapshots: Snapshot[] = []) =>
    opened.reader({ snapshots, reading: startReading({ execution: fairShare.begin(tenant), timeoutMs: 2000 }) }).prisma;
  const nodes: AnnouncedNode[] = source.models
    .filter(({ typename }) => typename in TENANTS)
    .map(({ typename, table, key, columns }) => ({
      typename,
      table,
      key,
      columns,
      tenant: TENANTS[typename] as TenantSource,
      ...('deleted_at' in columns && { softDelete: { column: 'deleted_at' } }),
    }));
  const host: Host = {
    schema: () => schema,
    nodes,
    toGlobalId: (typename, key) => Buffer.from(JSON.stringify([typename, key])).toString('base64url'),
    fromGlobalId: (id) => {
      const [typename, key] = JSON.parse(Buffer.from(id, 'base64url').toString());
      return { typename, key };
    },
    contextFor:
      async ({ tenant }) =>
      (snapshots) => ({ prisma: readerFor(tenant, snapshots) }),
    faultOf: (error) => opened.faultOf(error) ?? 'node',
  };
  const schema = schemaOf(host);
  const webhooks = createWebhooks({ pool: db.pool, host, keys: [randomBytes(32)], log, settings: SETTINGS });
  await webhooks.prepare();
  await webhooks.checkKeys();
  const prisma = open(db.url);
  const gate = gatePrisma<Writer | null>({ webhooks, models, Prisma, writer: (who) => who });
  const receivers: Receiver[] = [];
  return {
    db,
    Prisma,
    source,
    opened,
    webhooks,
    host,
    models,
    /** The application's client, which writes without the gate. */
    prisma,
    open,
    gate,
    readerFor,
    /** Returns the snapshot in the event of the type's last deleted row. */
    async lastDeleted(typename: string): Promise<Snapshot> {
      const { rows } = await db.pool.query(
        `SELECT node_key, before FROM hookgraph.recorded WHERE typename = $1 AND operation = 'deleted' ORDER BY id DESC LIMIT 1`,
        [typename],
      );
      return { typename, key: rows[0].node_key, columns: rows[0].before };
    },
    async hook(topic: string, answer?: Receiver['answer'], input: Partial<SubscriptionInput> = {}) {
      const receiver = await startReceiver(answer);
      receivers.push(receiver);
      const { subscription, problems } = await createSubscription(
        webhooks.engine,
        { tenant: input.name ?? '1', userId: 'u', canManageWebhooks: true },
        { topic: { key: topic }, callbackUrl: receiver.url, phase: 'BEFORE', ...input },
      );
      if (!subscription) throw new Error(JSON.stringify(problems));
      return receiver;
    },
    async unhook() {
      await db.pool.query(`UPDATE hookgraph.subscriptions SET deleted_at = now()`);
      await Promise.all(receivers.splice(0).map((receiver) => receiver.close()));
    },
    async close() {
      await Promise.all(receivers.map((receiver) => receiver.close()));
      await prisma.$disconnect();
      await opened.close();
      await webhooks.close();
      await db.close();
    },
  };
}

/** Builds a schema without Relay and Pothos: its resolvers find rows with findFirst, and lists with their own fields. */
function schemaOf(host: Host) {
  const schema = buildSchema(SDL);
  (schema.getType('Node') as unknown as GraphQLUnionType).resolveType = (row: { __typename: string }) => row.__typename;
  const typed = (__typename: string, row: object | null) => row && { ...row, __typename };
  type Resolver = (row: never, args: never, context: { prisma: ForeignClient }) => unknown;
  const resolve = (type: string, field: string, resolver: Resolver) => {
    const found = (schema.getType(type) as GraphQLObjectType).getFields()[field];
    if (found) found.resolve = resolver as never;
  };
  const wheres: Record<string, (key: string) => object> = {
    Space: (key) => ({ id: BigInt(key), deletedAt: null }),
    Booking: (key) => ({ spaceId: BigInt(JSON.parse(key)[0]), day: new Date(JSON.parse(key)[1]) }),
    Note: (key) => ({ id: Number(key) }),
  };
  resolve('Query', 'node', async (_root, { id }: { id: string }, { prisma }) => {
    const { typename, key } = host.fromGlobalId(id) as { typename: string; key: string };
    const where = wheres[typename]?.(key);
    return where ? typed(typename, await delegateOf(prisma, typename).findFirst({ where })) : null;
  });
  const keys: Record<string, (row: never) => string> = {
    Space: ({ id }: { id: bigint }) => String(id),
    Booking: ({ spaceId, day }: { spaceId: bigint; day: Date }) => JSON.stringify([String(spaceId), day.toISOString().slice(0, 10)]),
    Note: ({ id }: { id: number }) => String(id),
  };
  for (const [type, keyOf] of Object.entries(keys)) resolve(type, 'id', (row) => host.toGlobalId(type, keyOf(row)));
  resolve('Space', 'parent', ({ parentId }: { parentId: bigint | null }, _, { prisma }) =>
    parentId === null ? null : prisma.space.findUnique({ where: { id: parentId } }),
  );
  resolve('Space', 'bookings', ({ id }: { id: bigint }, _, { prisma }) => prisma.booking.findMany({ where: { spaceId: id } }));
  resolve('Booking', 'space', ({ spaceId }: { spaceId: bigint }, _, { prisma }) => prisma.space.findUnique({ where: { id: spaceId } }));
  resolve('Booking', 'day', ({ day }: { day: Date }) => day.toISOString().slice(0, 10));
  return schema;
}
