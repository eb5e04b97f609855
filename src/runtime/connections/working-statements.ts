// Asks a server, on a new connection, which statements it is working on, to tell a slow statement from a dead connection.
import pg from 'pg';
import { isPooled } from '../pooler.js';
import { closeNow } from './close-now.js';

/** Maximum milliseconds for opening the new connection, and again for the answer. */
const ANSWER_WITHIN_MS = 3_000;

/** Properties of pg's client; its types leave out the process id and the statement that runs. */
interface Internals extends Pick<pg.Client, 'host' | 'port' | 'ssl' | 'user' | 'database'> {
  processID?: number;
  _getActiveQuery?(): { text?: string } | null;
}

interface Working {
  pid: number;
  query: string;
}

/** Postgres cuts the texts of statements at 1,024 bytes by default, so only their beginnings are compared. */
const COMPARED = 200;

// A backend that waits for its client either never got the statement or can't send its result. The state is `disabled`, and
// the start unknown, where the setting `track_activities` is off.
const WORKING = `
  SELECT pid, left(query, ${COMPARED}) AS query FROM pg_catalog.pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid() AND (state LIKE '%active%' OR state = 'disabled')
    AND wait_event_type IS DISTINCT FROM 'Client' AND coalesce(query_start, '-infinity') < clock_timestamp() - $1 * interval '1 ms'`;

/** The server that a client has reached, out of the servers that the options of its pool name. */
type Way = Pick<pg.Client, 'host' | 'port' | 'ssl'>;

/** The checks in progress, by server, user and database: connections that fall silent together share a check. */
const checks = new Map<string, Promise<Working[]>>();

/**
 * Whether the server works on the client's statement, which was sent at least `silenceMs` milliseconds ago. `false` also
 * when the server does not answer.
 */
export async function isWorkedOn(pool: pg.Pool, client: pg.PoolClient, silenceMs: number): Promise<boolean> {
  const { host, port, ssl, user, database, processID, _getActiveQuery } = client as unknown as Internals;
  const key = `${host}:${port}/${database} ${user}`;
  // Uses half of the time, because the statement took some time to arrive.
  const check = checks.get(key) ?? list(pool.options, { host, port, ssl }, silenceMs / 2).finally(() => checks.delete(key));
  checks.set(key, check);
  try {
    const working = await check;
    if (!(await isPooled(pool))) return working.some(({ pid }) => pid === processID);
    // A pooler gives its clients invented process ids, so the texts of the statements are compared instead.
    const text = _getActiveQuery?.call(client)?.text;
    return text !== undefined && working.some(({ query }) => query === text.slice(0, COMPARED));
  } catch {
    return false;
  }
}

async function list(options: pg.PoolConfig, way: Way, sinceMs: number): Promise<Working[]> {
  const { options: _, ...rest } = options;
  const client = new pg.Client({
    ...rest,
    ...way,
    password: options.password,
    connectionTimeoutMillis: ANSWER_WITHIN_MS,
    query_timeout: ANSWER_WITHIN_MS,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.query<Working>(WORKING, [sinceMs])).rows;
  } finally {
    closeNow(client);
  }
}
