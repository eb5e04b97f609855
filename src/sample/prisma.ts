// The sample's own Prisma client: its models, typed, and clients that write.
import type pg from 'pg';
import { Prisma, PrismaClient } from '../generated/nodes/client.js';
import { models } from '../generated/nodes/hookgraph-models.js';
import { ExactPg, fromPrisma, readModels } from '../sources/prisma/index.js';

export type { PrismaClient } from '../generated/nodes/client.js';

/** A client, or one inside a transaction. */
export type Client = PrismaClient | Parameters<Parameters<PrismaClient['$transaction']>[0]>[0];

export const datamodel = readModels(models);
export const { modelOf, enumOf } = datamodel;

/** Where stored queries read. */
export const source = fromPrisma({ models, Prisma, client: (adapter) => new PrismaClient({ adapter }) });

/** By a URL it opens connections of its own; a pool stays its opener's to end. */
export function openPrisma(database: string | pg.Pool): PrismaClient {
  const own = typeof database === 'string' ? { connectionString: database, application_name: 'hookgraph prisma' } : database;
  return new PrismaClient({ adapter: new ExactPg(own) });
}
