// Wraps a pool: closes connections on which Postgres has gone silent, and uses no connection to a server that is no longer the
// primary.
import type pg from 'pg';
import { overriding } from '../local-pool.js';
import { closeNow } from './close-now.js';
import { addConnection, connectionOf, isOutdated, noteServer, StandbyError, serverOf } from './server.js';
import { setSilence, watchClient } from './watch-client.js';

/**
 * Default number of milliseconds without a byte from Postgres, while a statement runs, after which Hookgraph checks
 * whether the connection is dead.
 */
export const SILENCE_MS = 8_000;
/** Maximum milliseconds to wait until a busy pool has a free connection, or a new connection is open. */
export const CONNECT_MS = 10_000;

export interface WatchOptions {
  silenceMs?: number | undefined;
  /** Whether the pool's transactions are read-only on purpose. */
  isReader?: boolean;
}

interface Watch {
  silenceMs: number;
  isReader: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: pg's query() has many forms, which are passed on as they are.
type Args = any[];
type Done = (error: unknown, ...results: unknown[]) => void;

/** Returns a pool with the same connections and methods. */
export function watchedPool(pool: pg.Pool, { silenceMs = SILENCE_MS, isReader = false }: WatchOptions = {}): pg.Pool {
  async function take(): Promise<pg.PoolClient> {
    for (;;) {
      const client = await withinLimit(pool);
      const known = connectionOf(client);
      if (known && isOutdated(client)) {
        discard(client);
        continue;
      }
      if (known) known.inUse = true;
      setSilence(client, silenceMs);
      if (!known) await greet(pool, client, { silenceMs, isReader });
      return client;
    }
  }

  async function run(args: Args): Promise<unknown> {
    const client = await take();
    try {
      const result = await client.query(...(args as [string]));
      giveBack(client, client.release);
      return result;
    } catch (error) {
      giveBack(client, client.release, error as Error);
      throw error;
    }
  }

  /** Takes a client whose `release` also ends the watch. */
  async function lend(): Promise<pg.PoolClient> {
    const client = await take();
    const { release } = client;
    client.release = (destroy) => giveBack(client, release, destroy);
    return client;
  }

  return overriding(pool, {
    query: (...args: Args) => {
      const done = typeof args.at(-1) === 'function' ? (args.pop() as Done) : undefined;
      const result = run(args);
      return done ? void result.then((rows) => done(null, rows), done) : result;
    },
    connect: (done?: Done) => {
      const taken = lend();
      return done ? void taken.then((client) => done(null, client, client.release), done) : taken;
    },
  });
}

/** Watches a new connection, and checks that it leads to the primary. */
async function greet(pool: pg.Pool, client: pg.PoolClient, { silenceMs, isReader }: Watch): Promise<void> {
  const connection = addConnection(client, serverOf(pool), isReader);
  watchClient(pool, client, connection, silenceMs);
  try {
    const { rows } = await client.query<{ standby: boolean; started: string }>(
      'SELECT pg_is_in_recovery() AS standby, pg_postmaster_start_time()::text AS started',
    );
    if (rows[0]?.standby) throw new StandbyError();
    noteServer(connection, rows[0]?.started as string);
  } catch (error) {
    connection.inUse = false;
    discard(client);
    throw error;
  }
}

function giveBack(client: pg.PoolClient, release: pg.PoolClient['release'], destroy?: Error | boolean): void {
  const known = connectionOf(client);
  if (known) known.inUse = false;
  setSilence(client, 0);
  release.call(client, destroy || isOutdated(client));
}

/** Removes a connection from its pool, without waiting for the server's goodbye, which may never come. */
function discard(client: pg.PoolClient): void {
  client.release(true);
  closeNow(client);
}

/** Takes a connection from the pool. Limits the wait here if the host's pool has no limit. */
async function withinLimit(pool: pg.Pool): Promise<pg.PoolClient> {
  if (pool.options.connectionTimeoutMillis) return pool.connect();
  const connecting = pool.connect();
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      // If the connection arrives later, returns it to the pool.
      connecting.then((client) => client.release()).catch(() => {});
      reject(new ConnectTimeout());
    }, CONNECT_MS);
  });
  return Promise.race([connecting, limit]).finally(() => clearTimeout(timer));
}

class ConnectTimeout extends Error {
  code = '08001';
  constructor() {
    super(`No connection to Postgres was free, and none opened, within ${CONNECT_MS} ms`);
  }
}
