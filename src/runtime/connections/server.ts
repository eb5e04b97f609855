// Remembers which server the connections of each database reach. After a lost connection or a failover, all connections of
// the process to that database count as outdated, and their pools replace them.
import pg from 'pg';

interface Server {
  /** Increases with each reason to replace the connections. A connection is outdated if the epoch has increased since it opened. */
  epoch: number;
  changedAtMs: number;
  timer: NodeJS.Timeout | undefined;
  /** The start time of the server that the newest connection reached; `null` before the first. */
  startedAt: string | null;
}

/** The state of an open connection. */
export interface Connection {
  server: Server;
  epoch: number;
  openedAtMs: number;
  /** Whether Hookgraph uses the connection now: a host's pool lends it to the host at other times. */
  inUse: boolean;
  /** Whether every transaction is read-only on purpose, so that a refused write says nothing about the server. */
  isReader: boolean;
}

/** Milliseconds after which a connection is always replaced, so that connections follow a database that has moved. */
const MAX_AGE_MS = 600_000;
/** Minimum milliseconds between two increases of an epoch, because many statements fail at once when a server is lost. */
const RISE_EVERY_MS = 1_000;

/** The known servers, by host, port and database. */
const servers = new Map<string, Server>();
/** The server of a pool, by the pool's options object, which the pool's wrappers share. */
const known = new WeakMap<object, Server>();
const connections = new WeakMap<object, Connection>();

/** Returns the object that identifies a client, even if `client` is a wrapper of it. */
const keyOf = (client: object): object => (client as { connection?: object }).connection ?? client;

export const connectionOf = (client: object): Connection | undefined => connections.get(keyOf(client));

/** Returns the server that the pool's connections reach. */
export function serverOf(pool: pg.Pool): Server {
  const found = known.get(pool.options);
  if (found) return found;
  const { host, port, database } = new pg.Client(pool.options);
  const key = `${host}:${port}/${database}`;
  const server = servers.get(key) ?? { epoch: 0, changedAtMs: -RISE_EVERY_MS, timer: undefined, startedAt: null };
  servers.set(key, server);
  known.set(pool.options, server);
  return server;
}

export function addConnection(client: object, server: Server, isReader: boolean): Connection {
  const connection = { server, epoch: server.epoch, openedAtMs: performance.now(), inUse: true, isReader };
  connections.set(keyOf(client), connection);
  return connection;
}

/** Whether the connection should be replaced: its server was lost or changed since it opened, or the connection is too old. */
export function isOutdated(client: object): boolean {
  const connection = connectionOf(client);
  if (!connection) return false;
  return connection.epoch < connection.server.epoch || performance.now() - connection.openedAtMs > MAX_AGE_MS;
}

/** Marks all open connections to the server as outdated: at once or, if they were marked within RISE_EVERY_MS, after that time. */
export function replaceConnections(server: Server): void {
  const waitMs = server.changedAtMs + RISE_EVERY_MS - performance.now();
  if (waitMs <= 0) {
    server.changedAtMs = performance.now();
    server.epoch += 1;
  } else {
    server.timer ??= setTimeout(() => {
      server.timer = undefined;
      replaceConnections(server);
    }, waitMs).unref();
  }
}

/**
 * Notes the start time of the server that a new connection has reached. If another server answers than before, because
 * the primary has changed or was started again, the older connections become outdated at once: no statement may read the
 * former primary after another statement has reached the new one.
 */
export function noteServer(connection: Connection, startedAt: string): void {
  const { server } = connection;
  if (server.startedAt !== null && server.startedAt !== startedAt) server.epoch += 1;
  server.startedAt = startedAt;
  connection.epoch = server.epoch;
}

/** Thrown when a connection leads to a standby. Its code means "cannot connect now", so that the work is retried. */
export class StandbyError extends Error {
  code = '57P03';
  constructor() {
    super('The database server is a standby (read replica); Hookgraph waits until it reaches the primary');
  }
}

/**
 * Matches the SQLSTATE codes by which a server says that it is no primary any more, shuts down or starts:
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const SERVER_LOST = /^(08...|57P0[123])$/;
const READ_ONLY = '25006';

/** Replaces all connections if the server's error for a statement of Hookgraph shows that the primary was lost. */
export function noteError(connection: Connection, code: string | undefined): void {
  if (!connection.inUse || code === undefined) return;
  if (SERVER_LOST.test(code) || (code === READ_ONLY && !connection.isReader)) replaceConnections(connection.server);
}
