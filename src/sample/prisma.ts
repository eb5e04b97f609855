// The sample's own Prisma client: its models, typed, and clients that write.
import pg from 'pg';
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

/** Times are written in UTC, because Prisma writes moments without their zone. A statement has 15 s, a connection is waited for 5 s. */
export function openWriter(connectionString: string, onBroken: (error: Error) => void): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    application_name: 'hookgraph prisma',
    max: 10,
    options: '-c TimeZone=UTC -c DateStyle=ISO -c lc_monetary=C -c statement_timeout=15000',
    connectionTimeoutMillis: 5_000,
  });
  // A connection that breaks is replaced at the next query; without listeners it would end the process.
  pool.on('error', onBroken);
  pool.on('connect', (client) => client.on('error', onBroken));
  return pool;
}

/** By a URL it opens connections of its own; a pool stays its opener's to end. */
export function openPrisma(database: string | pg.Pool): PrismaClient {
  const own = typeof database === 'string' ? { connectionString: database, application_name: 'hookgraph prisma' } : database;
  return new PrismaClient({ adapter: new ExactPg(own) });
}
