// Turns the URL of a database into the options of a node-postgres client or pool.
import { userInfo } from 'node:os';
import type pg from 'pg';
import { RuntimeError } from '../runtime-error.js';
import { anyServer, WANTED, type Wanted, type Way } from './any-server.js';
import { type DatabaseUrl, parseDatabaseUrl, UrlFault } from './parse.js';
import { waysToEncrypt } from './tls.js';

type Environment = Record<string, string | undefined>;
type Options = pg.PoolConfig & { Client?: typeof pg.Client; enableChannelBinding?: boolean };

/** Parameters that psql knows and this library can't honour, each with what to write instead. */
const REFUSED: Record<string, string> = {
  service: 'must not name a service: service files are not read. Write host, user and database into the URL',
  servicefile: 'must not name a service file: service files are not read. Write host, user and database into the URL',
  hostaddr: 'must not have hostaddr. Write the address as the host, with sslmode=verify-ca if its certificate names only the host',
  passfile: 'must not have passfile. Set PGPASSFILE, or write the password into the URL',
  requirepeer: 'must not have requirepeer, which is not supported',
  require_auth: 'must not have require_auth, which is not supported',
  sslcrldir: 'must not have sslcrldir. Name one file with sslcrl',
  replication: 'must not have replication: Hookgraph runs ordinary statements',
};

/** Parameters of node-postgres that take a number of milliseconds. */
const MILLISECONDS = ['statement_timeout', 'lock_timeout', 'query_timeout', 'idle_in_transaction_session_timeout'] as const;

/**
 * Returns the options for a URL. The library's own parser isn't used: it interprets `sslmode=require` differently from psql,
 * mistakes parts of some passwords for the host, and quotes the URL in errors.
 * @throws RuntimeError `BAD_DATABASE_URL`; its message contains no password
 */
export function connectionOptions(text: string, env: Environment = process.env): Options {
  try {
    return optionsOf(parseDatabaseUrl(text), env);
  } catch (error) {
    if (error instanceof UrlFault)
      throw new RuntimeError('BAD_DATABASE_URL', `The URL of the database (a secret, not shown here) ${error.message}`);
    throw error;
  }
}

/** Returns the fault of a URL, as words that follow "DATABASE_URL is (a secret), but it"; `null` when it has no fault. */
export function faultOfUrl(text: string, env: Environment = process.env): string | null {
  try {
    optionsOf(parseDatabaseUrl(text), env);
    return null;
  } catch (error) {
    if (error instanceof UrlFault) return error.message;
    throw error;
  }
}

/** Returns the servers that a URL names, or the default server if it names none. A host that begins with / is a folder of a Unix socket. */
export function serversOf(text: string, env: Environment = process.env): { host: string; port: number }[] {
  return readServers(parseDatabaseUrl(text), env);
}

function optionsOf(url: DatabaseUrl, env: Environment): Options {
  const { parameters } = url;
  for (const [name, fault] of Object.entries(REFUSED)) if (parameters[name]) throw new UrlFault(fault);
  if (parameters.gssencmode === 'require') throw new UrlFault('must not require gssencmode: encrypt with sslmode instead');
  const servers = readServers(url, env);
  // Hookgraph uses no standby, so of several servers it looks for the primary.
  const wanted = parameters.target_session_attrs || (servers.length > 1 ? 'primary' : 'any');
  if (!WANTED.includes(wanted)) throw new UrlFault(`must have one of these as target_session_attrs: ${WANTED.join(', ')}`);
  const encryptions = waysToEncrypt(url, env);
  const ways = servers.flatMap(({ host, port }): Way[] =>
    host.startsWith('/') ? [{ host, port, ssl: false }] : encryptions.map((ssl) => ({ host, port, ssl })),
  );
  const user = url.user ?? (env.PGUSER || nameOfProcessUser());
  if (!user) throw new UrlFault('must name a user, because this process has no user name that could stand for it');
  return {
    ...(ways[0] as Way),
    ...((ways.length > 1 || wanted !== 'any') && { Client: anyServer(ways, wanted as Wanted) }),
    user,
    ...(url.password !== undefined && { password: url.password }),
    ...(url.database !== undefined && { database: url.database }),
    ...settingsOf(parameters),
  };
}

function settingsOf(parameters: Record<string, string>): Partial<Options> {
  const { options, application_name: name, connect_timeout: seconds, sslnegotiation, keepalives, keepalives_idle: idle } = parameters;
  const limits = MILLISECONDS.flatMap((limit) => (Number(parameters[limit]) > 0 ? [[limit, Number(parameters[limit])]] : []));
  return {
    ...(options && { options }),
    ...(name && { application_name: name }),
    ...(Number(seconds) > 0 && { connectionTimeoutMillis: Number(seconds) * 1000 }),
    ...(sslnegotiation === 'direct' && { sslnegotiation }),
    ...(keepalives === '1' && { keepAlive: true }),
    ...(Number(idle) > 0 && { keepAlive: true, keepAliveInitialDelayMillis: Number(idle) * 1000 }),
    ...(parameters.channel_binding === 'require' && { enableChannelBinding: true }),
    ...Object.fromEntries(limits),
  };
}

function readServers({ hosts, ports }: DatabaseUrl, env: Environment): { host: string; port: number }[] {
  const names = hosts.some(Boolean) ? hosts : (env.PGHOST || 'localhost').split(',');
  const numbers = ports.some(Boolean) ? ports : (env.PGPORT || '5432').split(',');
  if (numbers.length > 1 && numbers.length !== names.length)
    throw new UrlFault(`names ${names.length} hosts and ${numbers.length} ports, but it must name one port for each host, or one for all`);
  return names.map((host, index) => {
    const port = Number((numbers.length > 1 ? numbers[index] : numbers[0]) || 5432);
    if (!(Number.isInteger(port) && port >= 1 && port <= 65_535)) throw new UrlFault('must have a port from 1 to 65535');
    return { host: host || 'localhost', port };
  });
}

function nameOfProcessUser(): string | null {
  try {
    return userInfo().username;
  } catch {
    // In a container, the user id of the process may have no name.
    return null;
  }
}
