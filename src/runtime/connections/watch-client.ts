// Watches a connection while Hookgraph uses it: closes it when Postgres has gone silent, and reads errors that concern all
// connections.
import type { Socket } from 'node:net';
import type pg from 'pg';
import { type Connection, noteError, replaceConnections } from './server.js';
import { isWorkedOn } from './working-statements.js';

/** Milliseconds without traffic after which the operating system checks whether the other side still exists. */
const KEEP_ALIVE_MS = 10_000;

/** Properties of pg's client that its types leave out; a client of `pg-native` has no `connection`. */
interface Internals {
  connection?: { stream: Socket; on(event: 'errorMessage', listener: (error: { code?: string }) => void): void };
  /** `false` while a statement runs. */
  readyForQuery?: boolean;
}

const internalsOf = (client: pg.PoolClient): Internals => client as unknown as Internals;
const socketOf = (client: pg.PoolClient): Socket | undefined => internalsOf(client).connection?.stream;

/** Sets the milliseconds without a received byte after which the connection is examined; 0: it is never examined. */
export const setSilence = (client: pg.PoolClient, silenceMs: number): void => void socketOf(client)?.setTimeout(silenceMs);

export function watchClient(pool: pg.Pool, client: pg.PoolClient, connection: Connection, silenceMs: number): void {
  const { connection: wire } = internalsOf(client);
  client.on('error', () => {
    if (connection.inUse) replaceConnections(connection.server);
  });
  wire?.on('errorMessage', ({ code }) => noteError(connection, code));
  wire?.stream.setKeepAlive(true, KEEP_ALIVE_MS);
  wire?.stream.on('timeout', () => void examine(pool, client, connection, silenceMs));
}

/** Closes the connection if a statement is running on it but the server isn't working on that statement. */
async function examine(pool: pg.Pool, client: pg.PoolClient, connection: Connection, silenceMs: number): Promise<void> {
  const socket = socketOf(client) as Socket;
  const isRunning = () => connection.inUse && internalsOf(client).readyForQuery === false && !socket.destroyed;
  if (!isRunning()) return;
  const { bytesRead } = socket;
  const isAlive = await isWorkedOn(pool, client, silenceMs);
  if (!isRunning()) return;
  if (isAlive || socket.bytesRead > bytesRead) socket.setTimeout(silenceMs);
  else socket.destroy(new SilenceError(silenceMs));
}

/** Thrown when Postgres has gone silent. Its code means a lost connection, so that the work is retried. */
class SilenceError extends Error {
  code = '08006';
  constructor(silenceMs: number) {
    super(`Postgres sent nothing for ${silenceMs} ms and does not work on the statement, so the connection was closed`);
  }
}
