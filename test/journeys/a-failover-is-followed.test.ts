// Promise: after a failover to a streaming replica, no stored query reads the demoted server, and no pool uses a standby.
import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPool } from '../../src/runtime/database.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/runtime/postgres/embedded-postgres.js';
import { openReadOnlyPool } from '../../src/sources/limited-reader.js';
import { type DatabaseProxy, startDatabaseProxy } from '../support/database-proxy.js';
import { collectLines } from '../support/log-lines.js';
import { NOTES, notesApp, subscribeTo } from '../support/notes.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

const SETTINGS = { fsync: 'off', shared_buffers: '64MB', max_wal_size: '256MB' };

let folder: string;
let first: EmbeddedPostgres;
let second: EmbeddedPostgres;
let proxy: DatabaseProxy;
let receiver: Receiver;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hookgraph-failover-'));
  const [a, b] = [join(folder, 'a'), join(folder, 'b')];
  await (await startEmbeddedPostgres({ dataDir: a, settings: SETTINGS })).stop();
  await promisify(execFile)('cp', ['-a', a, b]);
  await rm(join(b, 'database-url'));
  first = await startEmbeddedPostgres({ dataDir: a, settings: SETTINGS });
  const { port, username, password } = new URL(first.superuserUrl);
  const standby = `primary_conninfo = 'host=127.0.0.1 port=${port} user=${username} password=${password}'\n`;
  await appendFile(join(b, 'postgres', 'postgresql.auto.conf'), standby);
  await writeFile(join(b, 'postgres', 'standby.signal'), '');
  [second, proxy, receiver] = await Promise.all([
    startEmbeddedPostgres({ dataDir: b, settings: SETTINGS }),
    startDatabaseProxy(first.url, () => {}),
    startReceiver(),
  ]);
});
afterAll(async () => {
  await Promise.all([proxy?.close(), receiver?.close()]);
  await Promise.all([first?.stop(), second?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

async function run(url: string, ...statements: string[]): Promise<pg.QueryResult[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const results = [];
    for (const statement of statements) results.push(await client.query(statement));
    return results;
  } finally {
    await client.end();
  }
}

it('reads what is current, although the connections to the demoted server stay open', async () => {
  const { log } = collectLines();
  const hooks = notesApp({ database: proxy.url, log });
  await run(first.url, NOTES, `INSERT INTO notes VALUES (1, 'ada', 'before')`);
  await hooks.migrate();
  await subscribeTo(hooks, 'note/updated', receiver.url);
  const worker = await hooks.work();
  await run(first.url, `UPDATE notes SET body = 'old'`);
  await receiver.waitFor(1);

  const reader = openReadOnlyPool({ connectionString: second.url }, { log, statementTimeoutMs: 5_000 });
  await expect(reader.query('SELECT 1')).rejects.toThrow(/is a standby/);
  const either = openPool(second.url.replace(/@.*\//, `@${new URL(second.url).host},${new URL(first.url).host}/`), { log });
  expect((await either.query('SELECT pg_is_in_recovery() AS standby')).rows).toEqual([{ standby: false }]);
  await either.end();
  const [{ rows }] = (await run(first.url, 'SELECT pg_current_wal_lsn()::text AS at')) as [pg.QueryResult];
  await until('the standby has everything', async () => {
    const [result] = await run(second.url, `SELECT pg_last_wal_replay_lsn() >= '${rows[0].at}' AS has`);
    return result?.rows[0].has;
  });

  // Makes the demoted server read-only by `default_transaction_read_only`, as operators do, and cuts no connection.
  await run(first.superuserUrl, 'ALTER SYSTEM SET default_transaction_read_only = on', 'SELECT pg_reload_conf()');
  proxy.leadTo(second.url);
  await run(second.superuserUrl, 'SELECT pg_promote()');
  for (let change = 1; change <= 5; change++) {
    await run(second.url, `UPDATE notes SET body = 'new ${change}'`);
    await receiver.waitFor(1 + change);
  }
  expect(receiver.requests.slice(1).filter(({ body }) => !body.includes('new'))).toEqual([]);
  expect((await reader.query('SELECT body FROM notes')).rows).toEqual([{ body: 'new 5' }]);
  await worker.stop();
  await Promise.all([hooks.close(), reader.end()]);
});
