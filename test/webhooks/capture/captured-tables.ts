// Makes a database that captures the given tables and nodes, and reads the captured events.
import pg from 'pg';
import { pino } from 'pino';
import { attachTriggers } from '../../../src/webhooks/capture/attach-triggers.js';
import { prepareCapture } from '../../../src/webhooks/capture/prepare-capture.js';
import type { AnnouncedNode, Json } from '../../../src/webhooks/index.js';
import { preparedDatabase, type TestDatabase, testDatabase } from '../../support/database.js';

export const silent = pino({ level: 'silent' });

export interface CapturedEvent {
  tenant: string | null;
  environment: string | null;
  typename: string;
  key: string;
  operation: string;
  changed: string[] | null;
  before: Record<string, Json> | null;
  after: Record<string, Json> | null;
  context: string | null;
}

export interface CapturedTables extends TestDatabase {
  /** Events since the last call, in the order of their ids. */
  events(): Promise<CapturedEvent[]>;
  /** Opens another session, optionally as another role. */
  connect(options?: { user?: string; options?: string }): Promise<pg.Client>;
}

/** Returns a node type `Thing` on `public.things (id, tenant, …)`. `rest` replaces some of its properties. */
export function thing(rest: Partial<AnnouncedNode> = {}): AnnouncedNode {
  return {
    typename: 'Thing',
    table: { schema: 'public', name: 'things' },
    key: ['id'],
    columns: { id: 'id', name: 'name' },
    tenant: { column: 'tenant' },
    ...rest,
  };
}

export const THINGS = 'CREATE TABLE public.things (id integer PRIMARY KEY, tenant text, name text)';

export async function captureTables(ddl: string, nodes: AnnouncedNode[] = [thing()]): Promise<CapturedTables> {
  const database = await testDatabase();
  await database.pool.query(ddl);
  await attachTriggers(database.pool, nodes, silent);
  return captured(database);
}

/** Makes a database prepared for these nodes, as for a worker. `fill` then adds rows. Calls with the same arguments share a template. */
export async function prepareTables(
  ddl = THINGS,
  nodes: AnnouncedNode[] = [thing()],
  fill: (pool: pg.Pool) => Promise<unknown> = async () => {},
): Promise<CapturedTables> {
  const database = await preparedDatabase(`${ddl} ${JSON.stringify(nodes)} ${fill}`, async ({ pool }) => {
    await pool.query(ddl);
    await prepareCapture(pool, nodes, silent);
    await fill(pool);
  });
  return captured(database);
}

function captured(database: TestDatabase): CapturedTables {
  const clients: pg.Client[] = [];
  let seen = '0';
  return {
    ...database,
    async events() {
      const { rows } = await database.pool.query<CapturedEvent & { id: string }>(
        `SELECT id, tenant, environment, typename, node_key AS key, operation, changed, before, after, context
         FROM hookgraph.captures WHERE id > $1 ORDER BY id`,
        [seen],
      );
      seen = rows.at(-1)?.id ?? seen;
      return rows.map(({ id: _, ...event }) => event);
    },
    async connect({ user, options } = {}) {
      const client = new pg.Client({
        connectionString: database.url,
        ...(user !== undefined && { user }),
        ...(options !== undefined && { options }),
      });
      client.on('error', () => {});
      await client.connect();
      clients.push(client);
      return client;
    },
    async close() {
      await Promise.all(clients.map((client) => client.end()));
      await database.close();
    },
  };
}
