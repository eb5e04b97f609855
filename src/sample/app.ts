// Configuration, database and keys in, the joined application out: the one place where the parts meet.
import type { GraphQLSchema } from 'graphql';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { User } from '../generated/nodes/client.js';
import type { Config } from '../runtime/config.js';
import { databaseEndpoint, openPool, openPrisma, openReader, openWriter } from '../runtime/database.js';
import { createTurns } from '../runtime/fair-share.js';
import { modelOf } from '../sources/prisma/datamodel.js';
import { faultOf } from '../sources/prisma/faults.js';
import { fencedPool, startReading } from '../sources/prisma/limited-reader.js';
import { createQuickFind, quicklyOr } from '../sources/prisma/quick-find.js';
import { createQuickWrite } from '../sources/prisma/quick-write.js';
import { storedClient } from '../sources/prisma/stored-client.js';
import { createWebhooks, type Endpoint, type Owner, type Snapshot, type Webhooks } from '../webhooks/index.js';
import { type Context, createContext, type Viewer } from './graph/context.js';
import { decodeGlobalId, encodeGlobalId } from './graph/global-id.js';
import { type Authentication, findViewer, makeSampleData, nodes, schema } from './index.js';

export interface AppOptions {
  config: Config;
  databaseUrl: string;
  /** 32-byte keys for secrets at rest, newest first. */
  keys: Buffer[];
  /** Reads them anew, where a key can come while this process runs. */
  reloadKeys?: () => Promise<Buffer[]>;
  log: Logger;
}

/** Of stored queries: a tenant alone takes half of them, two take a half and a quarter. */
const READER_CONNECTIONS = 20;
/** Of these, for looking up owners, which waits for nobody's turn. */
const OWNER_CONNECTIONS = 2;
/** So long a stored query waits in all for its tenant's turn; then it runs later. Well within a lease, with what it may take itself. */
const MAX_WAIT_MS = 3000;

export interface App {
  config: Config;
  log: Logger;
  pool: Pool;
  schema: GraphQLSchema;
  webhooks: Webhooks;
  /** Brings topics and triggers in step with the nodes. */
  prepare(): Promise<void>;
  /** Makes the sample data once; `adminToken` is null where only its maker knows it. */
  seed(): Promise<{ adminToken: string | null }>;
  /** Whose token it is, or why it opens nothing. */
  authenticate(token: string): Promise<Authentication>;
  /** What the resolvers of one request are handed. */
  contextOf(viewer: Viewer, traceparent?: string | null): Context;
  close(): Promise<void>;
}

export async function createApp({ config, databaseUrl, keys, reloadKeys, log }: AppOptions): Promise<App> {
  const pool = openPool(databaseUrl, { log });
  const writer = openWriter(databaseUrl, log);
  const prisma = openPrisma(writer);
  const quickWrite = createQuickWrite(writer);
  // Apart from the other, so that a stored query can neither write nor take the API's connections.
  const reader = openReader(databaseUrl, { log, max: READER_CONNECTIONS, statementTimeoutMs: config.queryTimeoutMs });
  const turns = createTurns({ connections: READER_CONNECTIONS - OWNER_CONNECTIONS, maxWaitMs: MAX_WAIT_MS });

  const quick = createQuickFind(reader.pool);

  /** Many at once are one statement; and never through an overlay: a snapshot of a user is no user. */
  async function findOwner(id: string): Promise<Pick<User, 'organizationId' | 'admin' | 'disabled'> | null> {
    const plan = quick.plan(modelOf('User'), { where: { id } });
    const row = plan ? await quicklyOr(plan.read()) : undefined;
    return row === undefined ? reader.prisma.user.findUnique({ where: { id } }) : (row as User | null);
  }

  async function contextFor({ tenant, userId }: Owner): Promise<((overlay: Snapshot[]) => Context) | null> {
    const user = await findOwner(userId);
    if (!user || user.disabled || user.organizationId !== tenant) return null;
    const viewer: Viewer = { userId, organizationId: tenant, admin: user.admin, scope: 'READ', token: null };
    return (snapshots) => {
      const reading = startReading({ visit: turns.visit(tenant), timeoutMs: config.queryTimeoutMs });
      const prisma = storedClient({ prisma: reader.prisma, quick, snapshots, reading });
      let fenced: Webhooks | undefined;
      return {
        ...createContext({ prisma, viewer, webhooks }),
        // Few queries ask for what the engine keeps.
        get webhooks() {
          fenced ??= { ...webhooks, engine: { ...webhooks.engine, pool: fencedPool(reader.pool, reading) } };
          return fenced;
        },
      };
    };
  }

  const webhooks = createWebhooks({
    pool,
    host: {
      schema: () => schema,
      nodes,
      integrationType: 'Integration',
      environmentType: 'Environment',
      toGlobalId: encodeGlobalId,
      fromGlobalId: decodeGlobalId,
      contextFor,
      faultOf,
    },
    keys,
    ...(reloadKeys && { reloadKeys }),
    settings: {
      baseUrl: config.baseUrl,
      domain: config.domain,
      headerPrefix: config.headerPrefix,
      allowedNetworks: config.allowedNetworks,
      allowedPorts: config.allowedPorts,
      caCertificates: config.caCertificates ?? [],
      sns: { accounts: config.snsAccounts, managedTopics: config.snsManaged },
      ...(config.egressProxy !== null && { egressProxy: config.egressProxy }),
      forbiddenEndpoints: ownEndpoints(config, databaseUrl),
      queryDeadlineMs: config.queryTimeoutMs + MAX_WAIT_MS,
      queryLimits: { fields: config.queryMaxFields, depth: config.queryMaxDepth, cost: config.queryMaxCost },
    },
    log,
  });

  async function close(): Promise<void> {
    await webhooks.close();
    await Promise.all([pool.end(), prisma.$disconnect().then(() => writer.end()), reader.close()]);
  }

  try {
    await webhooks.checkKeys();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    config,
    log,
    pool,
    schema,
    webhooks,
    prepare: () => webhooks.prepare(),
    seed: async () => ({ adminToken: await makeSampleData(prisma, { adminToken: config.adminToken }) }),
    authenticate: (token) => findViewer(pool, token),
    contextOf: (viewer, traceparent = null) => createContext({ prisma, viewer, webhooks, quickWrite, traceparent }),
    close,
  };
}

/**
 * Where a delivery would meet ourselves. The public address counts by its name alone: behind a load balancer its addresses are
 * others' too. A port that the system chooses is told when the API listens.
 */
function ownEndpoints({ host, port, baseUrl }: Config, databaseUrl: string): Endpoint[] {
  const database = databaseEndpoint(databaseUrl);
  const { hostname, port: basePort, protocol } = new URL(baseUrl);
  return [
    ...(database ? [database] : []),
    ...(port === 0 ? [] : [{ host, port }]),
    { host: hostname, port: Number(basePort || (protocol === 'https:' ? 443 : 80)), byName: true },
  ];
}
