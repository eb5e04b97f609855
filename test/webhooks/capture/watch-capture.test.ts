// Tests that each way in which capture can stop is noticed with its own message, and repaired automatically if no decision is needed.
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import type { CaptureFinding } from '../../../src/webhooks/base/capture-finding.js';
import { prepareCapture } from '../../../src/webhooks/capture/prepare-capture.js';
import { type CaptureWatch, createCaptureWatch, findOutOfStep } from '../../../src/webhooks/capture/watch-capture.js';
import type { AnnouncedNode } from '../../../src/webhooks/index.js';
import { type CapturedTables, prepareTables, silent, THINGS, thing } from './captured-tables.js';

let db: CapturedTables;
afterEach(() => db.close());

const PARTED = `CREATE TABLE things (id int PRIMARY KEY, tenant text, name text) PARTITION BY RANGE (id);
  CREATE TABLE things_1 PARTITION OF things FOR VALUES FROM (0) TO (10)`;

async function capture(ddl = THINGS, nodes: AnnouncedNode[] = [thing()]): Promise<void> {
  db = await prepareTables(ddl, nodes);
  expect(await findOutOfStep(db.pool, nodes)).toEqual([]);
}

const found = (nodes: AnnouncedNode[] = [thing()]) => findOutOfStep(db.pool, nodes);
const finding = (kind: CaptureFinding['kind'], loses: boolean, message: RegExp) =>
  expect.objectContaining({
    kind,
    loses,
    typename: 'Thing',
    table: 'public.things',
    message: expect.stringMatching(message),
    hint: expect.stringMatching(/migrate/),
  });

/** Returns a watch, with the lines that it logs. */
function watching(nodes: AnnouncedNode[] = [thing()], everyMs = 0): CaptureWatch & { lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { ...createCaptureWatch({ pool: db.pool, host: { nodes }, log, everyMs }), lines };
}

describe('finds, and migrate mends,', () => {
  const cases: [what: string, ddl: string, expected: ReturnType<typeof finding>, setUp?: string][] = [
    [
      'a disabled trigger',
      'ALTER TABLE things DISABLE TRIGGER hookgraph_update',
      finding('TRIGGERS', true, /^Triggers on public\.things are disabled: hookgraph_update\.$/),
    ],
    [
      'all triggers disabled',
      'ALTER TABLE things DISABLE TRIGGER USER',
      finding('TRIGGERS', true, /are disabled: hookgraph_insert, .*hookgraph_truncate/),
    ],
    [
      'a trigger for replication alone',
      'ALTER TABLE things ENABLE REPLICA TRIGGER hookgraph_insert',
      finding('TRIGGERS', true, /disabled: hookgraph_insert/),
    ],
    ['a missing trigger', 'DROP TRIGGER hookgraph_delete ON things', finding('TRIGGERS', true, /are missing: hookgraph_delete/)],
    [
      'a missing guard of TRUNCATE',
      'DROP TRIGGER hookgraph_truncate ON things',
      finding('TRIGGERS', false, /are missing: hookgraph_truncate/),
    ],
    [
      'triggers that are all gone',
      `DO $$ BEGIN EXECUTE (SELECT string_agg(format('DROP TRIGGER %I ON things', tgname), ';') FROM pg_trigger WHERE tgrelid = 'things'::regclass); END $$`,
      finding('TRIGGERS', true, /its triggers were dropped/),
    ],
    [
      'a table swapped by renaming',
      'CREATE TABLE things_new (LIKE things INCLUDING ALL); BEGIN; ALTER TABLE things RENAME TO things_old; ALTER TABLE things_new RENAME TO things; COMMIT',
      finding('TABLE', true, /public\.things are not recorded: the table was replaced.*The triggers are on public\.things_old/),
    ],
    [
      'a table made anew by CREATE TABLE AS',
      'CREATE TABLE made AS TABLE things; DROP TABLE things; ALTER TABLE made RENAME TO things; ALTER TABLE things ADD PRIMARY KEY (id)',
      finding('TABLE', true, /public\.things are not recorded: the table was replaced, and the new table has no triggers\.$/),
    ],
    [
      'a function that is gone with its triggers',
      `DO $$ BEGIN EXECUTE (SELECT format('DROP FUNCTION %s CASCADE', oid::regprocedure) FROM pg_proc WHERE proname LIKE 'capture\\_Thing%'); END $$`,
      finding('UNATTACHED', true, /not recorded/),
    ],
    [
      'a function that triggers call',
      `DO $$ BEGIN EXECUTE (SELECT format('DROP FUNCTION %s', oid::regprocedure) FROM pg_proc WHERE proname LIKE 'in\\_step\\_Thing%'); END $$`,
      finding('FUNCTIONS', true, /were dropped: in_step_Thing/),
    ],
    ['a function that all tables share', 'DROP FUNCTION hookgraph.row_json(anyelement)', finding('FUNCTIONS', true, /row_json/)],
    [
      'a column with another type',
      'ALTER TABLE things ALTER name TYPE varchar(10)',
      finding('COLUMNS', false, /changed their type: name \(text, now varchar\)/),
    ],
    [
      'a heir that is written by its own name',
      'CREATE TABLE special () INHERITS (things)',
      finding('PARTS', true, /inherit from it without triggers: public\.special/),
    ],
    [
      'a partition made later',
      'CREATE TABLE things_2 PARTITION OF things FOR VALUES FROM (10) TO (20)',
      finding('PARTS', false, /partitions without triggers: public\.things_2/),
      PARTED,
    ],
    [
      'a partition of a partition',
      'CREATE TABLE things_2 PARTITION OF things FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id); CREATE TABLE things_21 PARTITION OF things_2 FOR VALUES FROM (10) TO (15)',
      finding('PARTS', false, /public\.things_2, public\.things_21/),
      PARTED,
    ],
    [
      'triggers disabled on a partition',
      'ALTER TABLE things_1 DISABLE TRIGGER hookgraph_insert',
      finding('TRIGGERS', false, /on public\.things_1 are disabled/),
      PARTED,
    ],
    [
      'a partition that was detached',
      'ALTER TABLE things DETACH PARTITION things_1',
      finding('TRIGGERS', false, /public\.things_1 no longer belongs to public\.things/),
      PARTED,
    ],
    [
      'another body of a function',
      `DO $$ BEGIN EXECUTE (SELECT replace(pg_get_functiondef(oid), '''updated''', '''deleted''') FROM pg_proc WHERE proname LIKE 'capture\\_Thing%'); END $$`,
      finding('ANNOUNCEMENT', false, /differ from what this application announces, in capture_Thing\w+/),
    ],
    [
      'functions of an older version',
      `DO $$ BEGIN EXECUTE (SELECT format('COMMENT ON FUNCTION %s IS %L', oid::regprocedure, 'hookgraph capture: ' || repeat('0', 64)) FROM pg_proc WHERE proname LIKE 'capture\\_Thing%'); END $$`,
      finding('ANNOUNCEMENT', false, /older version of Hookgraph/),
    ],
  ];
  it.each(cases)('%s', async (_what, ddl, expected, setUp) => {
    await capture(setUp);
    const watch = watching();
    expect(await watch.findings()).toEqual([]);
    await db.pool.query(ddl);
    expect((await watch.findings()).filter(({ typename }) => typename === 'Thing')).toEqual([expected]);
    await prepareCapture(db.pool, [thing()], silent);
    expect(await watch.findings()).toEqual([]);
  });
});

describe('finds what migrate can’t mend alone:', () => {
  const cases: [what: string, ddl: string, expected: ReturnType<typeof finding>[], rest?: Partial<AnnouncedNode>][] = [
    ['no table', 'DROP TABLE things', [finding('TABLE', true, /public\.things of Thing doesn't exist/)]],
    [
      'a view in its place',
      'ALTER TABLE things RENAME TO things_1; CREATE VIEW things AS TABLE things_1',
      [finding('TABLE', true, /is a view, not a table/)],
    ],
    ['a renamed column', 'ALTER TABLE things RENAME name TO title', [finding('COLUMNS', true, /no column "name"/)]],
    [
      'renamed key and tenant, told at once with a disabled trigger',
      'ALTER TABLE things RENAME id TO number; ALTER TABLE things RENAME tenant TO owner; ALTER TABLE things DISABLE TRIGGER hookgraph_insert',
      [finding('COLUMNS', true, /no column "id", "tenant"/), finding('TRIGGERS', true, /hookgraph_insert/)],
    ],
    [
      'a soft deletion that is gone',
      'ALTER TABLE things DROP deleted_at',
      [finding('COLUMNS', true, /no column "deleted_at"/)],
      { softDelete: { column: 'deleted_at' } },
    ],
    ['a key without an index', 'ALTER TABLE things DROP CONSTRAINT things_pkey', [finding('COLUMNS', false, /has no unique index/)]],
  ];
  it.each(cases)('%s', async (_what, ddl, expected, rest) => {
    const nodes = [thing(rest)];
    await capture(`${THINGS}; ALTER TABLE things ADD deleted_at timestamptz`, nodes);
    const watch = watching(nodes);
    await watch.findings();
    await db.pool.query(ddl);
    expect(await watch.findings()).toEqual(expected);
  });

  it('a foreign partition', async () => {
    await capture(`${PARTED}; CREATE EXTENSION postgres_fdw; CREATE SERVER away FOREIGN DATA WRAPPER postgres_fdw`);
    const watch = watching();
    await watch.findings();
    await db.pool.query(
      'ALTER TABLE things DROP CONSTRAINT things_pkey; CREATE FOREIGN TABLE things_2 PARTITION OF things FOR VALUES FROM (10) TO (20) SERVER away',
    );
    expect(await watch.findings()).toEqual([finding('TABLE', true, /foreign tables .*things_2/)]);
  });
});

it('finds nothing where tables that aren’t announced change, or undeclared columns', async () => {
  await capture(`${THINGS}; CREATE TABLE others (id int PRIMARY KEY)`);
  await db.pool.query('ALTER TABLE things ADD more int; ALTER TABLE things ALTER more TYPE bigint; ALTER TABLE others RENAME id TO number');
  await db.pool.query('VACUUM FULL things');
  expect(await found()).toEqual([]);
});

it('tells what is recorded from what is announced, and leaves a newer version’s functions and other applications’ tables alone', async () => {
  await capture(`${THINGS}; CREATE TABLE parts (id int PRIMARY KEY, tenant text, name text)`);
  const part = thing({ typename: 'Part', table: { schema: 'public', name: 'parts' } });
  expect(await found([part])).toEqual([expect.objectContaining({ kind: 'UNATTACHED', typename: 'Part', loses: true })]);
  const other = thing({ columns: { id: 'id', tenant: 'tenant' } });
  expect(await found([other])).toEqual([
    finding('ANNOUNCEMENT', false, /^The triggers of public\.things don't record tenant yet, and still record name, which/),
  ]);
  await db.pool.query(
    `DO $$ BEGIN EXECUTE (SELECT format('COMMENT ON FUNCTION %s IS %L', oid::regprocedure, 'hookgraph capture: ' || repeat('0', 64) || ' {"version":999}')
       FROM pg_proc WHERE proname LIKE 'capture\\_Thing%'); END $$`,
  );
  expect(await found([other])).toEqual([]);
});

it('mends a partition and a heir that were made later, with a line of log, and holds up no writer that holds them', async () => {
  await capture(`${PARTED}; CREATE TABLE notes (id int PRIMARY KEY, tenant text, name text)`, [
    thing(),
    thing({ typename: 'Note', table: { schema: 'public', name: 'notes' } }),
  ]);
  const nodes = [thing(), thing({ typename: 'Note', table: { schema: 'public', name: 'notes' } })];
  const watch = watching(nodes);
  await db.pool.query(
    'CREATE TABLE things_2 PARTITION OF things FOR VALUES FROM (10) TO (20); CREATE TABLE special (PRIMARY KEY (id)) INHERITS (notes)',
  );
  const writer = await db.connect();
  await writer.query(`BEGIN; INSERT INTO things_2 VALUES (11, 'acme', 'a')`);
  expect(await watch.check()).toEqual([expect.objectContaining({ kind: 'PARTS', loses: false, since: expect.any(Date) })]);
  await writer.query('COMMIT');
  expect(await watch.check()).toEqual([]);
  await db.pool.query(`INSERT INTO things_2 VALUES (12, 'acme', 'a'); INSERT INTO special VALUES (1, 'acme', 'a')`);
  expect((await db.events()).map(({ typename, key }) => `${typename} ${key}`)).toEqual(['Thing 12', 'Note 1']);
  expect(watch.lines.map(({ msg, table }) => [msg, table])).toEqual([
    ['capture triggers were attached to a new partition or child table', 'public.special'],
    ['capture triggers do not match the announced tables; changes are still recorded', undefined],
    ['capture triggers were attached to a new partition or child table', 'public.things_2'],
    ['capture triggers match the announced tables again', undefined],
  ]);
  await watch.requireMatch();
});

it('says each change of findings once, by one line, and refuses with all of them', async () => {
  await capture();
  const watch = watching();
  for (let i = 0; i < 3; i++) await watch.check();
  expect(watch.lines).toEqual([]);
  await db.pool.query('ALTER TABLE things DISABLE TRIGGER hookgraph_insert');
  for (let i = 0; i < 3; i++) await watch.check();
  await db.pool.query('DROP TRIGGER hookgraph_update ON things');
  for (let i = 0; i < 3; i++) await watch.check();
  await expect(watch.requireMatch()).rejects.toMatchObject({
    code: 'CAPTURE_OUT_OF_STEP',
    message: expect.stringMatching(
      /\n- Triggers on public\.things are missing: hookgraph_update\. .*migrate.*\n- Triggers on public\.things are disabled: hookgraph_insert/,
    ),
  });
  await prepareCapture(db.pool, [thing()], silent);
  for (let i = 0; i < 3; i++) await watch.check();
  expect(watch.lines.map(({ level, msg, findings, mended }) => [level, msg, (findings as unknown[])?.length ?? mended])).toEqual([
    [40, 'changes of announced tables are not recorded', 1],
    [40, 'changes of announced tables are not recorded', 2],
    [30, 'capture triggers match the announced tables again', [expect.any(String), expect.any(String)]],
  ]);
});

it('asks once for many questions within a minute, and looks closely only where the catalog changed', async () => {
  await capture();
  const asked: string[] = [];
  const query = (...given: Parameters<typeof db.pool.query>) => {
    asked.push(String(given[0]));
    return db.pool.query(...given);
  };
  const closely = () => asked.filter((sql) => sql.includes(`'facts'`)).length;
  const watch = createCaptureWatch({ pool: { query } as unknown as typeof db.pool, host: { nodes: [thing()] }, log: silent });
  await Promise.all(Array.from({ length: 10 }, () => watch.findings()));
  await watch.findings();
  expect([asked.length, closely()]).toEqual([2, 1]);
  await watch.check();
  await db.pool.query(`INSERT INTO things SELECT n, 'acme', 'a' FROM generate_series(1, 100) n`);
  for (const sql of ['VACUUM ANALYZE things', 'CREATE TABLE others ()']) await db.pool.query(sql);
  await watch.check();
  expect(closely()).toBe(1);
  await db.pool.query('ALTER TABLE things ADD more int');
  await watch.check();
  expect(closely()).toBe(2);
});
