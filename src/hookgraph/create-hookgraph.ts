// Joins the engine, the GraphQL API and the host's source into one object.
import { buildSchema, defaultFieldResolver, GraphQLError, type GraphQLSchema } from 'graphql';
import { escapeIdentifier, type Pool } from 'pg';
import { type Api, createApi, isMerged, type Labels, mergeApi } from '../graphql/index.js';
import { watchedPool } from '../runtime/connections/watched-pool.js';
import { logBroken, openPool } from '../runtime/database.js';
import { connectionOptions } from '../runtime/database-url/connection-options.js';
import { createFairShare } from '../runtime/fair-share.js';
import { localPool } from '../runtime/local-pool.js';
import { REQUEST_WAIT_MS } from '../runtime/loop-share.js';
import { watchLoop } from '../runtime/loop-watch.js';
import { loopbackAddress } from '../runtime/loopback.js';
import { createMetrics, type MetricsText } from '../runtime/metrics/metrics.js';
import { listNewerMigrations, migrate, planMigrations } from '../runtime/migrate.js';
import { ENGINE_MIGRATIONS } from '../runtime/migration-sets.js';
import { type MonitoringPort, openMonitoringPort } from '../runtime/monitoring-port.js';
import { createPlainLog } from '../runtime/plain-log.js';
import { workerSchema } from '../runtime/queue.js';
import { checkSchemaName, DEFAULT_SCHEMA } from '../runtime/schema-name.js';
import { type PoolReader, poolSource } from '../sources/pool-source.js';
import type { Source } from '../sources/source.js';
import { checkKeys, createWebhooks, deadlinesOf, type PlannedStatement, QUERY_WAIT_MS, type Webhooks } from '../webhooks/index.js';
import { startWorker, type Worker } from '../worker/index.js';
import { createAnnouncement } from './announcement.js';
import { type CheckProblem, checkAll, isMigrated } from './check.js';
import { type ConsoleOptions, mountConsole } from './console/mount.js';
import { faultOf } from './faults.js';
import { createHandler } from './handler.js';
import { createLoadNode } from './load-node.js';
import { createMeter, createMetricsReader } from './metrics.js';
import { DEFAULT_IDS, decodeKeys, type HookgraphOptions } from './options.js';
import { readyAnswer, refuseOutOfStep } from './readiness.js';
import { createSignIn, type StoredContext } from './sign-in.js';
import { createTablesHost } from './tables-host.js';

/** Default limits of a stored query, counted with its fragments expanded. `settings.queryLimits` overrides them. */
const QUERY_LIMITS = { fields: 1000, depth: 12, cost: 25_000 };

/**
 * Number of read-only connections reserved for looking up the owners of subscriptions. These look-ups don't count towards
 * a tenant's share of the connections, so that a busy tenant can't delay them.
 */
const OWNER_CONNECTIONS = 2;
/** Number of connections of the main pool that organizations share for their queries about webhooks. */
const REQUEST_CONNECTIONS = 10;

export interface Hookgraph {
  /** The host's schema merged with Hookgraph's API; the API alone when the host has no schema. */
  schema: GraphQLSchema;
  /** Answers GraphQL requests at any path, and health probes at paths that end in `/healthz` or `/readyz`. */
  handler(request: Request): Promise<Response>;
  /**
   * Returns a handler that serves the console at `path` and below it. The console contains no data: the browser sends queries to `endpoint`
   * with the cookies of your application, whose sign-in also protects the endpoint against requests from other sites.
   */
  console(options: ConsoleOptions): (request: Request) => Promise<Response>;
  /** Reads the database's catalog once. The other methods do so when needed; await `ready` at the start to find mistakes early. */
  ready(): Promise<void>;
  /**
   * Updates the engine's tables, topics and triggers. Idempotent and safe to run concurrently. If a newer version has
   * migrated the database, it logs a warning and changes nothing.
   */
  migrate(): Promise<void>;
  /** Returns the SQL that `migrate` would run. Empty when everything is up to date. */
  plan(): Promise<PlannedStatement[]>;
  /**
   * Returns the problems of the announced tables, the root fields in `find`, triggers and stored queries, with the current
   * schema or with the schema in `next`. Changes nothing.
   */
  check(next?: { schema: GraphQLSchema }): Promise<CheckProblem[]>;
  /**
   * Starts relaying events, sending deliveries and recording attempts in this process.
   * @throws WebhooksError when changes of the announced tables aren't recorded as announced; it lists every reason
   */
  work(): Promise<Worker>;
  /** Makes a worker of this or another process turn recorded changes into events at once. Call it after committing a write. */
  poke(): void;
  /**
   * Returns Hookgraph's metrics in Prometheus' text format, for an endpoint of the host. Leaves out the process's memory
   * and processor time, because the host may measure them itself.
   */
  metrics(): Promise<MetricsText>;
  /** Serves /healthz, /readyz and /metrics on a separate port. Rejects when the address is in use. Default host: 127.0.0.1. */
  monitor(options: { host?: string; port: number }): Promise<MonitoringPort>;
  /** Runs a write of the host that before-hooks may refuse: subscriptions whose receivers are called before the write. */
  gate: Webhooks['passGate'];
  /**
   * Removes the triggers that record changes, and keeps the history; with `everything`, drops all of Hookgraph's schemas.
   * Stop the workers first.
   */
  detach(options?: { everything?: boolean }): Promise<void>;
  /** Closes the connections that Hookgraph opened. A pool that the host passed as `database` stays open. */
  close(): Promise<void>;
  /** Internal: for Hookgraph's own processes and tests. */
  webhooks: Webhooks;
  pool: Pool;
}

/** Makes the API's root fields wait until the catalog has been read, because a request may arrive earlier. */
function afterReading({ schema }: Api, ready: () => Promise<unknown>): void {
  let isReady = false;
  const roots = [schema.getQueryType(), schema.getMutationType()];
  for (const field of roots.flatMap((type) => Object.values(type?.getFields() ?? {}))) {
    const { resolve = defaultFieldResolver } = field;
    field.resolve = (root, args, context, info) => {
      if (isReady) return resolve(root, args, context, info);
      return ready().then(() => {
        isReady = true;
        return resolve(root, args, context, info);
      });
    };
  }
}

export function createHookgraph<Context extends object, Reader = PoolReader>(options: HookgraphOptions<Context, Reader>): Hookgraph {
  if (!options.database) throw new Error('`database` is missing: pass a connection string or a pg.Pool. Is DATABASE_URL set?');
  const log = options.log ?? createPlainLog();
  const { queryConnections = 20 } = options;
  const limits = { queryMs: options.queryTimeoutMs, ...options.settings?.limits };
  const { queryMs: queryTimeoutMs, silenceMs } = deadlinesOf(limits);
  const schemaName = checkSchemaName(options.databaseSchema ?? DEFAULT_SCHEMA);
  const inSchema = { schema: schemaName };
  const pool =
    typeof options.database === 'string'
      ? openPool(options.database, { log, silenceMs, ...inSchema })
      : localPool(watchedPool(options.database, { silenceMs }), inSchema);
  const metrics = createMetrics();
  const delays = metrics.histogram('hookgraph_loop_delay_seconds', [{}]);
  const endWatch = watchLoop({ log, onDelay: (ms) => delays.observe(0, ms / 1000) });
  const stopLogging = typeof options.database === 'string' ? () => {} : logBroken(options.database, log);
  const connection = typeof options.database === 'string' ? connectionOptions(options.database) : options.database.options;
  const source = (options.source ?? poolSource) as Source<Reader>;
  const opened = source.open({ connection, log, connections: queryConnections, queryTimeoutMs, silenceMs });
  const storedPool = localPool(opened.pool, inSchema);
  const ids = options.ids ?? DEFAULT_IDS;
  const fairShare = createFairShare({ connections: Math.max(1, queryConnections - OWNER_CONNECTIONS), maxWaitMs: QUERY_WAIT_MS });
  const requestShare = createFairShare({ connections: REQUEST_CONNECTIONS, maxWaitMs: REQUEST_WAIT_MS });
  const stored = new WeakMap<object, StoredContext>();
  const actorOf = (context: object) => stored.get(context)?.actor ?? options.actor(context as Context);
  /** A stored query never has an operator's rights, even if an operator owns it. */
  const isOperator = (context: object) => !stored.has(context) && options.operator?.(context as Context) === true;
  const api = createApi({
    access(context) {
      const actor = actorOf(context);
      const as = stored.get(context);
      if (as) return { engine: as.engine, actor };
      return { engine: webhooks.engine, actor, share: actor && requestShare.begin(actor.tenant) };
    },
    decodeId: ids.decode,
    ...(options.types && { types: options.types, loadNode: createLoadNode(() => webhooks.engine.host) }),
    ...(options.presets && { presets: true }),
    ...(options.labels && { labels: options.labels as Labels }),
    ...(options.operator && { operators: { isOperator, check: checkSdl } }),
  });
  afterReading(api, () => announcement.ready());
  const merge = (host: GraphQLSchema) => mergeApi(host, api, { ...(options.prefix && { prefix: options.prefix }) });
  /** Merges Hookgraph's API into a schema unless it is already merged, as in a printed copy of the served schema. */
  const mergedOrAsIs = (host: GraphQLSchema) => (isMerged(host, api) ? host : merge(host));
  const schema = options.schema ? merge(options.schema) : api.schema;
  const tablesHost = options.schema
    ? null
    : createTablesHost({ pool: opened.pool, fairShare, queryTimeoutMs, actor: actorOf, merge, refresh: () => announcement.refresh() });
  const announcement = createAnnouncement(options, { pool, models: source.models, onRead: (completed) => tablesHost?.rebuild(completed) });
  let gatedTypes: ReadonlySet<string> | undefined;
  const schemaNow = () => tablesHost?.current()?.schema ?? schema;
  const webhooks: Webhooks = createWebhooks({
    pool,
    host: {
      schema: schemaNow,
      get nodes() {
        return announcement.nodes();
      },
      ...(options.types?.integration && { integrationType: options.types.integration }),
      ...(options.types?.environment && { environmentType: options.types.environment }),
      get find() {
        return options.find ?? tablesHost?.current()?.find;
      },
      get gatedTypes() {
        gatedTypes ??= new Set(typeof options.gatedTypes === 'function' ? options.gatedTypes() : options.gatedTypes);
        return gatedTypes;
      },
      ...(options.pageArguments && { pageArguments: options.pageArguments }),
      defaultPayload: options.defaultPayload ?? (options.schema ? 'LINK' : 'ROW'),
      fieldRights: options.fieldRights ?? options.schema !== undefined,
      announcementProblems: async () => (await announcement.inspect()).problems,
      toGlobalId: ids.encode,
      fromGlobalId: ids.decode,
      contextFor: createSignIn({
        signIn: options.signIn,
        opened,
        pool: storedPool,
        fairShare,
        queryTimeoutMs,
        engine: () => webhooks.engine,
        onContext: (context, as) => {
          stored.set(context, as);
          tablesHost?.register(context, as);
        },
      }),
      faultOf: (error) => options.faultOf?.(error) ?? opened.faultOf(error) ?? faultOf(error),
    },
    keys: decodeKeys(options.keys),
    ...(options.reloadKeys && { reloadKeys: options.reloadKeys }),
    settings: {
      domain: 'localhost',
      headerPrefix: 'X-Hookgraph-',
      allowedNetworks: [],
      queryLimits: QUERY_LIMITS,
      ...options.settings,
      limits,
    },
    log,
    meter: createMeter(metrics),
  });
  const pools = { main: pool, queries: opened.pool };
  const reader = createMetricsReader({ metrics, webhooks, pools, connection, schema: schemaName, log });
  const ready = () => readyAnswer({ announcement, webhooks });
  async function check(next?: { schema: GraphQLSchema }): Promise<CheckProblem[]> {
    await announcement.ready().catch(() => {});
    const schema = next ? mergedOrAsIs(next.schema) : schemaNow();
    return checkAll({ announcement, webhooks, schema, find: webhooks.engine.host.find });
  }

  async function checkSdl(sdl: string | null): Promise<CheckProblem[]> {
    if (sdl === null) return check();
    try {
      return await check({ schema: buildSchema(sdl, { assumeValidSDL: true }) });
    } catch (error) {
      throw error instanceof GraphQLError ? new GraphQLError(`\`schema\` is not a valid GraphQL schema: ${error.message}`) : error;
    }
  }

  const handler = createHandler({
    schema: schemaNow,
    log,
    maxCost: options.apiMaxCost ?? 100_000,
    context: async (request) => (await options.context?.(request)) ?? {},
    tenantOf: (context) => actorOf(context)?.tenant ?? null,
    ready: announcement.ready,
    readiness: ready,
  });

  return {
    schema,
    handler,
    console: (served) => mountConsole(served, () => announcement.ready().then(schemaNow)),
    webhooks,
    pool,
    ready: async () => void (await announcement.ready()),
    async migrate() {
      // Fails if this process's keys differ from the keys that encrypted the secrets in the database.
      if (await isMigrated(webhooks)) await checkKeys(pool, webhooks.engine.vault, { activate: false });
      const newer = await listNewerMigrations(pool, ENGINE_MIGRATIONS.dir, schemaName);
      if (newer.length > 0) {
        log.warn({ migrations: newer }, 'a newer version of Hookgraph has migrated this database; this version changes nothing');
        return;
      }
      await migrate(pool, ENGINE_MIGRATIONS.dir, inSchema);
      await announcement.refresh();
      await webhooks.prepare();
    },
    async plan() {
      if ((await listNewerMigrations(pool, ENGINE_MIGRATIONS.dir, schemaName)).length > 0) return [];
      const pending = await planMigrations(pool, ENGINE_MIGRATIONS.dir, schemaName);
      await announcement.refresh();
      const capture = await webhooks.plan({ isMigrated: pending.length === 0 });
      return [...pending.map(({ name, sql }) => ({ about: `migration ${name} of Hookgraph's own tables`, table: null, sql })), ...capture];
    },
    check,
    async work() {
      await refuseOutOfStep({ announcement, webhooks });
      await webhooks.checkKeys();
      return startWorker({ pool, log, webhooks }, { isOwnProcess: false });
    },
    metrics: () => reader.write({ process: false }),
    async monitor({ host = loopbackAddress(), port }) {
      const opened = await openMonitoringPort({ host, port, readiness: ready, metrics: () => reader.write({ process: true }), log });
      webhooks.forbid({ host, port: opened.port });
      return opened;
    },
    poke: () => webhooks.poke(),
    gate: webhooks.passGate,
    async detach({ everything = false } = {}) {
      // CASCADE also drops the triggers on the host's tables, because they call functions of these schemas.
      const drops = [schemaName, workerSchema(pool)].map((name) => `DROP SCHEMA IF EXISTS ${escapeIdentifier(name)} CASCADE`);
      if (everything) await pool.query(drops.join('; '));
      else await webhooks.detach();
    },
    async close() {
      await webhooks.close();
      endWatch();
      stopLogging();
      await Promise.all([opened.close(), reader.close(), typeof options.database === 'string' ? pool.end() : undefined]);
    },
  };
}
