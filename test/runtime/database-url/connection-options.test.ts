// Tests that DATABASE_URL is read as psql reads it, on a Postgres with TLS. Compares with psql if it is installed.
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { explain } from '../../../src/cli/explain.js';
import { createHookgraph } from '../../../src/index.js';
import { readConfig } from '../../../src/runtime/config.js';
import { checkDatabase, openPool } from '../../../src/runtime/database.js';
import { connectionOptions } from '../../../src/runtime/database-url/connection-options.js';
import { createPlainLog } from '../../../src/runtime/plain-log.js';
import { type TestDatabase, testDatabase } from '../../support/database.js';
import { tlsFile, tlsPath } from '../../support/tls-file.js';
import { until } from '../../support/until.js';

const log = createPlainLog('silent');
const ROLE = `entrance_${process.pid}`;
/** A part of the passwords in this file, which no message may contain. */
const HUSH = 'hush7';
/** A server that refuses connections: its port is privileged, and no service uses it. */
const DEAD = '127.0.0.1:1';

let database: TestDatabase;
let server: { port: string; name: string };

beforeAll(async () => {
  database = await testDatabase({ empty: true });
  const { port, pathname } = new URL(database.url);
  server = { port, name: pathname.slice(1) };
  await offerTls(database.pool);
  await database.pool.query(`CREATE ROLE ${ROLE} LOGIN PASSWORD 'plain'`);
});
afterAll(async () => {
  await database.pool.query(`DROP ROLE ${ROLE}`);
  await database.close();
});

/** Gives the test run's Postgres a certificate. Clients that don't use TLS aren't affected. */
async function offerTls(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query("SELECT current_setting('data_directory') AS dir, current_setting('ssl') AS ssl");
  if (rows[0].ssl === 'on') return;
  for (const [file, text] of Object.entries({ 'server.key': tlsFile('key'), 'server.crt': tlsFile('receiver') }))
    await pool.query(
      `COPY (SELECT unnest(string_to_array(${pg.escapeLiteral(text.trim())}, E'\\n'))) TO PROGRAM ${pg.escapeLiteral(`umask 077; cat > '${rows[0].dir}/${file}'`)}`,
    );
  await pool.query('ALTER SYSTEM SET ssl = on');
  await pool.query('SELECT pg_reload_conf()');
  await until('Postgres offers TLS', async () => (await pool.query('SHOW ssl')).rows[0].ssl === 'on');
}

const urlOf = ({ password = 'plain', host = '127.0.0.1', query = '' } = {}) =>
  `postgres://${ROLE}:${password}@${host}:${server.port}/${server.name}${query}`;

/** Connects as a pool does; returns what encrypts the connection, or `null`. */
async function connect(url: string): Promise<string | null> {
  const pool = openPool(url, { log, max: 1 });
  try {
    const { rows } = await pool.query('SELECT (SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl) AS version');
    return rows[0].version;
  } finally {
    await pool.end();
  }
}

/** Connects with psql. Returns whether the connection is encrypted, or `failed`; `undefined` where psql isn't installed. */
function psql(url: string): boolean | 'failed' | undefined {
  const { error, status, stdout } = spawnSync('psql', ['-XAt', url, '-c', 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: '/nowhere' },
  });
  if (error) return undefined;
  return status === 0 ? stdout.trim() === 't' : 'failed';
}

async function setPassword(password: string): Promise<void> {
  await database.pool.query(`ALTER ROLE ${ROLE} PASSWORD ${pg.escapeLiteral(password)}`);
}

describe('a password', () => {
  const HARD = '@:/?#[]%+ &=,;!$*()\'"\\<>|^`~{}äß漢😀';

  test.each([...'@:/?#[]%+ &=,ä😀'])('with %s works percent-encoded, and as it is or is refused with what to write', async (character) => {
    const password = `${character}${HUSH}${character}w${character}`;
    await setPassword(password);
    await checkDatabase(urlOf({ password: encodeURIComponent(password) }));
    const refusal = await checkDatabase(urlOf({ password })).catch((error) => error);
    if (refusal === undefined) return;
    expect(['/'], `${character} works as it is`).toContain(character);
    expect(refusal).toMatchObject({ code: 'BAD_DATABASE_URL', message: expect.stringContaining('/ as %2F') });
    expect(explain(refusal)).not.toContain(HUSH);
  });

  test('with a % that two digits follow is read as an escape, or refused with what to write', async () => {
    await setPassword(`${HUSH}50%41`);
    const [decoded, other] = await Promise.all(
      ['50%41', '50%e4'].map((end) => checkDatabase(urlOf({ password: `${HUSH}${end}` })).catch((error) => error)),
    );
    expect(explain(decoded)).toContain('% as %25');
    expect(explain(other)).toContain('% as %25');
    expect(explain(decoded) + explain(other)).not.toContain(HUSH);
    await checkDatabase(urlOf({ password: `${HUSH}50%2541` }));
  });

  test('with every one of them works in a parameter of the URL, too', async () => {
    await setPassword(HARD);
    const address = `postgres://127.0.0.1:${server.port}/${server.name}`;
    await checkDatabase(`${address}?user=${ROLE}&password=${encodeURIComponent(HARD)}`);
    await checkDatabase(urlOf({ password: encodeURIComponent(HARD) }));
  });

  test('works as it is where Postgres normalizes it, and in a URL that ends with a line break', async () => {
    await setPassword('ﬁt\u00a0e\u0301');
    await checkDatabase(`${urlOf({ password: 'ﬁt\u00a0e\u0301' })}\n`);
  });

  test('that is wrong is refused with what to check', async () => {
    await setPassword('right');
    const refusal = await checkDatabase(urlOf({ password: `${HUSH}%40` })).catch((error) => error);
    expect(refusal).toMatchObject({ code: 'DATABASE_UNREACHABLE', hint: expect.stringContaining('write / as %2F') });
    expect(explain(refusal)).not.toContain(HUSH);
    await setPassword('plain');
  });
});

describe('encryption', () => {
  const CA = `sslrootcert=${encodeURIComponent(tlsPath('ca'))}`;
  const OTHER = `sslrootcert=${encodeURIComponent(tlsPath('self-signed'))}`;

  test.each([
    ['', false],
    ['?sslmode=disable', false],
    ['?sslmode=allow', false],
    ['?sslmode=prefer', true],
    ['?sslmode=require', true],
    ['?sslmode=no-verify', true],
    ['?sslmode=require&uselibpqcompat=true', true],
    ['?sslmode=require&channel_binding=require', true],
    [`?sslmode=require&${CA}`, true],
    [`?sslmode=require&${OTHER}`, /certificate/],
    [`?sslmode=verify-ca&${CA}`, true],
    [`?sslmode=verify-ca&${OTHER}`, /certificate/],
    ['?sslmode=verify-ca', /certificate/],
    [`?sslmode=verify-full&${CA}`, true],
    [`?sslmode=verify-full&${OTHER}`, /certificate/],
    ['?sslmode=verify-full', /certificate/],
    ['?sslmode=verify-full&sslrootcert=system', /certificate/],
    ['?ssl=true', /certificate/],
    ['?ssl=0', false],
    ['?sslnegotiation=direct&sslmode=require', true],
  ])('%s', async (query, expected) => {
    const url = urlOf({ query });
    const result = await connect(url).catch((error) => error);
    if (expected instanceof RegExp) {
      expect(result).toMatchObject({ message: expect.stringMatching(expected) });
      await expect(checkDatabase(url)).rejects.toMatchObject({ hint: expect.stringContaining('sslrootcert') });
    } else expect(result).toEqual(expected ? expect.stringMatching(/^TLS/) : null);
    // Skips cases in which psql differs: it has no default authority, takes no parameters of node-postgres, and encrypts without sslmode.
    if (query === '' || /no-verify|uselibpqcompat|ssl=|direct/.test(query)) return;
    const theirs = psql(url);
    if (theirs !== undefined) expect(theirs).toBe(expected instanceof RegExp ? 'failed' : expected);
  });

  test('verify-full compares the name of the host, verify-ca does not', async () => {
    const url = (mode: string) => urlOf({ host: 'localhost', query: `?sslmode=${mode}&${CA}` });
    await expect(checkDatabase(url('verify-full'))).rejects.toMatchObject({ hint: expect.stringContaining('sslmode=verify-ca') });
    expect(await connect(url('verify-ca'))).toMatch(/^TLS/);
  });

  test('a server without TLS is used without it where the URL leaves the choice, and refused where not', async () => {
    const plain = createServer((socket) => socket.once('data', () => socket.end('N')));
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const { port } = plain.address() as { port: number };
    const url = `postgres://me:${HUSH}@127.0.0.1:${port}/x?sslmode=require`;
    await expect(checkDatabase(url)).rejects.toMatchObject({ hint: expect.stringContaining('sslmode=disable') });
    plain.close();
  });

  test('PGSSLMODE counts as it does for psql, after the URL', () => {
    const tls = { ssl: { rejectUnauthorized: false } };
    expect(connectionOptions('postgres://me@db/x', { PGSSLMODE: 'require' })).toMatchObject(tls);
    expect(connectionOptions('postgres://me@db/x?sslmode=disable', { PGSSLMODE: 'require' })).toMatchObject({ ssl: false });
  });
});

describe('several servers', () => {
  test('are tried in their order, by pools, too', async () => {
    const url = `postgres://${ROLE}:plain@${DEAD},127.0.0.1:${server.port}/${server.name}`;
    await checkDatabase(url);
    expect(await connect(`${url}?sslmode=prefer`)).toMatch(/^TLS/);
    expect(psql(`${url}?sslmode=prefer`) ?? true).toBe(true);
  });

  test('are chosen by what they are', async () => {
    const url = `postgres://${ROLE}:plain@127.0.0.1:${server.port}/${server.name}?target_session_attrs=`;
    await checkDatabase(`${url}read-write`);
    await checkDatabase(`${url}primary`);
    await expect(checkDatabase(`${url}standby`)).rejects.toThrow('is not standby');
  });

  test('that are all dead are one sentence', async () => {
    const refusal = await checkDatabase(`postgres://me:${HUSH}@${DEAD},localhost:1/x`).catch((error) => error);
    expect(explain(refusal)).toMatch(/^DATABASE_UNREACHABLE: The database x at 127\.0\.0\.1:1 or localhost:1 can't be used: .*\n.*\n$/);
  });
});

describe('a URL', () => {
  test('names the folder of a Unix socket in two ways', () => {
    const socket = { host: '/run/pg', port: 5433, database: 'hooks', ssl: false };
    expect(connectionOptions('postgres:///hooks?host=/run/pg&port=5433&sslmode=require')).toMatchObject(socket);
    expect(connectionOptions('postgres://me@%2Frun%2Fpg:5433/hooks')).toMatchObject(socket);
  });

  test('without a socket there is refused with the folder to check', async () => {
    await expect(checkDatabase('postgres:///hooks?host=/nowhere')).rejects.toMatchObject({ hint: expect.stringContaining('Unix socket') });
  });

  test('passes `options` and the parameters of other tools on, or ignores them', async () => {
    const url = urlOf({ query: '?options=-c%20work_mem%3D5MB+-c+lc_monetary%3DC&schema=public&connection_limit=5&pgbouncer=true' });
    const pool = openPool(url, { log });
    expect((await pool.query('SHOW work_mem')).rows[0].work_mem).toBe('5MB');
    await pool.end();
  });

  test.each([
    [`postgres://me:1/${HUSH}@db/x`, '/ as %2F'],
    [`postgres://me:1?${HUSH}@db/x`, null],
    [`postgres://me:${HUSH}/w`, '/ as %2F'],
    [`postgres://me:${HUSH}@db/x#y`, '# as %23'],
    [`postgres://me:${HUSH}%E4@db/x`, '% as %25'],
    [`postgres://me:${HUSH}@db:70000/x`, 'a port from 1 to 65535'],
    [`postgres://me:${HUSH}@a,b,c:1,d/x?port=1,2`, 'one port for each host'],
    [`"postgres://me:${HUSH}@db/x"`, 'without quotation marks'],
    [`jdbc:postgresql://db/x?password=${HUSH}`, 'without jdbc:'],
    [`host=db password=${HUSH}`, 'not keywords'],
    [`mysql://me:${HUSH}@db/x`, 'must be a URL like postgres://'],
    [`postgres://me:${HUSH}@db/x?service=mine`, 'service files are not read'],
    [`postgres://me:${HUSH}@db/x?sslmode=strict`, 'sslmode "strict"'],
    [`postgres://me:${HUSH}@db/x?sslmode=verify-full&sslrootcert=/nowhere`, 'sslrootcert: /nowhere (ENOENT)'],
    [`postgres://me:${HUSH}@db/x?target_session_attrs=best`, 'target_session_attrs'],
  ])('%s: %s', (url, words) => {
    const read = () => connectionOptions(url, {});
    if (words === null) return expect(read()).toMatchObject({ host: 'db', password: `1?${HUSH}` });
    for (const entry of [read, () => readConfig({ DATABASE_URL: url }), () => createHookgraph({ database: url } as never)]) {
      const refusal = refusalOf(entry);
      expect(explain(refusal)).toContain(words);
      expect(explain(refusal)).not.toContain(HUSH);
      expect(explain(refusal)).not.toContain('    at ');
    }
  });
});

function refusalOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('It was accepted.');
}
