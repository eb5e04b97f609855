// Adapts a pool's statements to the installation: to the schema of Hookgraph's tables, to session settings, and to a
// pooler such as pgbouncer.
import pg from 'pg';
import { StandbyError } from './connections/server.js';
import { isPooled, isPooledNow } from './pooler.js';
import { DEFAULT_SCHEMA, localSql, nameSuffix, registerSchema } from './schema-name.js';

export interface LocalOptions {
  /** The schema of Hookgraph's tables, which statements refer to as `hookgraph`. */
  schema?: string;
  /**
   * Postgres settings for every statement. They are set when a connection opens or, behind a pooler, in each transaction,
   * because other clients use the same sessions.
   */
  settings?: Record<string, string>;
}

// biome-ignore lint/suspicious/noExplicitAny: pg's query() has many forms, which are passed on as they are.
type Query = (...args: any[]) => any;
type Config = { text: string; name?: string };

/** Formats settings for Postgres' `options` startup parameter; a backslash escapes whitespace and backslashes. */
function sessionOptions(settings: Record<string, string>): string {
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replaceAll(/[\\\s]/g, '\\$&')}`)
    .join(' ');
}

/**
 * Returns a pool that uses the connections of `pool` and has the same methods. Behind a pooler it sends statements without
 * their names, because another process may have prepared a different statement under the same name in the session.
 */
export function localPool(pool: pg.Pool, { schema = DEFAULT_SCHEMA, settings }: LocalOptions): pg.Pool {
  const isDefault = schema === DEFAULT_SCHEMA;
  const localize = (first: unknown): unknown => {
    if (isDefault) return first;
    if (typeof first === 'string') return localSql(first, schema);
    const { text, name } = (first ?? {}) as Config;
    if (typeof text !== 'string') return first;
    // The suffix keeps the prepared statements of two installations on one pool apart.
    return { ...(first as Config), text: localSql(text, schema), ...(name !== undefined && { name: `${name}${nameSuffix(schema)}` }) };
  };
  let prepared = false;
  /**
   * Returns whether a pooler is in front of Postgres. If not, adds `settings` to the startup options of the pool's
   * connections, which works only before the first connection opens.
   */
  const detect = async (): Promise<boolean> => {
    const pooled = await isPooled(pool);
    if (settings && !pooled && !prepared) Object.assign(pool.options, { options: sessionOptions(settings) });
    prepared = true;
    return pooled;
  };

  const query: Query = (first, ...rest) => {
    const config = localize(first);
    if (!settings && (config as Config | null)?.name === undefined) return pool.query(config as string, ...rest);
    const pooled = prepared || !settings ? isPooledNow(pool) : undefined;
    if (pooled === undefined) return detect().then(() => query(first, ...rest));
    if (!pooled) return pool.query(config as string, ...rest);
    return settings ? inTransaction(pool, settings, [config, ...rest]) : pool.query(unnamed(config) as string, ...rest);
  };

  const open = async (): Promise<pg.PoolClient> => {
    const pooled = await detect();
    const client = await pool.connect();
    if (isDefault && !pooled) return client;
    const run: Query = (first, ...rest) => {
      const config = localize(first);
      return client.query(...([pooled ? unnamed(config) : config, ...rest] as [string]));
    };
    return overriding(client, { query: pooled && settings ? keepingSettings(run, settings) : run });
  };
  const connect: Query = (done?: (error: unknown, client?: pg.PoolClient, release?: pg.PoolClient['release']) => void) => {
    const opened = open();
    if (!done) return opened;
    opened.then((client) => done(null, client, client.release.bind(client)), done);
  };
  const local = overriding(pool, { query, connect });
  registerSchema(local, schema);
  return local;
}

/** Wraps an object and replaces some of its methods. All other properties are read from the object itself. */
export function overriding<T extends object>(target: T, methods: Record<string, (...args: never[]) => unknown>): T {
  const own: Record<string | symbol, unknown> = { ...methods };
  return new Proxy(target, {
    get(_, name) {
      if (Object.hasOwn(own, name)) return own[name];
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' && name !== 'constructor' ? value.bind(target) : value;
    },
    // A caller may wrap a replaced method and assign the wrapper to the proxy. The assignment must not reach the target: the wrapper
    // calls this object's method, which calls the target's method, and both would call each other endlessly.
    set(_, name, value) {
      if (!Object.hasOwn(own, name)) return Reflect.set(target, name, value);
      own[name] = value;
      return true;
    },
  });
}

function unnamed(config: unknown): unknown {
  if ((config as Config | null)?.name === undefined) return config;
  const { name: _, ...rest } = config as Config;
  return rest;
}

function settingStatements({ default_transaction_read_only: readOnly, ...settings }: Record<string, string>): string[] {
  return [
    ...(readOnly === 'on' ? ['SET TRANSACTION READ ONLY'] : []),
    ...Object.entries(settings).map(([name, value]) => `SET LOCAL ${pg.escapeIdentifier(name)} = ${pg.escapeLiteral(value)}`),
  ];
}

/** Runs one statement in a transaction that sets `settings`, because a pooler may use another session for each transaction. */
async function inTransaction(pool: pg.Pool, settings: Record<string, string>, [config, ...rest]: unknown[]): Promise<unknown> {
  const client = await pool.connect();
  let broken: boolean | Error = true;
  try {
    const result = await wrapped((...args) => client.query(...(args as [string])), settings, [unnamed(config), ...rest]);
    broken = false;
    return result;
  } catch (error) {
    // After an ordinary SQL error the connection is still usable.
    broken = !(error instanceof Error && 'severity' in error && error.severity === 'ERROR');
    throw error;
  } finally {
    client.release(broken);
  }
}

async function wrapped(run: Query, settings: Record<string, string>, args: unknown[]): Promise<unknown> {
  // Checks for a standby again, because the pooler may have moved to one since the connection to the pooler was checked.
  const begun = await run(['BEGIN', ...settingStatements(settings), 'SELECT pg_is_in_recovery() AS standby'].join('; '));
  try {
    if (begun.at(-1).rows[0].standby) throw new StandbyError();
    const result = await run(...args);
    await run('COMMIT');
    return result;
  } catch (error) {
    await run('ROLLBACK').catch(() => {});
    throw error;
  }
}

/**
 * Runs a client's statements one after another, each in a transaction with the settings. Inside a transaction of the
 * caller, applies the settings once.
 */
function keepingSettings(run: Query, settings: Record<string, string>): Query {
  let inside = false;
  let last: Promise<unknown> = Promise.resolve();
  const next = async (args: unknown[]): Promise<unknown> => {
    const [first] = args;
    const text = typeof first === 'string' ? first : String((first as Config).text);
    if (/^\s*(begin|start\s+transaction)\b/i.test(text)) {
      inside = true;
      const result = await run(...args);
      await run(settingStatements(settings).join('; '));
      return result;
    }
    if (/^\s*(commit|end|rollback|abort)\b(?!\s+(work\s+|transaction\s+)?to\b)/i.test(text)) inside = false;
    else if (!inside) return wrapped(run, settings, args);
    return run(...args);
  };
  return (...args) => {
    const result = last.then(() => next(args));
    last = result.catch(() => {});
    return result;
  };
}
