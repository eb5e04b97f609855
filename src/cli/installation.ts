// Opens the installation that the environment variables describe: its log, keys, database and sample product.

import { type Config, type Environment, readConfig } from '../runtime/config.js';
import { checkDatabase, openPool } from '../runtime/database.js';
import { loadKeys } from '../runtime/keys.js';
import type { Logger } from '../runtime/logger.js';
import { listPendingMigrations, migrate } from '../runtime/migrate.js';
import { migrationSetsIn } from '../runtime/migration-sets.js';
import { createPlainLog } from '../runtime/plain-log.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../runtime/postgres/embedded-postgres.js';
import { RuntimeError } from '../runtime/runtime-error.js';
import { type ApiAddress, readDestinationOptions } from '../webhooks/index.js';
import { readAddress } from './address.js';
import { type App, createApp } from './app.js';

export interface Installation {
  config: Config;
  log: Logger;
  /** The embedded Postgres; `null` when DATABASE_URL names a database. */
  postgres: EmbeddedPostgres | null;
  app: App;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Migrate the database; otherwise a database that isn't migrated is refused. */
  prepare: boolean;
  /** Use the embedded Postgres of another process if one is running. */
  join: boolean;
  /** The environment variables to read. Default: those of the process. */
  env?: Environment;
  /** Prints a line before each slow step. */
  say(line: string): void;
}

export async function openInstallation({ prepare, join, env, say }: OpenOptions): Promise<Installation> {
  const ready = prepare ? migrateAll : refuseUnlessMigrated;
  const store = await openStore({ join, ...(env && { env }), say }, ready);
  const { keys, log, postgres, databaseUrl } = store;
  try {
    const config = { ...store.config, ...(await learnAddress(store, env)) };
    const reloadKeys = config.encryptionKeys === null ? () => loadKeys(config) : undefined;
    const destinations = readDestinationOptions(env);
    const app = await createApp({ config, databaseUrl, keys, ...(reloadKeys && { reloadKeys }), log, destinations });
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

async function learnAddress({ config, databaseUrl, log }: Store, env?: Environment): Promise<ApiAddress> {
  const pool = openPool(databaseUrl, { log, name: 'hookgraph start', max: 1, schema: config.databaseSchema });
  try {
    return await readAddress(pool, config, env);
  } finally {
    await pool.end();
  }
}

/** The storage of an installation: its running database, and the keys that encrypt secrets. */
export interface Store {
  config: Config;
  /** Keys of 32 bytes, newest first. */
  keys: Buffer[];
  log: Logger;
  postgres: EmbeddedPostgres | null;
  databaseUrl: string;
  close(): Promise<void>;
}

/**
 * Starts or checks the database, calls `ready` with it, and reads the keys. Reads them last, so that a failed start leaves no file with
 * a new key.
 */
export async function openStore(
  { join, env, say }: Omit<OpenOptions, 'prepare'>,
  ready: (url: string, config: Config, log: Logger, say: (line: string) => void) => Promise<void> = async () => {},
): Promise<Store> {
  const config = readConfig(env);
  const log = await openLog(config.logLevel);
  const postgres = config.databaseUrl === null ? await startEmbedded(config, log, join, say) : null;
  const close = async () => postgres?.stop();
  try {
    if (config.databaseUrl !== null) await checkDatabase(config.databaseUrl);
    const databaseUrl = config.databaseUrl ?? (postgres as EmbeddedPostgres).url;
    await ready(databaseUrl, config, log, say);
    const keys = await loadKeys(config, (file) => {
      // The embedded Postgres is in the same folder as the file. Another database can outlive this folder, for example a container's.
      if (config.databaseUrl !== null)
        log.warn(
          { file },
          'created an encryption key; keep this file, or set HOOKGRAPH_ENCRYPTION_KEYS: secrets can be read only with the key',
        );
    });
    return { config, keys, log, postgres, databaseUrl, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Opens the log with pino or, when this optional package isn't installed, with createPlainLog. */
async function openLog(level: Config['logLevel']): Promise<Logger> {
  const found = await import('../runtime/log.js').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    return null;
  });
  return found ? found.createLog(level) : createPlainLog(level);
}

function startEmbedded(config: Config, log: Logger, join: boolean, say: (line: string) => void): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({
    dataDir: config.dataDir,
    join,
    onProgress: (message) => say(`${message} …`),
    onLog: (line) => log.debug({ line }, 'postgres'),
  });
}

async function migrateAll(url: string, { databaseSchema: schema }: Config, log: Logger, say: OpenOptions['say']): Promise<void> {
  const pool = openPool(url, { log, name: 'hookgraph migrate', max: 2, schema });
  try {
    for (const set of migrationSetsIn(schema)) await migrate(pool, set.dir, { ...set, onApplied: (name) => say(`Migrated: ${name}`) });
  } finally {
    await pool.end();
  }
}

/** Checks that all migrations have been applied. @throws RuntimeError `NOT_MIGRATED` otherwise */
export async function refuseUnlessMigrated(url: string, { databaseSchema: schema }: Config, log: Logger): Promise<void> {
  const pool = openPool(url, { log, name: 'hookgraph migrate', max: 2, schema });
  try {
    const pending = (await Promise.all(migrationSetsIn(schema).map((set) => listPendingMigrations(pool, set.dir, set.schema)))).flat();
    if (pending.length > 0)
      throw new RuntimeError(
        'NOT_MIGRATED',
        `${pending.length === 1 ? '1 migration is' : `${pending.length} migrations are`} not applied: ${pending.join(', ')}`,
        'Run `hookgraph migrate`.',
      );
  } finally {
    await pool.end();
  }
}
