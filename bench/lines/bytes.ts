// Measures the bytes that a delivery takes in tables, indexes and WAL, compared with a hand-written baseline.
import { addJobs, prepareJobs } from '../baseline/prepare.js';
import type { Bench, Line, Metrics, Prepared } from '../frame.js';
import { startHookgraph, startProgram } from '../processes.js';
import type { Database } from '../server.js';
import { insertPeople, prepared, type Receiver, relayAll, startReceiver, subscribe, untilTrue } from '../world.js';

const DELIVERIES = 20_000;
/** The parts of the history of deliveries, each with a pattern for its tables. */
const PARTS: Record<string, RegExp> = {
  event: /^events/,
  delivery: /^deliveries$/,
  attempt: /^(attempts|exchanges)/,
  queue: /^open_deliveries$/,
};

export const bytes: Line = {
  key: 'bytes',
  title: 'The bytes of a delivery',
  method: `${DELIVERIES.toLocaleString('en-US')} people are inserted; relay and worker run as in production until all notifications are delivered and recorded. Counted are the bytes that the tables of events, deliveries and attempts have grown by, with indexes and TOAST, without a VACUUM of ours, per delivery; and the WAL of relay and worker, with no checkpoint between the writes and their relay. The queue is not counted in bytes: its rows go when deliveries end, and its space is used again. An own event: one subscription. A shared event: ten subscriptions of ${(DELIVERIES / 10).toLocaleString('en-US')} people. The expert keeps a row for each delivery: the job's key, status and body of the response, and no request.`,
  rounds: 3,
  async prepare(bench) {
    const receiver = await startReceiver();
    const tables = new Map<string, Size[]>();
    const records = new Map<string, LogRecords[]>();
    const of = (name: string, subscriptions: number) => ({
      name,
      measure: () => measure(bench, receiver, { name, subscriptions, tables, records }),
    });
    return {
      variants: [of(OWN, 1), of(SHARED, 10), { name: 'expert', measure: () => measureExpert(bench, receiver) }],
      bars: [
        { what: 'bytes of a delivery whose event is its own', metric: 'bytes', of: OWN, atMost: 1_200 },
        { what: 'bytes of a delivery where ten share an event', metric: 'bytes', of: SHARED, atMost: 900 },
        ...[OWN, SHARED].map((of) => ({ what: `WAL, ${of}`, metric: 'wal', of, atMost: 2_500 })),
      ],
      notes: () => [
        ...[...tables].map(([name, sizes]) => describeTables(name, sizes)),
        ...[...records].map(([name, kinds]) => describeRecords(name, kinds)),
      ],
      close: () => receiver.stop(),
    } satisfies Prepared;
  },
};

const OWN = 'an own event';
const SHARED = 'ten share an event';

interface Size {
  /** The table that uses the bytes; for a partition, its partitioned table. */
  table: string;
  /** The index or TOAST table that uses the bytes; else the table itself. */
  relation: string;
  bytes: number;
}

/** The records of one kind in the write-ahead log that concern one table or index. */
interface LogRecords {
  relation: string;
  kind: string;
  count: number;
  /** Bytes of the records, except copies of full pages. */
  bytes: number;
  pages: number;
}

interface Variant {
  name: string;
  subscriptions: number;
  tables: Map<string, Size[]>;
  records: Map<string, LogRecords[]>;
}

async function measure({ server }: Bench, receiver: Receiver, { name, subscriptions, tables, records }: Variant): Promise<Metrics> {
  const source = await prepared(server, async (database, app) => {
    for (let i = 0; i < subscriptions; i++) await subscribe(app, database, { callbackUrl: `${receiver.url}/${i}` });
  });
  const database = await source.copy();
  try {
    await insertPeople(database, DELIVERIES / subscriptions);
    const before = await sizesOf(database);
    const walBefore = await walOf(database);
    await relayAll(database);
    const { done } = await receiver.expect({ expect: DELIVERIES });
    const worker = await startHookgraph('worker', { ...server.env, DATABASE_URL: database.url });
    try {
      await done;
      await untilTrue(database, 'SELECT NOT EXISTS (SELECT FROM hookgraph.open_deliveries)');
    } finally {
      await worker.stop('SIGKILL');
    }
    const walAfter = await walOf(database);
    const wal = (walAfter - walBefore) / DELIVERIES;
    records.set(name, await recordsOf(database, walBefore, walAfter));
    const sizes = (await sizesOf(database)).map((size) => {
      const earlier = before.find(({ table, relation }) => table === size.table && relation === size.relation);
      return { ...size, bytes: (size.bytes - (earlier?.bytes ?? 0)) / DELIVERIES };
    });
    tables.set(name, sizes);
    const parts = Object.entries(PARTS).map(([part, of]) => {
      const own = sizes.filter(({ table }) => of.test(table));
      return [part, own.reduce((sum, size) => sum + size.bytes, 0)] as const;
    });
    return { bytes: parts.reduce((sum, [part, count]) => sum + (part === 'queue' ? 0 : count), 0), ...Object.fromEntries(parts), wal };
  } finally {
    await database.drop();
    await source.drop();
  }
}

async function measureExpert({ server }: Bench, receiver: Receiver): Promise<Metrics> {
  const database = await server.database();
  try {
    await prepareJobs(database.pool);
    const ids = await insertPeople(database, DELIVERIES);
    const walBefore = await walOf(database);
    await addJobs(database.pool, ids);
    const { done } = await receiver.expect({ expect: DELIVERIES });
    const program = startProgram('./baseline/expert.ts', { DATABASE_URL: database.url, RECEIVER_URL: receiver.url, CONCURRENCY: '100' });
    try {
      await program.message();
      await done;
      await untilTrue(database, 'SELECT NOT EXISTS (SELECT 1 FROM graphile_worker._private_jobs)');
    } finally {
      await program.stop('SIGKILL');
    }
    const { rows } = await database.pool.query<{ bytes: number }>("SELECT pg_total_relation_size('webhook_results')::float8 AS bytes");
    return { bytes: (rows[0]?.bytes ?? 0) / DELIVERIES, wal: ((await walOf(database)) - walBefore) / DELIVERIES };
  } finally {
    await database.drop();
  }
}

async function walOf({ pool }: Database): Promise<number> {
  const { rows } = await pool.query<{ bytes: number }>(`SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 AS bytes`);
  return rows[0]?.bytes ?? 0;
}

/** Returns the records between two positions of the log, those with most bytes first. Partitions aren't added up. */
async function recordsOf({ pool }: Database, from: number, to: number): Promise<LogRecords[]> {
  await pool.query('CREATE EXTENSION IF NOT EXISTS pg_walinspect');
  const { rows } = await pool.query<LogRecords>(
    `SELECT coalesce(c.relname, '') AS relation, r.resource_manager || ' ' || r.record_type AS kind, count(*)::float8 AS count,
       sum(r.record_length - r.fpi_length)::float8 AS bytes, sum(r.fpi_length)::float8 AS pages
     FROM pg_get_wal_records_info('0/0'::pg_lsn + $1::numeric, '0/0'::pg_lsn + $2::numeric) r
     CROSS JOIN LATERAL (SELECT regexp_match(r.block_ref, 'rel \\d+/(\\d+)/(\\d+)') AS parts) b
     LEFT JOIN pg_class c ON c.relfilenode = b.parts[2]::oid AND b.parts[1]::oid = (SELECT oid FROM pg_database WHERE datname = current_database())
     GROUP BY 1, 2 ORDER BY sum(r.record_length) DESC`,
    [from, to],
  );
  return rows;
}

function describeRecords(name: string, records: readonly LogRecords[]): string {
  const each = (count: number) => (count / DELIVERIES).toFixed(count / DELIVERIES < 10 ? 2 : 0);
  const lines = records
    .filter(({ bytes: own, pages }) => own + pages >= DELIVERIES)
    .map(({ relation, kind, count, bytes: own, pages }) => `| ${relation} | ${kind} | ${each(count)} | ${each(own)} | ${each(pages)} |`);
  return [`| ${name}: WAL of | record | number | bytes | full pages |`, '|---|---|---|---|---|', ...lines].join('\n');
}

/** Returns the bytes of each table of the engine, its indexes and TOAST tables. Adds partitions up under their partitioned table. */
async function sizesOf({ pool }: Database): Promise<Size[]> {
  const { rows } = await pool.query<Size>(
    `WITH t AS (
       SELECT c.oid, coalesce(pg_partition_root(c.oid)::oid, c.oid) AS root, c.reltoastrelid FROM pg_class c
       WHERE c.relnamespace = 'hookgraph'::regnamespace AND c.relkind = 'r'
     ), r AS (
       SELECT t.root, t.oid, '(rows)' AS relation FROM t
       UNION ALL SELECT t.root, i.indexrelid, coalesce(p.relname, x.relname) FROM t JOIN pg_index i ON i.indrelid = t.oid
         JOIN pg_class x ON x.oid = i.indexrelid LEFT JOIN pg_inherits h ON h.inhrelid = x.oid LEFT JOIN pg_class p ON p.oid = h.inhparent
       UNION ALL SELECT t.root, t.reltoastrelid, '(TOAST)' FROM t WHERE t.reltoastrelid <> 0
       UNION ALL SELECT t.root, i.indexrelid, '(TOAST)' FROM t JOIN pg_index i ON i.indrelid = t.reltoastrelid
     )
     SELECT c.relname AS table, r.relation, sum(pg_relation_size(r.oid) + CASE WHEN r.relation = '(rows)' THEN
       pg_relation_size(r.oid, 'fsm') + pg_relation_size(r.oid, 'vm') ELSE 0 END)::float8 AS bytes
     FROM r JOIN pg_class c ON c.oid = r.root GROUP BY 1, 2 ORDER BY 1, 2`,
  );
  return rows;
}

function describeTables(name: string, sizes: Size[]): string {
  const lines = sizes
    .filter(({ bytes: count }) => count >= 0.5)
    .map(({ table, relation, bytes: count }) => `| ${table} | ${relation} | ${count.toFixed(0)} |`);
  return [`| ${name}: table | | bytes per delivery |`, '|---|---|---|', ...lines].join('\n');
}
