// Tests the embedded Postgres with real processes and real signals.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connectionOptions } from '../../../src/runtime/database-url/connection-options.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../src/runtime/postgres/embedded-postgres.js';
import { findPostmaster } from '../../../src/runtime/postgres/postmaster.js';
import { until } from '../../support/until.js';

let dataDir: string;
/** A copy of the folder that the first test filled. The other tests start with it, because making a cluster takes seconds. */
let prepared: string | null = null;
const running: EmbeddedPostgres[] = [];
const children: ChildProcess[] = [];
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'hookgraph-embedded-'));
  if (prepared !== null) await copyData(prepared, dataDir);
});
afterAll(async () => {
  if (prepared !== null) await rm(prepared, { recursive: true });
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const postgres of running.splice(0)) await postgres.stop();
  await until('Postgres is gone', async () => (await findPostmaster(join(dataDir, 'postgres'))) === null);
  await rm(dataDir, { recursive: true, force: true });
});

/** Copies with owners and modes, because Postgres refuses folders of other users. */
const copyData = (from: string, to: string) => promisify(execFile)('cp', ['-a', `${from}/.`, to]);

async function start(options: { join?: boolean } = {}): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ dataDir, settings: { fsync: 'off' }, ...options });
  running.push(postgres);
  return postgres;
}

async function startInOtherProcess(): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'test/support/run-postgres.ts', dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [url] = await once(child.stdout?.setEncoding('utf8') as NonNullable<ChildProcess['stdout']>, 'data');
  return { child, url: url.trim() };
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const results = [await client.query(sql)].flat();
    return results.at(-1)?.rows ?? [];
  } finally {
    await client.end();
  }
}

const clusterDir = () => join(dataDir, 'postgres');
const postmaster = () => findPostmaster(clusterDir());

test('starts on an empty folder, stops cleanly, and starts again on the same port with the same rows', async () => {
  const first = await start();
  await query(first.url, 'CREATE TABLE kept (id int); INSERT INTO kept VALUES (7)');
  await first.stop();
  expect(await postmaster()).toBeNull();
  prepared = await mkdtemp(join(tmpdir(), 'hookgraph-embedded-'));
  await copyData(dataDir, prepared);
  const second = await start();
  expect(second.url).toBe(first.url);
  expect(await query(second.url, 'SELECT id FROM kept')).toEqual([{ id: 7 }]);
});

test('is UTF-8, collates by code point, keeps checksums, listens on loopback alone and wants its password', async () => {
  const { url } = await start();
  const settings =
    "SELECT name, setting FROM pg_settings WHERE name IN ('server_encoding', 'lc_collate', 'data_checksums', 'listen_addresses', 'TimeZone') ORDER BY 1";
  expect(
    await query(url, "SELECT datcollate, pg_encoding_to_char(encoding) AS encoding FROM pg_database WHERE datname = 'hookgraph'"),
  ).toEqual([{ datcollate: 'C', encoding: 'UTF8' }]);
  expect(await query(url, settings)).toEqual([
    { name: 'TimeZone', setting: 'UTC' },
    { name: 'data_checksums', setting: 'on' },
    { name: 'listen_addresses', setting: '127.0.0.1' },
    { name: 'server_encoding', setting: 'UTF8' },
  ]);
  const stranger = new URL(url);
  stranger.password = 'guess';
  await expect(query(stranger.href, 'SELECT 1')).rejects.toThrow(/password authentication failed/);
  const file = join(dataDir, 'database-url');
  expect(await readFile(file, 'utf8')).toBe(url);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test('a first start that was killed is no obstacle to the next, which has the same process id in a container, and needs no folder for temporary files', async () => {
  await rm(dataDir, { recursive: true });
  await mkdir(join(dataDir, `postgres.draft-${process.pid}`), { recursive: true });
  await writeFile(join(dataDir, `postgres.draft-${process.pid}-password`), 'x');
  vi.stubEnv('TMPDIR', '/nowhere');
  try {
    const { url } = await start();
    expect(await query(url, 'SELECT 1 AS alive')).toEqual([{ alive: 1 }]);
    expect((await readdir(dataDir)).filter((name) => name.includes('draft'))).toEqual([]);
  } finally {
    vi.unstubAllEnvs();
  }
});

test('variables that name another database and its TLS do not concern it', async () => {
  const ours = { PGHOST: 'nowhere.example', PGPORT: '1', PGUSER: 'nobody', PGPASSWORD: 'x', PGDATABASE: 'x', PGSSLMODE: 'require' };
  for (const [name, value] of Object.entries(ours)) vi.stubEnv(name, value);
  try {
    const { url } = await start();
    expect(await query(url, 'SELECT 1 AS alive')).toEqual([{ alive: 1 }]);
    const pool = new pg.Pool(connectionOptions(url));
    expect((await pool.query('SELECT 1 AS alive')).rows).toEqual([{ alive: 1 }]);
    await pool.end();
  } finally {
    vi.unstubAllEnvs();
  }
});

test('it gets no variable of ours, and its application is no superuser: it reads no file, starts no program and changes no setting', async () => {
  process.env.HOOKGRAPH_ENCRYPTION_KEYS = 'planted-key';
  const { url, superuserUrl } = await start().finally(() => delete process.env.HOOKGRAPH_ENCRYPTION_KEYS);
  const seen = await query(superuserUrl, `CREATE TEMP TABLE seen (line text); COPY seen FROM PROGRAM 'env'; SELECT line FROM seen`);
  expect(JSON.stringify(seen)).toContain('PATH=');
  expect(JSON.stringify(seen)).not.toMatch(/HOOKGRAPH|planted-key|DATABASE_URL/);
  const refused = [
    `COPY (SELECT 1) TO PROGRAM 'id'`,
    `CREATE TABLE stolen (line text); COPY stolen FROM PROGRAM 'env'`,
    `CREATE TABLE stolen (line text); COPY stolen FROM '/etc/passwd'`,
    `COPY (SELECT 1) TO '/tmp/hookgraph-stolen'`,
    `SELECT pg_read_file('/proc/self/environ')`,
    `SELECT pg_read_binary_file('postgresql.conf')`,
    `SELECT pg_ls_dir('.')`,
    `SELECT lo_import('/etc/passwd')`,
    `SELECT lo_export(lo_create(0), '/tmp/hookgraph-stolen')`,
    `ALTER SYSTEM SET archive_command = 'id'`,
    `SET session_preload_libraries = 'auto_explain'`,
    `LOAD 'auto_explain'`,
    `CREATE FUNCTION run(text) RETURNS int AS 'libc.so.6', 'system' LANGUAGE c`,
    `CREATE EXTENSION file_fdw`,
    `CREATE EXTENSION adminpack`,
    `CREATE ROLE other SUPERUSER`,
    `ALTER ROLE CURRENT_USER SUPERUSER`,
    `ALTER ROLE CURRENT_USER CREATEROLE`,
    `GRANT pg_execute_server_program TO CURRENT_USER`,
    `GRANT postgres TO CURRENT_USER`,
    `SET ROLE postgres`,
    `SET SESSION AUTHORIZATION postgres`,
    `SELECT rolpassword FROM pg_authid`,
  ];
  for (const sql of refused)
    await expect(query(url, sql), sql).rejects.toThrow(
      /permission denied|must be superuser|must have|not available|not allowed|only roles|cannot/i,
    );
  expect(
    await query(
      url,
      'SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls AS mighty FROM pg_roles WHERE rolname = CURRENT_USER',
    ),
  ).toEqual([{ mighty: false }]);
});

test('a folder of an earlier version, in which the superuser owned everything, is handed over with its rows', async () => {
  const before = await start();
  await query(
    before.superuserUrl,
    `CREATE EXTENSION hstore; CREATE SCHEMA "My app"; SET search_path = "My app", public;
     CREATE TYPE mood AS ENUM ('good'); CREATE DOMAIN note AS text; CREATE TYPE pair AS (a int, b mood);
     CREATE TABLE "Old one" (id int GENERATED ALWAYS AS IDENTITY, n serial, mood mood, note note, h public.hstore) PARTITION BY RANGE (id);
     CREATE TABLE part PARTITION OF "Old one" DEFAULT;
     INSERT INTO "Old one" (mood) VALUES ('good');
     CREATE VIEW seen AS SELECT * FROM "Old one"; CREATE MATERIALIZED VIEW kept_rows AS SELECT * FROM seen; CREATE SEQUENCE counter;
     CREATE FUNCTION f(a int, b mood) RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; CREATE PROCEDURE p() LANGUAGE sql AS '';
     ALTER DATABASE hookgraph OWNER TO postgres`,
  );
  await before.stop();
  const { url } = await start();
  expect(await query(url, `SELECT "My app".f(1, 'good') AS f, mood FROM "My app".seen`)).toEqual([{ f: 1, mood: 'good' }]);
  await query(
    url,
    `SET search_path = "My app", public; INSERT INTO "Old one" (mood) VALUES ('good'); ALTER TABLE "Old one" ADD x int; ALTER TYPE mood ADD VALUE 'bad';
     ALTER DOMAIN note ADD CHECK (true); REFRESH MATERIALIZED VIEW kept_rows; SELECT nextval('counter'); CALL p(); CREATE SCHEMA other;
     CREATE OR REPLACE FUNCTION f(a int, b mood) RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 2'; DROP SCHEMA "My app" CASCADE`,
  );
});

test('kill -9 of its owner leaves no orphan, and the next start finds every committed row', async () => {
  const { child, url } = await startInOtherProcess();
  await query(url, 'INSERT INTO kept VALUES (8)');
  child.kill('SIGKILL');
  const next = await start();
  expect(await query(next.url, 'SELECT id FROM kept')).toEqual([{ id: 7 }, { id: 8 }]);
  await next.stop();
  expect(await postmaster()).toBeNull();
});

test('Postgres ends by itself within seconds of its owner', async () => {
  const { child } = await startInOtherProcess();
  const pid = await postmaster();
  expect(pid).not.toBeNull();
  child.kill('SIGKILL');
  await until('Postgres has ended', async () => (await postmaster()) === null);
});

test('kill -9 of Postgres itself ends its owner, and the next start just works', async () => {
  const { child, url } = await startInOtherProcess();
  await query(url, 'INSERT INTO kept VALUES (8)');
  process.kill((await postmaster()) as number, 'SIGKILL');
  await once(child, 'exit');
  const next = await start();
  expect(await query(next.url, 'SELECT id FROM kept')).toEqual([{ id: 7 }, { id: 8 }]);
});

test.runIf(process.platform === 'linux')(
  'kill -9 of the owner and of the switch leaves an orphan, which the next start replaces',
  async () => {
    const { child, url } = await startInOtherProcess();
    const pid = (await postmaster()) as number;
    const shell = Number((await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ')[1]);
    const others = (await readFile(`/proc/${shell}/task/${shell}/children`, 'utf8')).trim().split(' ').map(Number);
    for (const other of others.filter((id) => id !== pid)) process.kill(other, 'SIGKILL');
    process.kill(shell, 'SIGKILL');
    child.kill('SIGKILL');
    expect(await query(url, 'SELECT 1 AS alive')).toEqual([{ alive: 1 }]);
    const next = await start();
    expect(await postmaster()).not.toBe(pid);
    expect(await query(next.url, 'SELECT 1 AS alive')).toEqual([{ alive: 1 }]);
  },
);

test('a second owner is refused, and one that wants to join gets the address of the first', async () => {
  const first = await start();
  await expect(start()).rejects.toMatchObject({ code: 'DATA_DIR_IN_USE' });
  const joined = await start({ join: true });
  expect(joined.url).toBe(first.url);
  await joined.stop();
  expect(await query(first.url, 'SELECT 1 AS alive')).toEqual([{ alive: 1 }]);
});

test('who comes while the first one starts on an empty folder waits for it, or is refused at once', async () => {
  const first = await start();
  // Simulates that the first process is still creating the database: it hasn't written its address yet.
  await rm(join(dataDir, 'database-url'));
  await expect(start()).rejects.toMatchObject({ message: expect.stringContaining('Another process already runs the Postgres') });
  expect((await start({ join: true })).url).toBe(first.url);
});

test('a stale pid file whose pid belongs to a stranger by now is no obstacle, and the stranger lives', async () => {
  await (await start()).stop();
  // Runs the process as Postgres' own user, because a process of another user never blocks the start.
  const { uid, gid } = await stat(clusterDir());
  const stranger = spawn('sleep', ['60'], process.getuid?.() === 0 ? { uid, gid } : {});
  children.push(stranger);
  const lines = [stranger.pid, clusterDir(), '1700000000', '5432', '', '127.0.0.1', '', 'ready'];
  await writeFile(join(clusterDir(), 'postmaster.pid'), `${lines.join('\n')}\n`);
  const { url } = await start();
  expect(await query(url, 'SELECT 1 AS alive')).toEqual([{ alive: 1 }]);
  expect([stranger.exitCode, stranger.signalCode]).toEqual([null, null]);
});

test('takes another port when its own is taken', async () => {
  const first = await start();
  await first.stop();
  const server = createServer().listen(Number(new URL(first.url).port), '127.0.0.1');
  await once(server, 'listening');
  try {
    const second = await start();
    expect(new URL(second.url).port).not.toBe(new URL(first.url).port);
    expect(await query(second.url, 'SELECT 1 AS alive')).toEqual([{ alive: 1 }]);
  } finally {
    server.close();
  }
});
