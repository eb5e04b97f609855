// Opens the sample product: configures Hookgraph, connects to the database, and authenticates API tokens.
import type { GraphQLSchema } from 'graphql';
import { type Authentication, findViewer } from '../auth/api-token.js';
import type { Viewer } from '../auth/viewer.js';
import { Prisma } from '../generated/nodes/client.js';
import type { Hookgraph } from '../index.js';
import { createQuickWrite, shareConnections } from '../sources/prisma/index.js';
import { type Made, makeOrganization, type NewOrganization } from './data/make-organization.js';
import { makeSampleData } from './data/make-sample-data.js';
import { type Context, createContext } from './graph/context.js';
import { createHooks, type HooksOptions } from './hookgraph.js';
import { openPrisma, openWriter, WRITER_CONNECTIONS } from './prisma.js';

/** Connections kept out of the organizations' shares, because a transaction takes one without waiting for a share. */
const OF_TRANSACTIONS = 2;
/** Maximum time in milliseconds that an operation waits for a connection of its organization's share. */
const CONNECTION_WAIT_MS = 10_000;

/** Milliseconds without a broken connection after which another one is logged: usually, all of a pool break at once. */
const BROKEN_EVERY_MS = 10_000;

export interface SampleOptions extends HooksOptions {
  database: string;
  /** The API token of the sample organization's admin; `null`: a token is generated. */
  adminToken: string | null;
}

export interface SampleApp {
  pool: Hookgraph['pool'];
  schema: GraphQLSchema;
  webhooks: Hookgraph['webhooks'];
  monitor: Hookgraph['monitor'];
  /** Makes topics and triggers match the node types that the sample announces. */
  prepare(): Promise<void>;
  /** Creates the sample data if there is none. `adminToken` is `null` when the data existed and the token isn't known. */
  seed(): Promise<{ adminToken: string | null }>;
  /** Creates an organization with an admin. */
  makeOrganization(organization: NewOrganization): Promise<Made>;
  hasOrganization(): Promise<boolean>;
  /** Returns the viewer who owns the token, or the reason why the token is refused. */
  authenticate(token: string): Promise<Authentication>;
  /** Creates the context for the resolvers of one request. */
  contextOf(viewer: Viewer, traceparent?: string | null): Context;
  close(): Promise<void>;
}

/**
 * Opens the sample product, and checks its encryption keys and tables.
 * @throws WebhooksError `KEYS_MISMATCH` when a key of the stored secrets is missing, `ANNOUNCEMENT_INCOMPLETE` when the options of tables
 * have problems
 */
export async function openSample({ adminToken, ...options }: SampleOptions): Promise<SampleApp> {
  const hooks = createHooks(options);
  let saidAt = Number.NEGATIVE_INFINITY;
  const writer = openWriter(
    options.database,
    (error) => {
      if (performance.now() - saidAt > BROKEN_EVERY_MS) options.log?.warn({ error }, 'a database connection broke; the pool replaces it');
      saidAt = performance.now();
    },
    options.settings?.limits?.silenceMs,
  );
  const prisma = openPrisma(writer);
  const prismaOf = shareConnections(prisma, { connections: WRITER_CONNECTIONS - OF_TRANSACTIONS, maxWaitMs: CONNECTION_WAIT_MS });
  const { pool, schema, webhooks } = hooks;
  const quickWrite = createQuickWrite(Prisma, writer, webhooks.localSql);
  const close = async (): Promise<void> => {
    await Promise.all([hooks.close(), prisma.$disconnect().then(() => writer.end())]);
  };
  try {
    await webhooks.checkKeys();
    await hooks.ready();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    pool,
    schema,
    webhooks,
    monitor: hooks.monitor,
    prepare: () => hooks.migrate(),
    seed: async () => ({ adminToken: await makeSampleData(prisma, { adminToken }) }),
    makeOrganization: (organization) => makeOrganization(prisma, organization),
    hasOrganization: async () => (await prisma.organization.findFirst({ select: { id: true } })) !== null,
    authenticate: (token) => findViewer(pool, token),
    contextOf: (viewer, traceparent = null) =>
      createContext({ prisma: prismaOf(viewer.organizationId), viewer, webhooks, quickWrite, traceparent }),
    close,
  };
}
