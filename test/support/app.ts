// Starts an app on a separate database, with two small organizations, an admin and a viewer of the other organization.
import { randomBytes } from 'node:crypto';
import { type ExecutionResult, graphql } from 'graphql';
import { pino } from 'pino';
import { type Api, startApi } from '../../src/api/index.js';
import type { Viewer } from '../../src/auth/viewer.js';
import { type App, createApp } from '../../src/cli/app.js';
import { readConfig } from '../../src/runtime/config.js';
import { makeOrganizations } from '../../src/sample/data/organizations.js';
import { openPrisma } from '../../src/sample/prisma.js';
import { readDestinationOptions } from '../../src/webhooks/index.js';
import { preparedDatabase, type TestDatabase, testDatabase } from './database.js';
import { nodes } from './sample.js';
import { shareRenderer } from './shared-renderer.js';

export const ADMIN_TOKEN = 'test-admin-token';

export interface TestApp {
  app: App;
  database: TestDatabase;
  /** Ada, who may do everything in the organization Acme. */
  admin: Viewer;
  /** Alain, who may not manage users. */
  member: Viewer;
  /** Hank, the admin of another organization. */
  stranger: Viewer;
  ask(query: string, variables?: Record<string, unknown>, as?: Viewer): Promise<Answer>;
  /** Runs a document with one mutation or query and returns its value; throws top-level errors. */
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of the answer that it queries
  value(query: string, variables?: Record<string, unknown>, as?: Viewer): Promise<any>;
  /** The global id of the first row of a table, e.g. `idOf('User', 'first_name', 'Alain')`. */
  idOf(typename: string, column: string, value: string): Promise<string>;
  close(): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of the answer that it queries
export type Answer = ExecutionResult<any>;

/** Starts an app. `sampleData`: with all sample data; otherwise with the few people and things that the tests name. */
export async function testApp(env: Record<string, string> = {}, { sampleData = false } = {}): Promise<TestApp> {
  const database = sampleData ? await testDatabase({ seeded: true }) : await preparedDatabase('app', prepareFew);
  const app = await openApp(database, env);
  shareRenderer(app.webhooks.engine);
  await app.prepare();
  await app.seed();
  const viewers = await database.pool.query('SELECT id, first_name, organization_id, admin FROM users');
  const viewer = (name: string): Viewer => {
    const row = viewers.rows.find(({ first_name }) => first_name === name);
    return { userId: row.id, organizationId: row.organization_id, admin: row.admin, scope: 'ADMIN', token: null };
  };
  const admin = viewer('Ada');
  const ask: TestApp['ask'] = async (source, variableValues = {}, as = admin) =>
    graphql({ schema: app.schema, source, variableValues, contextValue: app.contextOf(as) }) as Promise<Answer>;
  return {
    app,
    database,
    admin,
    member: viewer('Alain'),
    stranger: viewer('Hank'),
    ask,
    value: async (...asked) => {
      const { data, errors } = await ask(...asked);
      if (errors) throw new Error(errors.map((error) => error.message).join('\n'));
      return Object.values(data ?? {})[0];
    },
    idOf: async (typename, column, value) => {
      const { rows } = await database.pool.query(
        `SELECT id FROM ${nodes.find((node) => node.typename === typename)?.table.name} WHERE ${column}::text = $1 ORDER BY id LIMIT 1`,
        [value],
      );
      return app.webhooks.engine.host.toGlobalId(typename, rows[0].id);
    },
    close: async () => {
      await app.close();
      await database.close();
    },
  };
}

export interface ServedApp extends TestApp {
  api: Api;
}

/** Starts an app and its API on a free port; `close` closes both. */
export async function servedApp(...options: Parameters<typeof testApp>): Promise<ServedApp> {
  const t = await testApp(...options);
  const api = await startApi(t.app, { host: '127.0.0.1', port: 0 });
  return {
    ...t,
    api,
    close: async () => {
      await api.stop();
      await t.close();
    },
  };
}

function openApp({ url }: TestDatabase, env: Record<string, string>): Promise<App> {
  return createApp({
    config: readConfig({ DATABASE_URL: url, HOOKGRAPH_ADMIN_TOKEN: ADMIN_TOKEN, ...env }),
    databaseUrl: url,
    keys: [randomBytes(32)],
    log: pino({ level: 'silent' }),
    destinations: readDestinationOptions(env),
  });
}

/** Makes triggers and topics, and the few people and things that the tests name. */
async function prepareFew(database: TestDatabase): Promise<void> {
  const app = await openApp(database, {});
  await app.prepare();
  const prisma = openPrisma(database.url);
  await prisma.$transaction(makeOrganizations, { timeout: 120_000 });
  await prisma.$disconnect();
  await app.seed();
  await app.close();
  // Deletes the keys, because each app that opens a clone has its own keys.
  await database.pool.query('DELETE FROM hookgraph.encryption_keys');
}
