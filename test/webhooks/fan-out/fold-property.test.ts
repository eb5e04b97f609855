// Tests folding against a model: each row that a transaction leaves changed is told once, with its first and last values.
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { relayOnce } from '../../../src/webhooks/fan-out/relay.js';
import { type CapturedTables, prepareTables, thing } from '../capture/captured-tables.js';
import { subscribe } from './subscribers.js';

let db: CapturedTables;
afterEach(() => db.close());

/** How long each test tries transactions, of which it makes about 40 a second. */
const RUN_FOR_MS = Number(process.env.FOLD_RUN_MS ?? 3000);
const TENANTS = ['acme', 'other'];
const COLUMNS = 'id integer PRIMARY KEY, tenant text NOT NULL, name text, n numeric, j jsonb, gone timestamptz';

const id = fc.integer({ min: 1, max: 4 });
const tenant = fc.constantFrom("'acme'", "'acme'", "'other'");
const name = fc.constantFrom("'a'", "'b'", 'NULL');
const number = fc.constantFrom('0', '1', '1.0', '1.00', "'NaN'", '750727362669608961', 'NULL');
const json = fc.constantFrom('\'{"a":1}\'', '\'{"a": 1.0}\'', "'null'", 'NULL');
const row = fc.tuple(id, tenant, name, number, json).map((values) => `(${values.join(', ')})`);
const change = fc.oneof(
  name.map((value) => `name = ${value}`),
  number.map((value) => `n = ${value}`),
  json.map((value) => `j = ${value}`),
  tenant.map((value) => `tenant = ${value}`),
  fc.constantFrom('gone = now()', 'gone = NULL', 'id = 5 - id', 'id = id + 1'),
);
const where = fc.oneof(
  id.map((value) => `id = ${value}`),
  fc.constant('true'),
);
const into = 'INSERT INTO things (id, tenant, name, n, j) VALUES';
const statement = fc.oneof(
  row.map((values) => `${into} ${values}`),
  fc
    .tuple(row, change)
    .map(
      ([values, set]) =>
        `${into} ${values} ON CONFLICT (id) DO UPDATE SET ${set.replace(/= id|- id/, (text) => text.replace('id', 'things.id'))}`,
    ),
  fc.tuple(change, where).map(([set, at]) => `UPDATE things SET ${set} WHERE ${at}`),
  fc.tuple(change, where).map(([set, at]) => `UPDATE things SET ${set} WHERE ${at}`),
  where.map((at) => `DELETE FROM things WHERE ${at}`),
  where.map(
    (at) => `WITH d AS (DELETE FROM things WHERE ${at} RETURNING *) INSERT INTO things SELECT id + 1, tenant, name, n, j, gone FROM d`,
  ),
);
/** A statement may be rolled back to the savepoint before it. */
const transaction = fc.record({
  steps: fc.array(fc.record({ sql: statement, isUndone: fc.integer({ min: 0, max: 5 }).map((dice) => dice === 0) }), {
    minLength: 1,
    maxLength: 5,
  }),
  isPrepared: fc.boolean(),
  batch: fc.constantFrom(1, 2, 1000),
});

interface Told {
  tenant: string;
  key: string;
  operation: string;
  changed: string[] | null;
  before: object | null;
  after: object | null;
}
const lineOf = (told: Told): string =>
  JSON.stringify([
    told.tenant,
    told.key,
    told.operation,
    told.operation === 'updated' ? told.changed?.toSorted() : [],
    told.before,
    told.after,
  ]);

it.each([
  ['a plain table', false],
  ['a table with soft deletion', true],
])('tells each changed row of %s once', async (_name, isSoft) => {
  const columns = { id: 'id', name: 'name', n: 'n', j: 'j', ...(!isSoft && { gone: 'gone' }) };
  const nodes = [thing({ columns, ...(isSoft && { softDelete: { column: 'gone' } }) })];
  db = await prepareTables(`CREATE TABLE public.things (${COLUMNS})`, nodes, async (pool) => {
    for (const tenant of TENANTS)
      for (const operation of ['created', 'updated', 'deleted']) await subscribe(pool, { topic: `thing/${operation}`, tenant });
    while ((await relayOnce(pool)).events > 0);
  });
  const client = await db.connect();
  const document = `jsonb_build_object(${Object.keys(columns).flatMap((column) => [`'${column}'`, column])})`;
  const rowsNow = async () => {
    const { rows } = await db.pool.query(
      `SELECT tenant || ' ' || id AS place, tenant, id::text AS key, ${document}::text AS document FROM things ${isSoft ? 'WHERE gone IS NULL' : ''}`,
    );
    return new Map(rows.map((one) => [one.place as string, one]));
  };
  const { rows: settings } = await db.pool.query('SHOW max_prepared_transactions');
  const mayPrepare = settings[0].max_prepared_transactions !== '0';
  const endAt = Date.now() + RUN_FOR_MS;
  await fc.assert(
    fc.asyncProperty(transaction, async ({ steps, isPrepared, batch }) => {
      if (Date.now() > endAt) return;
      const was = await rowsNow();
      await client.query('BEGIN');
      for (const { sql, isUndone } of steps) {
        await client.query('SAVEPOINT s');
        const failed = await client.query(sql).then(
          () => false,
          () => true,
        );
        if (failed || isUndone) await client.query('ROLLBACK TO s');
      }
      if (isPrepared && mayPrepare) {
        // The identifier is unique in the server, which other tests use, too.
        const identifier = randomUUID();
        await client.query(`PREPARE TRANSACTION '${identifier}'`);
        while ((await relayOnce(db.pool, batch)).events > 0);
        await client.query(`COMMIT PREPARED '${identifier}'`);
      } else await client.query('COMMIT');
      const is = await rowsNow();
      const expected = [...new Set([...was.keys(), ...is.keys()])].flatMap((place) => {
        const [old, present] = [was.get(place), is.get(place)];
        const [before, after] = [JSON.parse(old?.document ?? 'null'), JSON.parse(present?.document ?? 'null')];
        const changed = Object.keys(columns).filter((column) => JSON.stringify(before?.[column]) !== JSON.stringify(after?.[column]));
        const { tenant, key } = old ?? present;
        const operation = old ? (present ? 'updated' : 'deleted') : 'created';
        return old && present && changed.length === 0 ? [] : [lineOf({ tenant, key, operation, changed, before, after })];
      });
      while ((await relayOnce(db.pool, batch)).events > 0);
      const { rows } = await db.pool.query<Told>(
        `WITH made AS (DELETE FROM hookgraph.deliveries RETURNING event_id)
         SELECT e.tenant, e.node_key AS key, e.operation, e.changed, hookgraph.row_of(e.layout_id, e.before) AS before,
           hookgraph.row_of(e.layout_id, e.after) AS after
         FROM made JOIN hookgraph.events e ON e.id = made.event_id`,
      );
      expect(rows.map(lineOf).sort()).toEqual(expected.sort());
    }),
    { numRuns: 2000, endOnFailure: true, verbose: 1 },
  );
});
