// Connects to whichever of several servers answers, encrypted or not, as psql does for a URL that leaves the choice open.
import pg from 'pg';
import type { Tls } from './tls.js';

/** A server and whether to encrypt, with which to try to connect. */
export interface Way {
  host: string;
  port: number;
  ssl: Tls;
}

/** The state of a server that a URL asks for (`target_session_attrs`). */
export type Wanted = 'any' | 'read-write' | 'read-only' | 'primary' | 'standby';

const CHECKS: Partial<Record<Wanted, string>> = {
  'read-write': "SELECT current_setting('transaction_read_only') = 'off' AS fits",
  'read-only': "SELECT current_setting('transaction_read_only') = 'on' AS fits",
  primary: 'SELECT NOT pg_is_in_recovery() AS fits',
  standby: 'SELECT pg_is_in_recovery() AS fits',
};

export const WANTED: readonly string[] = ['any', ...Object.keys(CHECKS)];

/** Parts of node-postgres' client that its types leave out. */
interface Internals {
  host: string;
  port: number;
  ssl: Tls;
  connection: { ssl: Tls; stream: { destroyed: boolean } };
}

/**
 * Returns a class of clients. The first client finds a way that works, and the next clients use the same way until it fails. If the state
 * of the server matters, each client checks it again, because a failover may have changed it.
 */
export function anyServer(ways: Way[], wanted: Wanted): typeof pg.Client {
  let known: Way | undefined;
  const connectTo = async (config: pg.ClientConfig, client: pg.Client, connect: () => Promise<unknown>) => {
    const way = known ?? (await findWay(ways, wanted, config));
    const internals = client as unknown as Internals;
    // A pool that stopped waiting has destroyed the client's socket; connecting now would leave a connection that nobody closes.
    if (internals.connection.stream.destroyed) throw new Error('Connection terminated due to connection timeout');
    Object.assign(internals, way);
    internals.connection.ssl = way.ssl;
    try {
      await connect();
      known = CHECKS[wanted] ? undefined : way;
    } catch (error) {
      known = undefined;
      throw error;
    }
  };
  return class extends pg.Client {
    readonly #config: pg.ClientConfig;

    constructor(config: pg.ClientConfig) {
      super(config);
      this.#config = { ...config, password: (config as { password?: string }).password };
    }

    override connect(): Promise<pg.Client>;
    override connect(done: ((error: Error) => void) | ((error: null, client: pg.Client) => void)): void;
    // biome-ignore lint/suspicious/noExplicitAny: the two forms of the callback have no common type.
    override connect(done?: (...args: any[]) => void): Promise<pg.Client> | undefined {
      const connected = connectTo(this.#config, this, () => super.connect());
      if (!done) return connected.then(() => this);
      connected.then(
        () => process.nextTick(done, null, this),
        (error) => process.nextTick(done, error),
      );
      return undefined;
    }
  };
}

async function findWay(ways: Way[], wanted: Wanted, config: pg.ClientConfig): Promise<Way> {
  let failed: { way: Way; error: unknown } | undefined;
  for (const way of ways) {
    if (failed?.way.host === way.host && failed.way.port === way.port && !refusesEncryption(failed.error)) continue;
    try {
      return await tryWay(way, wanted, config);
    } catch (error) {
      // A wrong password or database name would fail on every server.
      if (/^(28P01|3D000)$/.test(String((error as { code?: unknown }).code))) throw error;
      failed = { way, error };
    }
  }
  throw failed?.error;
}

async function tryWay(way: Way, wanted: Wanted, config: pg.ClientConfig): Promise<Way> {
  const client = new pg.Client({ connectionTimeoutMillis: 10_000, ...config, ...way });
  client.on('error', () => {});
  try {
    await client.connect();
    const check = CHECKS[wanted];
    const { rows } = check ? await client.query(check) : { rows: [{ fits: true }] };
    if (!rows[0].fits) throw new Error(`the server ${way.host}:${way.port} is not ${wanted}, as target_session_attrs asks`);
    return way;
  } finally {
    await client.end().catch(() => {});
  }
}

/** Whether the server refused the connection because it was encrypted, or because it wasn't. */
function refusesEncryption(error: unknown): boolean {
  return (error as { code?: unknown }).code === '28000' || /does not support SSL/.test((error as Error).message);
}
