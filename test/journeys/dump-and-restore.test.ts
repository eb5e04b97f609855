// Promise: a restored database continues where it was dumped, restoring announces nothing, and `hookgraph migrate` repairs a partial one.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DumpServer, dumpableServer, runProgram, startDumpServer } from '../support/dump-server.js';
import { NOTES, notesApp, subscribeTo } from '../support/notes.js';
import { type Receiver, startReceiver } from '../support/receiver.js';

describe.skipIf(dumpableServer === null)('by pg_dump', () => {
  const keys = [randomBytes(32)];
  let server: DumpServer;
  let dir: string;
  let source: string;
  let receiver: Receiver;
  const query = async (url: string, sql: string) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return client.query(sql).finally(() => client.end());
  };
  const recorded = async (url: string) =>
    (await query(url, "SELECT count(*)::int AS n FROM hookgraph.recorded WHERE typename = 'Note'")).rows[0].n;
  const triggers = async (url: string) =>
    (await query(url, `SELECT count(*)::int AS n FROM pg_trigger WHERE tgrelid = 'notes'::regclass`)).rows[0].n;

  beforeAll(async () => {
    server = await startDumpServer(dumpableServer as string);
    dir = await mkdtemp(join(tmpdir(), 'hookgraph-dumps-'));
    receiver = await startReceiver();
    source = await server.database('source');
    await query(source, NOTES);
    const hooks = notesApp({ database: source, keys });
    await hooks.migrate();
    await subscribeTo(hooks, 'note/created', receiver.url);
    await (await hooks.work()).stop();
    await query(source, `INSERT INTO notes VALUES (1, 'ada', 'before the dump')`);
    await hooks.close();
  });
  afterAll(async () => {
    await server.stop();
    await receiver.close();
    await rm(dir, { recursive: true, force: true });
  });

  it('takes a whole database up where it was dumped', async () => {
    const target = await server.database('whole');
    // Restores into a server whose transaction ids are behind those of the dump.
    const file = join(dir, 'whole.dump');
    runProgram('pg_dump', ['--format=custom', `--file=${file}`, source]);
    runProgram('pg_restore', ['--exit-on-error', `--dbname=${target}`, file]);
    await query(target, `UPDATE hookgraph.captures SET xid = '4000000000'`);
    expect(await recorded(target)).toBe(1);
    const hooks = notesApp({ database: target, keys });
    await hooks.migrate();
    expect(await hooks.check()).toEqual([]);
    expect(await triggers(target)).toBe(4);
    const worker = await hooks.work();
    await query(target, `INSERT INTO notes VALUES (2, 'ada', 'after it')`);
    await receiver.waitFor(2);
    expect(receiver.requests.map(({ body }) => JSON.parse(body).data.note.body).sort()).toEqual(['after it', 'before the dump']);
    await worker.stop();
    await hooks.close();
  });

  it('records what is written to a restored database before `hookgraph migrate`, too', async () => {
    const target = await server.database('unmigrated');
    const file = join(dir, 'plain.sql');
    runProgram('pg_dump', [`--file=${file}`, source]);
    runProgram('psql', ['--quiet', '--no-psqlrc', '--set=ON_ERROR_STOP=1', `--file=${file}`, target]);
    await query(target, `INSERT INTO notes VALUES (2, 'ada')`);
    expect(await recorded(target)).toBe(2);
  });

  it('writes go on where only the application’s schema was restored, and migrate attaches it anew', async () => {
    const target = await server.database('partial');
    const file = join(dir, 'public.dump');
    runProgram('pg_dump', ['--format=custom', '--schema=public', `--file=${file}`, source]);
    await query(target, 'DROP SCHEMA public');
    expect(runProgram('pg_restore', [`--dbname=${target}`, file], { fails: true })).toMatch(/schema "hookgraph" does not exist/);
    expect((await query(target, `INSERT INTO notes VALUES (2, 'ada') RETURNING id`)).rows).toEqual([{ id: 2 }]);
    expect((await query(target, 'SELECT id FROM notes ORDER BY id')).rows).toEqual([{ id: 1 }, { id: 2 }]);
    const hooks = notesApp({ database: target, keys });
    await hooks.migrate();
    await query(target, `INSERT INTO notes VALUES (3, 'ada')`);
    expect(await recorded(target)).toBe(1);
    await hooks.close();
  });

  it('announces rows that are restored into attached tables, unless capture is off', async () => {
    const target = await server.database('data');
    await query(target, NOTES);
    const hooks = notesApp({ database: target, keys });
    await hooks.migrate();
    const file = join(dir, 'data.dump');
    runProgram('pg_dump', ['--format=custom', '--data-only', '--schema=public', `--file=${file}`, source]);
    const restore = ['--exit-on-error', `--dbname=${target}`, file];
    runProgram('pg_restore', restore, { options: '-c hookgraph.capture=off' });
    expect(await recorded(target)).toBe(0);
    await query(target, `BEGIN; SET LOCAL hookgraph.capture = off; DELETE FROM notes; COMMIT`);
    runProgram('pg_restore', restore);
    expect(await recorded(target)).toBe(1);
    await hooks.close();
  });
});
