// Opens the sample's Prisma clients, and exports its typed models.
import pg from 'pg';
import { Prisma, PrismaClient } from '../generated/nodes/client.js';
import { models } from '../generated/nodes/hookgraph-models.js';
import { connectionOptions } from '../index.js';
import { ExactPg, fromPrisma, readModels, watchedPool } from '../sources/prisma/index.js';

export type { PrismaClient } from '../generated/nodes/client.js';

/** Prisma's client, or its client inside a transaction. */
export type Client = PrismaClient | Parameters<Parameters<PrismaClient['$transaction']>[0]>[0];

export const datamodel = readModels(models);
export const { modelOf, enumOf } = datamodel;

/** The source from which stored queries read the sample's nodes. */
export const source = fromPrisma({ models, Prisma, client: (adapter) => new PrismaClient({ adapter }) });

/** Maximum number of connections for writing. */
export const WRITER_CONNECTIONS = 10;

/**
 * Opens the pool for writing. Its time zone is UTC because Prisma writes timestamps without a zone. A statement may
 * take 15 s; waiting for a connection times out after 5 s. `silenceMs`: the limit of the same name in `settings.limits`.
 */
export function openWriter(url: string, onBroken: (error: Error) => void, silenceMs?: number): pg.Pool {
  const pool = new pg.Pool({
    ...connectionOptions(url),
    application_name: 'hookgraph prisma',
    max: WRITER_CONNECTIONS,
    options: '-c TimeZone=UTC -c DateStyle=ISO -c lc_monetary=C -c statement_timeout=15000',
    connectionTimeoutMillis: 5_000,
  });
  // The pool replaces a broken connection at the next query, but an unhandled error event would end the process.
  pool.on('error', onBroken);
  pool.on('connect', (client) => client.on('error', onBroken));
  return watchedPool(pool, { silenceMs });
}

/** Opens a Prisma client on a database's URL, or on a pool that the caller must close. */
export function openPrisma(database: string | pg.Pool): PrismaClient {
  const own = typeof database === 'string' ? { ...connectionOptions(database), application_name: 'hookgraph prisma' } : database;
  return new PrismaClient({ adapter: new ExactPg(own) });
}
