// Starts the embedded Postgres of a data folder with the database `hookgraph`. Postgres stops when this process ends,
// even after `kill -9`.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { systemEnvironment } from '../child-environment.js';
import { makeDataDir } from '../data-dir.js';
import { inUrl, loopbackAddress } from '../loopback.js';
import { writePrivateFile } from '../private-file.js';
import { RuntimeError } from '../runtime-error.js';
import { APP_ROLE, DATABASE, prepareDatabase } from './app-role.js';
import { PASSWORD_FILE, prepareCluster } from './cluster.js';
import { clearStalePidFile, findPostmaster, portOfPostmaster } from './postmaster.js';

export interface EmbeddedPostgresOptions {
  /** The folder of the cluster (`postgres/`) and of the file `database-url`, which holds the connection string. */
  dataDir: string;
  /** Use a Postgres that another process already runs in this folder, instead of failing. */
  join?: boolean;
  /** Additional Postgres settings, e.g. `{ fsync: 'off' }`. */
  settings?: Record<string, string>;
  /** Called with a message before each slow step. */
  onProgress?: (message: string) => void;
  /** Called with each line of Postgres' log. */
  onLog?: (line: string) => void;
}

export interface EmbeddedPostgres {
  /** Connects as the owner of the database, who is no superuser. */
  url: string;
  /** Connects to the same database as the superuser, for statements that only superusers may run, such as creating some extensions. */
  superuserUrl: string;
  /** Resolves when Postgres has stopped for any reason. Never resolves when another process runs it. */
  exited: Promise<void>;
  /** Waits for a clean shutdown. Does nothing when another process runs the Postgres. */
  stop(): Promise<void>;
}

/** The file with the password of the application's role, inside the cluster's folder. */
const APP_PASSWORD_FILE = 'hookgraph-app-password';
/**
 * Key of the advisory lock that the process which started Postgres holds until it ends. If the lock is free, that process
 * has ended and Postgres is an orphan.
 */
const OWNER_LOCK = 0x686f6f6b;

/** Number and interval (in milliseconds) of the checks whether the Postgres of another process is ready: together a minute. */
const CHECKS = 600;
const CHECK_EVERY_MS = 100;

/**
 * Shell script that runs Postgres and reads a pipe from this process as fd 3. When this process dies, `cat` reaches the
 * end of the pipe, and the shell sends SIGINT (fast shutdown) to Postgres. Shell and Postgres run in a session of their
 * own, so that Ctrl-C doesn't reach Postgres directly.
 */
const DEAD_MANS_SWITCH =
  'exec 3<&0; "$0" "$@" </dev/null 3<&- & p=$!; trap "kill -INT $p" TERM INT; (cat <&3 >/dev/null; kill -INT $p 2>/dev/null) & wait $p; s=$?; wait $p 2>/dev/null; exit $s';

/**
 * Creates the cluster if it is missing, starts it, and creates the database `hookgraph`.
 * @throws RuntimeError `POSTGRES_FAILED`, or `DATA_DIR_IN_USE` when another process runs it and `join` isn't set
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir);
  await makeDataDir(dataDir);
  const urlFile = join(dataDir, 'database-url');
  const host = loopbackAddress();
  const cluster = await prepareCluster(dataDir, options.settings?.fsync !== 'off', options.onProgress);
  const password = await readFile(join(cluster.dir, PASSWORD_FILE), 'utf8');
  const urlAt = (port: number) => `postgres://postgres:${password}@${inUrl(host)}:${port}/${DATABASE}?sslmode=disable`;
  let port = await rememberedPort(urlFile);
  for (let attempt = 0; ; attempt++) {
    const superuserUrl = urlAt(port);
    const other = await findOther(cluster.dir, dataDir, urlAt);
    if (other !== null) {
      if (options.join) return joinOther(cluster.dir, dataDir, other);
      throw new RuntimeError(
        'DATA_DIR_IN_USE',
        `Another process already runs the Postgres in ${dataDir}`,
        'Stop that process, or set HOOKGRAPH_DATA_DIR to another folder.',
      );
    }
    const args = ['-D', cluster.dir, '-p', String(port), ...flags({ listen_addresses: host, ...DEFAULT_SETTINGS, ...options.settings })];
    const [command, ...before] = cluster.runAs.prefix;
    const shell = ['/bin/sh', '-c', DEAD_MANS_SWITCH, cluster.binaries.postgres, ...args];
    const how = { env: systemEnvironment(), stdio: ['pipe', 'ignore', 'pipe'], cwd: '/', detached: true } satisfies SpawnOptions;
    const child = command
      ? spawn(command, [...before, ...shell], how)
      : spawn(shell[0] as string, shell.slice(1), { ...cluster.runAs.ids, ...how });
    const failure = await untilReady(child, options.onLog);
    if (failure === null) {
      try {
        return await takeOwnership(child, { superuserUrl, urlFile, clusterDir: cluster.dir });
      } catch (error) {
        child.stdin?.end();
        throw error;
      }
    }
    if (attempt >= 10) throw new RuntimeError('POSTGRES_FAILED', `Starting the embedded Postgres in ${dataDir} failed: ${failure.trim()}`);
    if (/could not bind|could not create any TCP/.test(failure)) port = await freePort();
    else if (/shared memory block|still in use|lock file/.test(failure)) await wait(300);
    else throw new RuntimeError('POSTGRES_FAILED', `Starting the embedded Postgres in ${dataDir} failed: ${failure.trim()}`);
  }
}

const DEFAULT_SETTINGS = {
  // Disables the Unix socket: its path may have only about 100 bytes, and the data folder's path may be longer.
  unix_socket_directories: '',
  max_connections: '200',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

function flags(settings: Record<string, string>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Returns the password of the application's role. Creates it at the first call, beside the superuser's password. */
async function appPasswordIn(clusterDir: string): Promise<string> {
  const file = join(clusterDir, APP_PASSWORD_FILE);
  const known = await readFile(file, 'utf8').catch(() => null);
  if (known) return known;
  const made = randomBytes(24).toString('base64url');
  await writePrivateFile(file, made);
  return made;
}

/** Resolves to `null` when Postgres accepts connections, or to Postgres' output when it has exited. */
function untilReady(child: ChildProcess, onLog?: (line: string) => void): Promise<string | null> {
  return new Promise((resolve, reject) => {
    let starting: string | undefined = '';
    child.on('error', reject);
    child.stdin?.on('error', () => {});
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      for (const line of chunk.split('\n')) if (line.trim()) onLog?.(line);
      if (starting === undefined) return;
      starting += chunk;
      if (!/ready to accept (read-only )?connections/.test(starting)) return;
      starting = undefined;
      resolve(null);
    });
    // 'close', not 'exit': 'close' fires after all output has been read.
    child.on('close', (code) => {
      child.stdin?.destroy();
      resolve(`${starting ?? ''}\nexit code ${code}`);
    });
  });
}

interface Owned {
  superuserUrl: string;
  urlFile: string;
  clusterDir: string;
}

async function takeOwnership(child: ChildProcess, { superuserUrl, urlFile, clusterDir }: Owned): Promise<EmbeddedPostgres> {
  const exited = new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('close', () => resolve());
  });
  const owner = maintenanceClient(superuserUrl);
  await owner.connect();
  await owner.query('SELECT pg_advisory_lock($1)', [OWNER_LOCK]);
  const password = await appPasswordIn(clusterDir);
  await prepareDatabase(owner, superuserUrl, password);
  const url = appUrl(superuserUrl, password);
  await writePrivateFile(urlFile, url);
  return {
    url,
    superuserUrl,
    exited,
    stop: async () => {
      child.stdin?.end();
      await exited;
    },
  };
}

/**
 * Creates a client for the database `postgres` of the same cluster. Ignores errors of the idle connection, because
 * Postgres may stop at any time.
 */
function maintenanceClient(url: string): pg.Client {
  const address = new URL(url);
  address.pathname = '/postgres';
  const client = new pg.Client({ connectionString: address.href, connectionTimeoutMillis: 5000, application_name: 'hookgraph owner' });
  client.on('error', () => {});
  return client;
}

const appUrl = (superuserUrl: string, password: string): string =>
  Object.assign(new URL(superuserUrl), { username: APP_ROLE, password }).href;

/**
 * Returns the superuser's URL of the cluster's Postgres if the process that started it is alive; otherwise `null`. If that process has
 * ended, waits until Postgres' shell has stopped Postgres, or stops Postgres if the shell was killed, too.
 */
async function findOther(clusterDir: string, dataDir: string, urlAt: (port: number) => string): Promise<string | null> {
  let unownedChecks = 0;
  for (let check = 0; check < CHECKS; check++) {
    const pid = await findPostmaster(clusterDir);
    if (pid === null) {
      await clearStalePidFile(clusterDir);
      return null;
    }
    const port = await portOfPostmaster(clusterDir);
    const url = port === null ? null : urlAt(port);
    const owned = url === null ? null : await isOwned(url);
    if (owned === true) return url;
    // Stops Postgres only after five checks that find the lock free, because a process takes the lock a little after starting
    // Postgres.
    unownedChecks = owned === false ? unownedChecks + 1 : 0;
    if (unownedChecks === 5) kill(pid);
    await wait(CHECK_EVERY_MS);
  }
  throw refusesConnections(dataDir);
}

/** Waits until the process that owns Postgres has created the application's role and the database. */
async function joinOther(clusterDir: string, dataDir: string, superuserUrl: string): Promise<EmbeddedPostgres> {
  for (let check = 0; check < CHECKS; check++) {
    const password = await readFile(join(clusterDir, APP_PASSWORD_FILE), 'utf8').catch(() => '');
    const url = appUrl(superuserUrl, password);
    if (password && (await acceptsConnections(url))) return { url, superuserUrl, exited: new Promise(() => {}), stop: async () => {} };
    await wait(CHECK_EVERY_MS);
  }
  throw refusesConnections(dataDir);
}

async function acceptsConnections(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000, application_name: 'hookgraph owner' });
  client.on('error', () => {});
  return client
    .connect()
    .then(
      () => true,
      () => false,
    )
    .finally(() => client.end().catch(() => {}));
}

function refusesConnections(dataDir: string): RuntimeError {
  return new RuntimeError(
    'DATA_DIR_IN_USE',
    `A Postgres runs in ${dataDir}, but it accepts no connections`,
    'Stop that Postgres, then start Hookgraph again.',
  );
}

/**
 * Whether another process holds the owner's lock; `null` when Postgres accepts no connections, because it is starting
 * or stopping.
 */
async function isOwned(url: string): Promise<boolean | null> {
  const client = maintenanceClient(url);
  try {
    await client.connect();
    const { rows } = await client.query('SELECT pg_try_advisory_lock($1) AS free', [OWNER_LOCK]);
    return !rows[0].free;
  } catch {
    return null;
  } finally {
    await client.end().catch(() => {});
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGINT');
  } catch {
    // The process has already exited.
  }
}

async function rememberedPort(urlFile: string): Promise<number> {
  const url = await readFile(urlFile, 'utf8').catch(() => '');
  return URL.canParse(url.trim()) ? Number(new URL(url.trim()).port) : freePort();
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, loopbackAddress(), () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
