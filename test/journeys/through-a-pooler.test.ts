// Promise: all of Hookgraph works through a connection pooler in transaction mode, where no two statements share a session.
import { randomBytes } from 'node:crypto';
import { graphql } from 'graphql';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Hookgraph } from '../../src/index.js';
import { openPool } from '../../src/runtime/database.js';
import { createPlainLog } from '../../src/runtime/plain-log.js';
import { createContext } from '../../src/sample/graph/context.js';
import { createHooks } from '../../src/sample/hookgraph.js';
import { openPrisma } from '../../src/sample/prisma.js';
import { openReadOnlyPool } from '../../src/sources/limited-reader.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { NOTES, notesApp, subscribeTo } from '../support/notes.js';
import { hasPgbouncer, type Pgbouncer, startPgbouncer } from '../support/pgbouncer.js';
import { type Receiver, startReceiver } from '../support/receiver.js';

describe.skipIf(!hasPgbouncer)('through pgbouncer in transaction mode', () => {
  const log = createPlainLog('silent');
  let database: TestDatabase;
  let pooler: Pgbouncer;
  let receiver: Receiver;
  let hooks: Hookgraph;
  /** The application's own connections. */
  let app: pg.Pool;
  beforeAll(async () => {
    database = await testDatabase({ empty: true });
    await database.pool.query(NOTES);
    pooler = await startPgbouncer(database.url);
    receiver = await startReceiver();
    app = new pg.Pool({ connectionString: pooler.url });
    hooks = notesApp({ database: pooler.url });
  });
  afterAll(async () => {
    await hooks.close();
    await app.end();
    await pooler.stop();
    await receiver.close();
    await database.close();
  });

  it('migrates, twice at once, and leaves no lock behind', async () => {
    // Migrates a second time at the same time, through the host's own pool.
    const other = notesApp({ database: app });
    await Promise.all([hooks.migrate(), other.migrate()]);
    await other.close();
    const { rows } = await database.pool.query(
      `SELECT count(*)::int AS n FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE d.datname = current_database() AND locktype = 'advisory'`,
    );
    expect(rows).toEqual([{ n: 0 }]);
  });

  it('takes subscriptions, records what the application writes, and delivers what stored queries answer', async () => {
    await subscribeTo(hooks, 'note/created', receiver.url);
    await subscribeTo(hooks, 'note/deleted', receiver.url);
    const worker = await hooks.work();
    try {
      const client = await app.connect();
      await client.query('BEGIN');
      await client.query(`SELECT set_config('hookgraph.context', '{"actor":{"userId":"ada"}}', true)`);
      await client.query(`INSERT INTO notes SELECT i, 'ada', 'hello' FROM generate_series(1, 50) i`);
      await client.query('COMMIT');
      client.release();
      hooks.poke();
      await expect.poll(() => receiver.requests.length).toBe(50);
      expect(JSON.parse(String(receiver.requests[0]?.body))).toEqual({ data: { note: { id: expect.any(Number), body: 'hello' } } });
      await app.query('DELETE FROM notes WHERE id = 1');
      await expect.poll(() => receiver.requests.length).toBe(51);
      await expect.poll(() => openDeliveries()).toBe(0);
    } finally {
      await worker.stop();
    }
    const { rows } = await database.pool.query('SELECT DISTINCT context FROM hookgraph.events ORDER BY 1');
    expect(rows.map(({ context }) => context)).toEqual(['{"actor":{"userId":"ada"}}', null]);
  });

  it('never runs what another process prepared under the same name', async () => {
    const processes = ['ada', 'eve'].map((said) => {
      const reader = openReadOnlyPool(pooler.url, { log, statementTimeoutMs: 5000 });
      return { said, reader, ask: () => reader.query({ name: 'hookgraph-find-1', text: `SELECT '${said}' AS said` }) };
    });
    for (let round = 0; round < 10; round++) for (const { said, ask } of processes) expect((await ask()).rows).toEqual([{ said }]);
    await Promise.all(processes.map(({ reader }) => reader.end()));
  });

  it('lets stored queries read only, and not for long', async () => {
    const reader = openReadOnlyPool(pooler.url, { log, statementTimeoutMs: 200 });
    try {
      await expect(reader.query('DELETE FROM notes')).rejects.toThrow(/read-only/);
      await expect(reader.query('SELECT pg_sleep(5)')).rejects.toMatchObject({ code: '57014' });
      expect((await reader.query(`SELECT current_setting('TimeZone') AS zone`)).rows).toEqual([{ zone: 'UTC' }]);
      const client = await reader.connect();
      await client.query('BEGIN');
      await expect(client.query('DELETE FROM notes')).rejects.toThrow(/read-only/);
      await client.query('ROLLBACK');
      await expect(Promise.all([client.query('SELECT 1'), client.query('DELETE FROM notes')])).rejects.toThrow(/read-only/);
      client.release();
      // Checks that no setting of Hookgraph stays on a session that the application gets next.
      await Promise.all(Array.from({ length: 20 }, (_, i) => app.query(`INSERT INTO notes VALUES (${1000 + i}, 'ada')`)));
      expect((await app.query('SHOW statement_timeout')).rows).toEqual([{ statement_timeout: '0' }]);
    } finally {
      await reader.end();
    }
  });

  it('waits for a slow statement, which has another process id behind the pooler', async () => {
    const slow = openPool(pooler.url, { log, silenceMs: 100 });
    try {
      expect((await slow.query('SELECT pg_sleep(1)')).rowCount).toBe(1);
    } finally {
      await slow.end();
    }
  });

  it('serves an application with Prisma: writes that ask before-hooks, and stored queries', async () => {
    const seeded = await testDatabase({ seeded: true });
    const databaseUrl = pooler.url.replace(/\/[^/]*$/, new URL(seeded.url).pathname);
    const theirs = createHooks({ database: databaseUrl, keys: [randomBytes(32)], log, settings: { allowedNetworks: ['127.0.0.0/8'] } });
    const prisma = openPrisma(databaseUrl);
    const before = await startReceiver();
    const after = await startReceiver();
    try {
      await theirs.migrate();
      const { rows } = await seeded.pool.query(`SELECT id, organization_id FROM users WHERE admin ORDER BY created_at LIMIT 1`);
      const viewer = { userId: rows[0].id, organizationId: rows[0].organization_id, admin: true, scope: 'ADMIN' as const, token: null };
      const ask = async (source: string) => {
        const { data, errors } = await graphql({
          schema: theirs.schema,
          source,
          contextValue: createContext({ prisma, viewer, webhooks: theirs.webhooks }),
        });
        expect(errors).toBeUndefined();
        return data;
      };
      const subscribe = (url: string, more: string) =>
        ask(
          `mutation { createWebhookSubscription(webhookSubscription: { topic: { key: "group/created" } callbackUrl: "${url}" ${more} }) { errors { message } } }`,
        );
      await subscribe(after.url, 'query: "query ($nodeId: ID!) { node(id: $nodeId) { ... on Group { name } } }"');
      const worker = await theirs.work();
      await ask('mutation { createGroup(group: { name: "Unasked" }) { errors { message } } }');
      await after.waitFor(1);
      await subscribe(before.url, 'phase: BEFORE');
      await ask('mutation { createGroup(group: { name: "Asked" }) { errors { message } } }');
      await after.waitFor(2);
      expect(before.requests).toHaveLength(1);
      expect(after.requests.map(({ body }) => JSON.parse(body).data.node.name)).toEqual(['Unasked', 'Asked']);
      await worker.stop();
    } finally {
      await theirs.close();
      await prisma.$disconnect();
      await before.close();
      await after.close();
      await seeded.close();
    }
  });

  it('leaves nothing in the sessions that it used', async () => {
    for (let round = 0; round < 20; round++) {
      const { rows } = await app.query(`SELECT (SELECT count(*) FROM pg_prepared_statements WHERE name <> '')::int AS prepared,
        (SELECT count(*) FROM pg_listening_channels())::int AS listening, current_setting('statement_timeout') AS timeout,
        current_setting('default_transaction_read_only') AS read_only`);
      expect(rows).toEqual([{ prepared: 0, listening: 0, timeout: '0', read_only: 'off' }]);
    }
  });

  const openDeliveries = async () => (await database.pool.query('SELECT count(*)::int AS n FROM hookgraph.open_deliveries')).rows[0].n;
});
