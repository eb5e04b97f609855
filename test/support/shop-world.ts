// Starts a host that is unlike the sample: SDL over plain pg, no Relay, integer, bigint and composite keys, and fields
// that refuse some viewers.
import { randomBytes } from 'node:crypto';
import { buildSchema, GraphQLError, type GraphQLFieldResolver, type GraphQLObjectType, type GraphQLScalarType } from 'graphql';
import { pino } from 'pino';
import { prepareCapture } from '../../src/webhooks/capture/prepare-capture.js';
import {
  type Actor,
  type AnnouncedNode,
  createSubscription,
  createWebhooks,
  type Host,
  recall,
  type SubscriptionInput,
  type Webhooks,
  type Working,
} from '../../src/webhooks/index.js';
import { preparedDatabase, type TestDatabase } from './database.js';
import { MADE_BY_TESTS, SETTINGS } from './engine-world.js';
import { type Receiver, startReceiver } from './receiver.js';
import { shareRenderer } from './shared-renderer.js';

export const KEEPER: Actor = { tenant: '1', userId: 'keeper', canManageWebhooks: true };

const SHOP_SDL = `
  scalar UUID
  scalar Serial
  type Space { id: Int! name: String! email: String phone: String notes: String owner: Person shopId: Int total: String }
  type Person { id: ID! }
  type BookingSlot { bookingId: Int! slotId: Int! seat: String }
  type Query {
    space(id: Int!): Space
    spaceBySerial(serial: Serial!): Space
    spaces(ids: [Int!], limit: Int): [Space!]!
    bookingSlot(bookingId: Int!, slotId: Int!): BookingSlot
    shopName: String
  }`;

const DDL = `
  CREATE TABLE public.spaces (space_id bigint PRIMARY KEY, shop_id int, name text NOT NULL DEFAULT '', email text, phone text, notes text,
    secret text, owner_id int, total numeric);
  CREATE TABLE public.booking_slots (booking_id int, slot_id int, shop_id int, seat text, PRIMARY KEY (booking_id, slot_id));`;
const NODES: AnnouncedNode[] = [
  {
    typename: 'Space',
    table: { schema: 'public', name: 'spaces' },
    key: ['space_id'],
    columns: {
      space_id: 'id',
      shop_id: 'shopId',
      name: 'name',
      email: 'email',
      phone: 'phone',
      notes: 'notes',
      owner_id: 'owner',
      total: 'total',
      secret: 'secret',
    },
    tenant: { column: 'shop_id' },
  },
  {
    typename: 'BookingSlot',
    table: { schema: 'public', name: 'booking_slots' },
    key: ['booking_id', 'slot_id'],
    columns: { booking_id: 'bookingId', slot_id: 'slotId', seat: 'seat' },
    tenant: { column: 'shop_id' },
  },
];

export interface ShopWorld {
  db: TestDatabase;
  receiver: Receiver;
  webhooks: Webhooks;
  host: Host;
  /** The refused fields of Space: each throws an error or answers `null`. */
  refused: Map<string, 'ERROR' | 'NULL'>;
  /** The name of each root field that was called, in order. */
  asked: string[];
  state: {
    /** Whether root fields call `recall` for rows that they can't find. */
    recalls: boolean;
    /** Whether root fields return rows that aren't committed yet, as a source with an overlay does. */
    overlays: boolean;
    /** The key of a space that no viewer may read. */
    hidden: number | null;
  };
  subscribe(input: SubscriptionInput, owner?: Actor): Promise<string>;
  work(): Promise<void>;
  /** Stops the worker and deletes everything that a test made, so that the tests of a file can share a world. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

interface ShopContext {
  overlay: { typename: string; key: string; columns: Record<string, unknown>; ahead?: true }[];
}

export async function startShopWorld(host: Partial<Host> = {}): Promise<ShopWorld> {
  const db = await preparedDatabase('shop world', async ({ pool }) => {
    await pool.query(DDL);
    await prepareCapture(pool, NODES, pino({ level: 'silent' }));
  });
  const receiver = await startReceiver();
  const refused: ShopWorld['refused'] = new Map();
  const asked: string[] = [];
  const usual = (): ShopWorld['state'] => ({ recalls: true, overlays: false, hidden: null });
  const state = usual();
  const schema = buildSchema(SHOP_SDL);
  const fields = (type: string) => (schema.getType(type) as GraphQLObjectType).getFields();
  const serial = schema.getType('Serial') as GraphQLScalarType;
  serial.parseValue = (value) => {
    if (typeof value !== 'number') throw new TypeError(`a Serial is a number, and not ${JSON.stringify(value)}`);
    return value;
  };
  const findSpace = async (id: number | string, context: ShopContext) => {
    if (Number(id) === state.hidden) return null;
    const ahead = state.overlays ? context.overlay.find((one) => one.ahead && one.key === String(id)) : undefined;
    const { rows } = ahead ? { rows: [ahead.columns] } : await db.pool.query('SELECT * FROM public.spaces WHERE space_id = $1', [id]);
    return rows[0] ?? (state.recalls ? recall(context, 'Space', id) : null);
  };
  const root: Record<string, GraphQLFieldResolver<unknown, ShopContext>> = {
    space: (_, { id }, context) => findSpace(id, context),
    spaceBySerial: (_, { serial: id }, context) => findSpace(id, context),
    spaces: async (_, { ids }, context) => (await Promise.all(ids.map((id: number) => findSpace(id, context)))).filter(Boolean),
    bookingSlot: async (_, { bookingId, slotId }, context) => {
      const { rows } = await db.pool.query('SELECT * FROM public.booking_slots WHERE booking_id = $1 AND slot_id = $2', [
        bookingId,
        slotId,
      ]);
      return rows[0] ?? (state.recalls ? recall(context, 'BookingSlot', [bookingId, slotId]) : null);
    },
    shopName: () => 'Corner shop',
  };
  for (const [name, resolve] of Object.entries(root))
    (fields('Query')[name] as { resolve: unknown }).resolve = (...given: Parameters<typeof resolve>) => {
      asked.push(name);
      return resolve(...given);
    };
  const read: Record<string, (row: Record<string, unknown>) => unknown> = {
    id: (row) => Number(row.space_id),
    owner: (row) => (row.owner_id === null ? null : { id: row.owner_id }),
    shopId: (row) => row.shop_id,
  };
  for (const name of Object.keys(fields('Space')))
    (fields('Space')[name] as { resolve: unknown }).resolve = (row: Record<string, unknown>) => {
      if (refused.get(name) === 'ERROR') throw new GraphQLError('not for you', { extensions: { code: 'FORBIDDEN' } });
      return refused.get(name) === 'NULL' ? null : (read[name] ?? ((one) => one[name]))(row);
    };
  for (const [name, column] of [
    ['bookingId', 'booking_id'],
    ['slotId', 'slot_id'],
  ] as const)
    (fields('BookingSlot')[name] as { resolve: unknown }).resolve = (row: Record<string, unknown>) => row[column];
  const whole: Host = {
    schema: () => schema,
    nodes: NODES,
    find: { Space: 'space(id: $id)', BookingSlot: 'bookingSlot(bookingId: $bookingId, slotId: $slotId)' },
    toGlobalId: (typename, key) => `${typename}:${key}`,
    fromGlobalId: (id) => {
      const [, typename, key] = /^(\w+):(.*)$/s.exec(id) ?? [];
      return typename !== undefined && key !== undefined ? { typename, key } : null;
    },
    contextFor: async () => (overlay) => ({ overlay }),
    faultOf: ({ extensions }) => (extensions.code === 'FORBIDDEN' ? 'data' : 'node'),
    ...host,
  };
  const { objectUrl: _, ...settings } = SETTINGS;
  const webhooks = createWebhooks({ pool: db.pool, host: whole, keys: [randomBytes(32)], log: pino({ level: 'silent' }), settings });
  shareRenderer(webhooks.engine);
  await webhooks.prepare();
  await webhooks.checkKeys();
  let working: Working | undefined;
  return {
    db,
    receiver,
    webhooks,
    host: whole,
    refused,
    asked,
    state,
    async subscribe(input, owner = KEEPER) {
      const { subscription, problems } = await createSubscription(webhooks.engine, owner, { callbackUrl: receiver.url, ...input });
      if (!subscription) throw new Error(problems.map(({ message }) => message).join('\n'));
      return subscription.id;
    },
    async work() {
      working = await webhooks.work();
    },
    async clear() {
      await working?.stop();
      working = undefined;
      Object.assign(state, usual());
      refused.clear();
      asked.length = 0;
      receiver.requests.length = 0;
      // Sets the role of a replica, so that the trigger that refuses TRUNCATE doesn't fire.
      await db.pool.query(
        `SET LOCAL session_replication_role = replica; TRUNCATE public.spaces, public.booking_slots; TRUNCATE ${MADE_BY_TESTS} CASCADE`,
      );
    },
    async close() {
      await working?.stop();
      await webhooks.close();
      await receiver.close();
      await db.close();
    },
  };
}
