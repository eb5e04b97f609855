// Creates a source that reads nodes with an application's Prisma client, through read-only connections with limits.
import type { PrismaPg } from '@prisma/adapter-pg';
import type { Reading } from '../limited-reader.js';
import { openReadOnlyPool } from '../limited-reader.js';
import type { OpenOptions, OpenSource, Source } from '../source.js';
import { type GeneratedModels, readModels } from './datamodel.js';
import { ExactPg } from './exact-adapter.js';
import { faultOf } from './faults.js';
import type { Known } from './match-where.js';
import type { AnyClient, PrismaNamespace } from './prisma-types.js';
import { createQuickFind, type QuickFind } from './quick-find.js';
import { sourceModels } from './source-models.js';
import { byDelegate, storedClient } from './stored-client.js';
import { unmarked } from './unmarked.js';

export interface PrismaOptions<Client extends AnyClient> {
  /** The models that `generator hookgraph` wrote. */
  models: GeneratedModels;
  /** The namespace `Prisma` that the generated client exports. */
  Prisma: PrismaNamespace;
  /**
   * Creates a client for stored queries: `(adapter) => new PrismaClient({ adapter })`, with extensions if your
   * resolvers need them.
   */
  client(adapter: PrismaPg): Client;
  /** The Postgres schema of models without `@@schema`. Default: `public`. */
  schema?: string;
  /** The Postgres role that stored queries read with; the connection's user must be a member. Default: that user. */
  role?: string;
}

export interface PrismaReader<Client> {
  prisma: Client;
}

export function fromPrisma<Client extends AnyClient>(options: PrismaOptions<Client>): Source<PrismaReader<Client>> {
  const known: Known = { ...readModels(options.models, options.schema), Prisma: options.Prisma };
  return { models: sourceModels(known), open: (opening) => openSource(options, known, opening) };
}

function openSource<Client extends AnyClient>(
  { client: makeClient, schema, role }: PrismaOptions<Client>,
  known: Known,
  { connection, log, connections, queryTimeoutMs, silenceMs }: OpenOptions,
): OpenSource<PrismaReader<Client>> {
  const pool = openReadOnlyPool(connection, { log, max: connections, statementTimeoutMs: queryTimeoutMs, role, silenceMs });
  const adapter = new ExactPg(pool, { schema });
  if ((adapter as unknown as { externalPool?: unknown }).externalPool !== pool)
    throw new Error(
      '@prisma/adapter-pg uses another copy of pg and does not accept the pool of Hookgraph. Install a single version of pg for both: see `npm ls pg`.',
    );
  const made = makeClient(adapter);
  const prisma = unmarked(known, made);
  const quick = isBare(made) ? createQuickFind(known, pool) : NOTHING_QUICK;
  const models = byDelegate(known);
  const read = (snapshots: Parameters<typeof storedClient>[0]['snapshots'], reading: Reading | null) => ({
    prisma: storedClient({ known, models, prisma, quick, snapshots, reading }),
  });
  return {
    pool,
    plain: read([], null),
    reader: ({ snapshots, reading }) => read(snapshots, reading),
    faultOf,
    async close() {
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

/** Whether the client has no extensions and no global `omit`. Only then do rows read without Prisma equal Prisma's rows. */
function isBare(prisma: AnyClient): boolean {
  const { $on, _globalOmit: omitted } = prisma as { $on?: unknown; _globalOmit?: object };
  return $on !== undefined && Object.keys(omitted ?? {}).length === 0;
}

const NOTHING_QUICK: QuickFind = { plan: () => null };
