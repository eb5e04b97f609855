// Tests that the feed of changes skips no committed change, shows only the own organization's changes, and says what holds it back.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PoolClient } from 'pg';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { openCopy, reconcile } from '../../examples/reconcile/reconcile.mjs';
import type { Viewer } from '../../src/auth/viewer.js';
import { type ChangesHeld, changesHeld, describeHeld, readChanges } from '../../src/webhooks/base/store/changes.js';
import { relayOnce } from '../../src/webhooks/fan-out/relay.js';
import { pruneHistory } from '../../src/webhooks/index.js';
import { type TestApp, testApp } from '../support/app.js';
import { recordStatements } from '../support/record-statements.js';
import { transactionBeside } from '../support/transaction-beside.js';
import { until } from '../support/until.js';
import { Writers } from '../support/writers.js';

let app: TestApp;
const clients: PoolClient[] = [];
beforeAll(async () => {
  app = await testApp();
  await relayOnce(app.database.pool);
});
afterEach(async () => {
  for (const client of clients.splice(0)) {
    await client.query('ROLLBACK');
    client.release();
  }
});
afterAll(() => app.close());

const FIELDS = 'databaseId operation nodeId nodeType changedFields before after';
// biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of the answer that it queries
async function read(after: string | null, more = '', as?: Viewer): Promise<any> {
  const args = `(after: ${JSON.stringify(after)}${more})`;
  return app.value(
    `{ webhookChanges${args} { nodes { ${FIELDS} } edges { cursor } lagSeconds heldBackBy pageInfo { hasNextPage endCursor } } }`,
    {},
    as,
  );
}
const xidOf = (cursor: string): string => Buffer.from(cursor, 'base64url').toString().split('/')[1] as string;

/** Waits until all changes so far are relayed, and returns a cursor after them. */
async function now(as?: Viewer): Promise<string> {
  const { rows } = await app.database.pool.query('SELECT pg_current_xact_id()::text AS xid');
  return until('the cursor is of this moment', async () => {
    const { endCursor } = (await read(null, '', as)).pageInfo;
    return BigInt(xidOf(endCursor)) > BigInt(rows[0].xid) ? endCursor : null;
  });
}

/** Reads until the expected changes have come, because another test's transaction that is just ending may hold them back. */
async function expectChanges(after: string, expected: string[], more = '', as?: Viewer): Promise<string> {
  const { changes, cursor } = await until('the changes are readable', async () => {
    const found = await readOn(after, more, as);
    return found.changes.length >= expected.length ? found : null;
  });
  expect(changes).toEqual(expected);
  return cursor;
}

/** Reads until the sentence about what holds changes back matches. */
const untilHeld = (after: string, sentence: RegExp) =>
  until(`what holds changes back is ${sentence}`, async () => {
    const page = await read(after);
    expect(page.nodes).toEqual([]);
    return sentence.test(page.heldBackBy) ? page : null;
  });

/** Reads to the end, and returns what happened in order, e.g. `CREATED One`. */
async function readOn(after: string, more = '', as?: Viewer): Promise<{ changes: string[]; cursor: string }> {
  const changes: string[] = [];
  for (let cursor = after; ; ) {
    await relayOnce(app.database.pool);
    const { nodes, pageInfo } = await read(cursor, more, as);
    changes.push(...nodes.map((node: { operation: string; before?: Named; after?: Named }) => `${node.operation} ${nameOf(node)}`));
    cursor = pageInfo.endCursor;
    if (!pageInfo.hasNextPage) return { changes, cursor };
  }
}
type Named = { name: string } | null;
const nameOf = ({ before, after }: { before?: Named; after?: Named }) => (after ?? before)?.name;

const connect = async (): Promise<PoolClient> => {
  const client = await app.database.pool.connect();
  clients.push(client);
  await client.query('BEGIN');
  return client;
};
const INSERT = 'INSERT INTO groups (organization_id, name) VALUES ($1, $2) RETURNING id';
const own = () => app.admin.organizationId;

it('begins at the present moment, and lists what is committed later, deletions with their last values', async () => {
  const { pool } = app.database;
  await pool.query(INSERT, [own(), 'Before']);
  const first = await read(null);
  expect(first).toMatchObject({ nodes: [], pageInfo: { hasNextPage: false } });
  const { rows } = await pool.query(INSERT, [own(), 'One']);
  await pool.query('UPDATE groups SET name = $2 WHERE id = $1', [rows[0].id, 'Two']);
  await pool.query('DELETE FROM groups WHERE id = $1', [rows[0].id]);
  await pool.query(INSERT, [app.stranger.organizationId, 'Stranger']);
  // `Before` was committed but not yet relayed when the cursor was made, so it comes after the cursor.
  const cursor = await expectChanges(first.pageInfo.endCursor, ['CREATED Before', 'CREATED One', 'UPDATED Two', 'DELETED Two']);
  expect((await readOn(cursor)).changes).toEqual([]);
  await expectChanges(first.pageInfo.endCursor, ['CREATED Stranger'], '', app.stranger);
});

it('waits for the transaction that began first, however late it commits, and says so', async () => {
  const { pool } = app.database;
  const start = await now();
  const [early, late] = [await connect(), await connect()];
  await early.query(INSERT, [own(), 'Early']);
  await late.query(INSERT, [own(), 'Late']);
  await late.query('COMMIT');
  await relayOnce(pool);
  const held = await untilHeld(start, /^A transaction is open since .*Later changes follow when it ends\.$/);
  expect(held.lagSeconds).toEqual(expect.any(Number));
  await early.query('COMMIT');
  await expectChanges(held.pageInfo.endCursor, ['CREATED Early', 'CREATED Late']);
});

it('skips nothing of a transaction that is prepared, or of one that the relay has not taken', async () => {
  const { pool } = app.database;
  const start = await now();
  const name = `changes ${app.database.url}`;
  const client = await connect();
  await client.query(INSERT, [own(), 'Prepared']);
  await client.query(`PREPARE TRANSACTION '${name}'`);
  try {
    await pool.query(INSERT, [own(), 'After']);
    await relayOnce(pool);
    const held = await untilHeld(start, /^A prepared transaction is neither committed nor rolled back since/);
    const holder = (await changesHeld(pool, xidOf(held.pageInfo.endCursor))) as ChangesHeld;
    expect(describeHeld(holder, true)).toContain(JSON.stringify(name));
    expect(describeHeld(holder, false)).not.toContain(name);
  } finally {
    await pool.query(`COMMIT PREPARED '${name}'`);
  }
  const unrelayed = await untilHeld(start, /^Committed changes wait since .* for a worker to process them\.$/);
  const cursor = await expectChanges(unrelayed.pageInfo.endCursor, ['CREATED Prepared', 'CREATED After']);
  expect(await read(cursor)).toMatchObject({ nodes: [], heldBackBy: null, lagSeconds: 0 });
});

it('ignores open transactions of other databases of the server', async () => {
  const other = await transactionBeside();
  try {
    const start = await now();
    await app.database.pool.query(INSERT, [own(), 'Mine']);
    await expectChanges(start, ['CREATED Mine']);
    expect(await read(start)).toMatchObject({ heldBackBy: null, lagSeconds: 0 });
  } finally {
    await other();
  }
});

it('reads several changes of a node in one transaction as one, and a row that changes tenants as gone and as new', async () => {
  const { pool } = app.database;
  const [start, theirs] = [await now(), await now(app.stranger)];
  const client = await connect();
  const { rows } = await client.query(INSERT, [own(), 'A']);
  for (const name of ['B', 'C']) await client.query('UPDATE groups SET name = $2 WHERE id = $1', [rows[0].id, name]);
  await client.query('COMMIT');
  await pool.query('UPDATE groups SET organization_id = $2, name = $3 WHERE id = $1', [rows[0].id, app.stranger.organizationId, 'D']);
  await expectChanges(start, ['CREATED C', 'DELETED C']);
  await expectChanges(theirs, ['CREATED D'], '', app.stranger);
});

it('walks pages of any size, over what others write, of the asked types', async () => {
  const { pool } = app.database;
  const start = await now();
  await pool.query(`INSERT INTO groups (organization_id, name) SELECT $1, 'G' || i FROM generate_series(1, 5) i`, [own()]);
  await pool.query(`INSERT INTO environments (organization_id, name) SELECT $1, 'E' || i FROM generate_series(1, 5) i`, [own()]);
  await relayOnce(pool);
  const names = ['G1', 'G2', 'G3', 'G4', 'G5'].map((name) => `CREATED ${name}`);
  for (const size of [1, 2, 5, 100]) await expectChanges(start, names, `, first: ${size}, types: ["Group"]`);
  const edges = await until('the changes are readable', async () => {
    const page = await read(start, ', types: ["Group"]');
    return page.edges.length === names.length ? page.edges : null;
  });
  await expectChanges(edges[2].cursor, names.slice(3), ', types: ["Group"]');
  // A page that reads at most two events is empty if both events belong to others.
  const found: string[] = [];
  let [after, empty] = [Buffer.from(start, 'base64url').toString(), 0];
  while (found.length < 5) {
    const page = await readChanges(pool, { tenant: own(), after, typenames: ['Environment'], limit: 9 }, 2);
    found.push(...page.rows.map(({ typename }) => typename));
    if (page.rows.length === 0) empty += 1;
    after = page.cursor;
  }
  expect(found).toEqual(Array(5).fill('Environment'));
  expect(empty).toBeGreaterThanOrEqual(2);
});

it('takes as many statements for many changes as for one', async () => {
  const start = await now();
  await app.database.pool.query(`INSERT INTO groups (organization_id, name) SELECT $1, 'M' || i FROM generate_series(1, 30) i`, [own()]);
  await expectChanges(
    start,
    Array.from({ length: 30 }, (_, i) => `CREATED M${i + 1}`),
  );
  const cost: number[] = [];
  for (const first of [1, 30]) {
    const statements = await until('the changes are readable', async () => {
      const { statements, stop } = recordStatements(app.database.pool);
      const { nodes } = await read(start, `, first: ${first}, types: ["Group"]`);
      stop();
      return nodes.length === first ? statements : null;
    });
    cost.push(statements.length);
  }
  expect(cost[1]).toBe(cost[0]);
});

it('refuses what is no cursor, a cursor of another server or of deleted history, and an unknown type', async () => {
  const errorOf = async (after: string, more = '') => {
    const { errors } = await app.ask(`{ webhookChanges(after: ${JSON.stringify(after)}${more}) { nodes { id } } }`);
    return [errors?.[0]?.extensions.code, errors?.[0]?.message];
  };
  const encode = (text: string) => Buffer.from(text).toString('base64url');
  const start = await now();
  for (const cursor of ['', 'x', encode('1/2/3'), encode('1/2/3/4/5'), encode('1/2/9223372036854775808/4')])
    expect((await errorOf(cursor))[0], cursor).toBe('PAGE_INVALID');
  expect((await errorOf(start, ', last: 3'))[0]).toBe('PAGE_INVALID');
  expect((await errorOf(start, ', types: ["Nothing"]'))[0]).toBe('TYPE_UNKNOWN');
  const [, ...rest] = Buffer.from(start, 'base64url').toString().split('/');
  expect(await errorOf(encode(['1', ...rest].join('/')))).toEqual([
    'CURSOR_EXPIRED',
    expect.stringMatching(/another database server.*Read all nodes again/),
  ]);
  const old = encode([Buffer.from(start, 'base64url').toString().split('/')[0], '5', '0', String(Date.UTC(2026, 0, 1))].join('/'));
  expect((await errorOf(old))[0]).toBeUndefined();
  await pruneHistory(app.database.pool, { before: new Date('2026-02-01') });
  expect(await errorOf(old)).toEqual(['CURSOR_EXPIRED', expect.stringMatching(/of 2026-01-01.*before 2026-02-01.*Read all nodes again/)]);
  expect((await errorOf(start))[0]).toBeUndefined();
});

it('lets a copy that is started at any moment end with exactly what a full read has, beside writers that commit in any order', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hookgraph-reconcile-'));
  const { pool } = app.database;
  const ask = async (query: string, variables: Record<string, unknown>) => {
    const { data, errors } = await app.ask(query, variables);
    if (errors) throw Object.assign(new Error(errors[0]?.message), { code: errors[0]?.extensions.code });
    return data;
  };
  const readPage = async (after: string | null) => {
    const page = 'query ($after: String) { groups(first: 3, after: $after) { nodes { id name } pageInfo { hasNextPage endCursor } } }';
    const { nodes, pageInfo } = (await ask(page, { after })).groups;
    const rows = nodes.map(({ id, name }: { id: string; name: string }) => ({ nodeId: id, row: { name } }));
    return { rows, next: pageInfo.hasNextPage ? pageInfo.endCursor : null };
  };
  const job = { ask, type: 'Group', readPage, pick: ({ name }: { name: string }) => ({ name }) };
  await pool.query(`INSERT INTO groups (organization_id, name) SELECT $1, 'first ' || i FROM generate_series(1, 20) i`, [own()]);
  const writing = new Writers(app, 1);
  let isOver = false;
  const relaying = [1, 2].map(async () => {
    while (!isOver) await relayOnce(pool, 3);
  });
  try {
    const copies = [];
    const running: Promise<void>[] = [];
    for (let round = 0; round < 90; round++) {
      if (round % 30 === 10) {
        const copy = await openCopy(join(folder, `${round}`));
        copies.push(copy);
        const keepUp = async () => {
          while (!isOver) await reconcile({ ...job, copy });
        };
        running.push(keepUp());
      }
      await writing.step();
    }
    await writing.end();
    isOver = true;
    await Promise.all([...running, ...relaying]);
    while ((await relayOnce(pool)).events > 0);
    const end = await now();
    const all = new Map<string, unknown>();
    for (let after: string | null = null, more = true; more; more = after !== null) {
      const page = await readPage(after);
      for (const { nodeId, row } of page.rows) all.set(nodeId, row);
      after = page.next;
    }
    expect(all.size).toBeGreaterThan(5);
    for (const copy of copies) {
      await until('the copy has read up to the end', async () => {
        await reconcile({ ...job, copy });
        return BigInt(xidOf(copy.cursor as string)) >= BigInt(xidOf(end));
      });
      expect(copy.rows()).toEqual(all);
    }
    expect(copies).toHaveLength(3);
    expect((await openCopy(join(folder, '10'))).rows()).toEqual(all);
  } finally {
    isOver = true;
    await writing.end();
    await Promise.allSettled(relaying);
    await rm(folder, { recursive: true, force: true });
  }
});
