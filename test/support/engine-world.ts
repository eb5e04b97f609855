// Starts the engine alone on an invented schema and table: a host, a receiver, and a worker in this process.
import { randomBytes } from 'node:crypto';
import { buildSchema, GraphQLError, type GraphQLObjectType, type GraphQLSchema, type GraphQLUnionType } from 'graphql';
import { pino } from 'pino';
import { prepareCapture } from '../../src/webhooks/capture/prepare-capture.js';
import { DESTINATIONS } from '../../src/webhooks/destinations/registry.js';
import {
  type Actor,
  type AnnouncedNode,
  createSubscription,
  createWebhooks,
  type Host,
  type Settings,
  type Snapshot,
  type SubscriptionInput,
  type Webhooks,
  type WebhooksOptions,
  type Working,
} from '../../src/webhooks/index.js';
import { preparedDatabase, type TestDatabase } from './database.js';
import { type Receiver, startReceiver } from './receiver.js';
import { shareRenderer } from './shared-renderer.js';

export const OWNER: Actor = { tenant: 'org', userId: 'user', canManageWebhooks: true };

export const SETTINGS: Settings = {
  objectUrl: (nodeId) => `https://api.example/api/v3/graphql/object/${nodeId}`,
  domain: 'api.example',
  headerPrefix: 'X-Scope-',
  allowedNetworks: ['127.0.0.0/8'],
  queryLimits: { fields: 1000, depth: 12, cost: 25_000 },
};

export interface EngineWorld {
  db: TestDatabase;
  receiver: Receiver;
  webhooks: Webhooks;
  /** Controls what the host answers from now on. */
  host: {
    sdl: string;
    ownerGone: boolean;
    fault: 'data' | 'node' | 'ours';
    fail: string | null;
    /** The error code of the failure `fail`. */
    failCode?: string;
    /** The name of a thing that no viewer may read. */
    hidden: string | null;
    /** The name of a thing for which the resolver throws a TypeError. */
    odd: string | null;
  };
  /** Starts a worker, which the world stops at the end. */
  work(): Promise<Working>;
  /** Subscribes to thing/created with a query for the name. Throws when the save is refused. */
  subscribe(input?: Partial<SubscriptionInput>): Promise<string>;
  insertThings(...names: string[]): Promise<void>;
  /** Stops the workers and deletes everything that a test made, so that the tests of a file can share a world. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export const SDL = `
  interface Node { id: ID! }
  type Thing implements Node { id: ID! name: String org: String }
  type Query { node(id: ID!): Node }`;
const NODES: AnnouncedNode[] = [
  {
    typename: 'Thing',
    table: { schema: 'public', name: 'things' },
    key: ['id'],
    columns: { id: 'id', org: 'org', name: 'name' },
    tenant: { column: 'org' },
    updatedAt: 'updated_at',
  },
];
export const QUERY = 'query($nodeId: ID!) { node(id: $nodeId) { ... on Thing { name } } }';

/** `ownRenderer`: whether templates render in separate processes of this world, for templates that end these processes. */
export async function startEngineWorld({
  keys = [randomBytes(32)],
  log = pino({ level: 'silent' }),
  settings = {},
  ownRenderer = false,
}: Partial<Pick<WebhooksOptions, 'keys' | 'log'>> & { settings?: Partial<Settings>; ownRenderer?: boolean } = {}): Promise<EngineWorld> {
  const db = await preparedDatabase('engine world', async ({ pool }) => {
    await pool.query(
      'CREATE TABLE public.things (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, org text, name text, updated_at timestamptz(3) DEFAULT now())',
    );
    await prepareCapture(pool, NODES, pino({ level: 'silent' }));
  });
  const receiver = await startReceiver();
  const answers = usualAnswers();
  let built: { sdl: string; schema: GraphQLSchema } | undefined;
  const schema = () => {
    if (built?.sdl !== answers.sdl) built = { sdl: answers.sdl, schema: executable(answers.sdl, db, answers) };
    return built.schema;
  };
  const host: Host = {
    schema,
    nodes: NODES,
    toGlobalId: (typename, key) => Buffer.from(`${typename}:${key}`).toString('base64url'),
    fromGlobalId: (id) => {
      const [typename, key] = Buffer.from(id, 'base64url').toString().split(':');
      return typename && key ? { typename, key } : null;
    },
    contextFor: async () => (answers.ownerGone ? null : (overlay) => ({ overlay })),
    faultOf: () => answers.fault,
  };
  const webhooks = createWebhooks({
    pool: db.pool,
    host,
    keys,
    log,
    settings: { ...SETTINGS, ...settings },
  });
  if (!ownRenderer) shareRenderer(webhooks.engine);
  await webhooks.prepare();
  await webhooks.checkKeys();
  const workers: Working[] = [];
  return {
    db,
    receiver,
    webhooks,
    host: answers,
    async work() {
      const working = await webhooks.work();
      workers.push(working);
      return working;
    },
    async subscribe(input) {
      const { subscription, problems } = await createSubscription(webhooks.engine, OWNER, {
        topic: { key: 'thing/created' },
        ...(hasDestination(input) ? {} : { callbackUrl: receiver.url }),
        query: QUERY,
        ...input,
      });
      if (!subscription) throw new Error(JSON.stringify(problems));
      return subscription.id;
    },
    insertThings: async (...names) => {
      await db.pool.query(`INSERT INTO public.things (org, name) SELECT 'org', unnest($1::text[])`, [names]);
    },
    async clear() {
      await Promise.all(workers.splice(0).map((worker) => worker.stop()));
      Object.assign(answers, usualAnswers());
      receiver.answer = (response) => void response.end();
      receiver.requests.length = 0;
      // Sets the role of a replica, so that the trigger that refuses TRUNCATE doesn't fire.
      await db.pool.query(
        `SET LOCAL session_replication_role = replica; TRUNCATE public.things RESTART IDENTITY; TRUNCATE ${MADE_BY_TESTS} CASCADE`,
      );
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.stop()));
      await webhooks.close();
      await receiver.close();
      await db.close();
    },
  };
}

const usualAnswers = (): EngineWorld['host'] => ({ sdl: SDL, ownerGone: false, fault: 'node', fail: null, hidden: null, odd: null });

/** The engine's tables whose rows tests make, for TRUNCATE. */
export const MADE_BY_TESTS = [
  'attempts',
  'captures',
  'capture_faults',
  'deliveries',
  'dismissals',
  'event_queue',
  'events',
  'fan_outs',
  'forgettings',
  'forgotten',
]
  .concat([
    'bulk_actions',
    'bulk_action_parts',
    'managed_topics',
    'open_deliveries',
    'ordered_deliveries',
    'paces',
    'replaced_deliveries',
    'sequences',
    'sequence_numbers',
    'related_changes',
    'replays',
    'secrets',
    'subscription_versions',
    'subscriptions',
    'tenant_retention',
  ])
  .map((table) => `hookgraph.${table}`)
  .join(', ');

/** Whether the input has a field of a destination. */
const hasDestination = (input: SubscriptionInput = {}): boolean =>
  DESTINATIONS.some(({ field }) => (input as Record<string, unknown>)[field.name] !== undefined);

function executable(sdl: string, db: TestDatabase, answers: EngineWorld['host']): GraphQLSchema {
  const schema = buildSchema(sdl);
  (schema.getType('Node') as unknown as GraphQLUnionType).resolveType = () => 'Thing';
  const node = (schema.getQueryType() as GraphQLObjectType).getFields().node;
  if (node === undefined) throw new Error('the schema has no node field');
  node.resolve = async (_root, { id }: { id: string }, { overlay }: { overlay: Snapshot[] }) => {
    if (answers.fail !== null) throw new GraphQLError(answers.fail, { extensions: { code: answers.failCode } });
    const key = Buffer.from(id, 'base64url').toString().split(':')[1];
    const { rows } = await db.pool.query('SELECT * FROM public.things WHERE id = $1', [key]);
    if (rows[0] && rows[0].name === answers.hidden) return null;
    if (rows[0] && rows[0].name === answers.odd) throw new TypeError('the total is not a number');
    return rows[0] ?? overlay.find((snapshot) => snapshot.key === key)?.columns ?? null;
  };
  return schema;
}
