// The environment in, what every command stands on out: configuration, log, database and the joined app.

import { type Config, readConfig } from '../runtime/config.js';
import { checkDatabase, openPool } from '../runtime/database.js';
import { loadKeys } from '../runtime/keys.js';
import { createLog } from '../runtime/log.js';
import type { Logger } from '../runtime/logger.js';
import { listPendingMigrations, migrate } from '../runtime/migrate.js';
import { roomsIn } from '../runtime/migration-sets.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../runtime/postgres/embedded-postgres.js';
import { RuntimeError } from '../runtime/runtime-error.js';
import { type App, createApp } from './app.js';

export interface Installation {
  config: Config;
  log: Logger;
  /** null: DATABASE_URL names one. */
  postgres: EmbeddedPostgres | null;
  app: App;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Bring the database up to date; otherwise one that isn't is refused. */
  prepare: boolean;
  /** Use the embedded Postgres that another process runs, if one does. */
  join: boolean;
  /** In place of the process's own. */
  env?: Record<string, string>;
  /** Told what takes long; absent: stdout. */
  say?: (line: string) => void;
}

export async function openInstallation({ prepare, join, env, say }: OpenOptions): Promise<Installation> {
  const store = await openStore({ join, ...(env && { env }), ...(say && { say }) });
  const { config, keys, log, postgres, databaseUrl } = store;
  try {
    if (prepare) await migrateRooms(databaseUrl, config, log);
    else await refuseUnlessMigrated(databaseUrl, config, log);
    const reloadKeys = config.encryptionKeys === null ? () => loadKeys(config) : undefined;
    const app = await createApp({ config, databaseUrl, keys, ...(reloadKeys && { reloadKeys }), log });
    if (prepare) await app.prepare();
    const close = async () => {
      await app.close();
      await store.close();
    };
    return { config, log, postgres, app, close };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** What an installation keeps things in: a database that answers, and the keys. */
export interface Store {
  config: Config;
  /** 32 bytes each, newest first. */
  keys: Buffer[];
  log: Logger;
  postgres: EmbeddedPostgres | null;
  databaseUrl: string;
  close(): Promise<void>;
}

/** `say`: told what takes long. */
export async function openStore({
  join,
  env,
  say = (line) => console.log(line),
}: {
  join: boolean;
  env?: Record<string, string>;
  say?: (line: string) => void;
}): Promise<Store> {
  const config = readConfig(env);
  const log = createLog(config.logLevel);
  const keys = await loadKeys(config);
  const postgres = config.databaseUrl === null ? await startEmbedded(config, log, join, say) : null;
  if (config.databaseUrl !== null) await checkDatabase(config.databaseUrl);
  const databaseUrl = config.databaseUrl ?? (postgres as EmbeddedPostgres).url;
  return { config, keys, log, postgres, databaseUrl, close: async () => postgres?.stop() };
}

function startEmbedded(config: Config, log: Logger, join: boolean, say: (line: string) => void): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({
    dataDir: config.dataDir,
    join,
    onProgress: (message) => say(`${message} …`),
    onLog: (line) => log.debug({ line }, 'postgres'),
  });
}

async function migrateRooms(url: string, { databaseSchema: schema }: Config, log: Logger): Promise<void> {
  const pool = openPool(url, { log, name: 'hookgraph migrate', max: 2, schema });
  try {
    for (const room of roomsIn(schema)) await migrate(pool, room.dir, { ...room, onApplied: (name) => console.log(`Migrated: ${name}`) });
  } finally {
    await pool.end();
  }
}

/** Throws RuntimeError NOT_MIGRATED. */
export async function refuseUnlessMigrated(url: string, { databaseSchema: schema }: Config, log: Logger): Promise<void> {
  const pool = openPool(url, { log, name: 'hookgraph migrate', max: 2, schema });
  try {
    const pending = (await Promise.all(roomsIn(schema).map((room) => listPendingMigrations(pool, room.dir, room.schema)))).flat();
    if (pending.length > 0)
      throw new RuntimeError(
        'NOT_MIGRATED',
        `The database lacks ${pending.length} migrations: ${pending.join(', ')}`,
        'Run `hookgraph migrate`.',
      );
  } finally {
    await pool.end();
  }
}
