// Tests that changes of a row in one transaction become one event, or for subscriptions that want each change, one event each.
import { afterEach, describe, expect, it } from 'vitest';
import { relayOnce } from '../../../src/webhooks/fan-out/relay.js';
import type { AnnouncedNode } from '../../../src/webhooks/index.js';
import { type CapturedTables, prepareTables, THINGS, thing } from '../capture/captured-tables.js';
import { subscribe } from './subscribers.js';

let db: CapturedTables;
afterEach(() => db.close());

const TOPICS = ['created', 'updated', 'deleted'];

async function prepare(ddl = THINGS, nodes: AnnouncedNode[] = [thing()]): Promise<void> {
  db = await prepareTables(ddl, nodes, async (pool) => {
    for (const coalesces of ['true', 'false'])
      for (const operation of TOPICS)
        for (const tenant of ['acme', 'other']) await subscribe(pool, { topic: `thing/${operation}`, tenant, set: { coalesces } });
    while ((await relayOnce(pool)).events > 0);
  });
}

interface Told {
  key: string;
  tenant: string;
  operation: string;
  changed: string[] | null;
  before: object | null;
  after: object | null;
  context: string | null;
}

/** Returns the events of the deliveries that were created since the last call. */
async function told({ each = false, limit = 1000 } = {}): Promise<Told[]> {
  while ((await relayOnce(db.pool, limit)).events > 0);
  const { rows } = await db.pool.query<Told>(
    `WITH made AS (DELETE FROM hookgraph.deliveries d USING hookgraph.subscriptions s
       WHERE s.id = d.subscription_id AND s.coalesces <> $1 RETURNING d.event_id)
     SELECT e.node_key AS key, e.tenant, e.operation, e.changed, e.context,
       hookgraph.row_of(e.layout_id, e.before) AS before, hookgraph.row_of(e.layout_id, e.after) AS after
     FROM made JOIN hookgraph.events e ON e.id = made.event_id ORDER BY e.id`,
    [each],
  );
  return rows;
}

const inOne = (...statements: string[]) => db.pool.query(`BEGIN; ${statements.join('; ')}; COMMIT`);
const named = (name: string) => ({ id: 1, name });
const summary = (events: Told[]) => events.map(({ operation, changed }) => (changed ? `${operation} ${changed}` : operation));

it('folds what one transaction does to a row', async () => {
  await prepare();
  await inOne(
    "SET LOCAL hookgraph.context = 'first'",
    "INSERT INTO things VALUES (1, 'acme', 'a')",
    "SET LOCAL hookgraph.context = 'last'",
    "UPDATE things SET name = 'b'",
  );
  const event = { key: '1', tenant: 'acme', context: 'last' };
  expect(await told()).toEqual([{ ...event, operation: 'created', changed: null, before: null, after: named('b') }]);
  await inOne("UPDATE things SET name = 'c'", "UPDATE things SET name = 'd'");
  expect(await told()).toEqual([
    { ...event, operation: 'updated', changed: ['name'], before: named('b'), after: named('d'), context: null },
  ]);
  await inOne("UPDATE things SET name = 'x'", "UPDATE things SET name = 'd'");
  await inOne("INSERT INTO things VALUES (2, 'acme', 'a')", 'DELETE FROM things WHERE id = 2');
  await inOne('DELETE FROM things', "INSERT INTO things VALUES (1, 'acme', 'd')");
  expect(await told()).toEqual([]);
  await inOne('DELETE FROM things', "INSERT INTO things VALUES (1, 'acme', 'e')");
  expect(await told()).toMatchObject([{ operation: 'updated', changed: ['name'], before: named('d'), after: named('e') }]);
  await inOne("UPDATE things SET name = 'f'", 'DELETE FROM things');
  expect(await told()).toMatchObject([{ operation: 'deleted', changed: null, before: named('e'), after: null }]);
});

it('folds what a transaction does to a row that is its own parent, whatever key it has', async () => {
  await prepare(`${THINGS}; ALTER TABLE things ADD parent int REFERENCES things ON UPDATE CASCADE ON DELETE CASCADE`, [
    thing({ columns: { id: 'id', name: 'name', parent: 'parent' } }),
  ]);
  const keys = async () => (await told()).map(({ operation, key }) => `${operation} ${key}`).sort();
  await inOne(
    "INSERT INTO things VALUES (1, 'acme', 'own', 1)",
    'UPDATE things SET id = 10',
    "INSERT INTO things VALUES (2, 'acme', 'child', 10)",
  );
  expect(await keys()).toEqual(['created 10', 'created 2']);
  await inOne('UPDATE things SET id = 11 WHERE id = 10', "INSERT INTO things VALUES (10, 'acme', 'again', 11)");
  expect(await keys()).toEqual(['created 11', 'updated 10', 'updated 2']);
  await inOne('UPDATE things SET id = 12 WHERE id = 11', 'UPDATE things SET id = 11 WHERE id = 12');
  expect(await keys()).toEqual([]);
  await inOne('UPDATE things SET id = 12 WHERE id = 11', 'DELETE FROM things WHERE id = 12');
  expect(await keys()).toEqual(['deleted 10', 'deleted 11', 'deleted 2']);
});

it('keeps each change for a subscription that wants them', async () => {
  await prepare();
  await inOne(
    "INSERT INTO things VALUES (1, 'acme', 'a')",
    "UPDATE things SET name = 'b'",
    "UPDATE things SET name = 'a'",
    'DELETE FROM things',
  );
  expect(summary(await told({ each: true }))).toEqual(['created', 'updated name', 'updated name', 'deleted']);
  await inOne("INSERT INTO things VALUES (1, 'acme', 'a')");
  expect([summary(await told()), summary(await told({ each: true }))]).toEqual([['created'], ['created']]);
});

it('does not fold different transactions, rows or tenants', async () => {
  await prepare();
  await inOne("INSERT INTO things VALUES (1, 'acme', 'a'), (2, 'acme', 'a')");
  await inOne("UPDATE things SET name = 'b'");
  expect(summary(await told())).toEqual(['created', 'created', 'updated name', 'updated name']);
  await inOne("UPDATE things SET tenant = 'other', name = 'c' WHERE id = 1", "UPDATE things SET name = 'd' WHERE id = 1");
  expect((await told()).map(({ tenant, operation, before, after }) => [tenant, operation, before, after])).toEqual([
    ['acme', 'deleted', named('b'), null],
    ['other', 'created', null, named('d')],
  ]);
  await inOne("UPDATE things SET tenant = 'acme' WHERE id = 1", "UPDATE things SET tenant = 'other' WHERE id = 1");
  expect(await told()).toEqual([]);
});

it('tells a lifecycle topic the way from the first value to the last', async () => {
  const lifecycle = ['PAUSED', 'DONE'].map((to) => ({ topic: `thing/${to.toLowerCase()}`, column: 'name', to }));
  await prepare(THINGS, [thing({ lifecycle })]);
  for (const { topic } of lifecycle) await subscribe(db.pool, { topic });
  await inOne("INSERT INTO things VALUES (1, 'acme', 'a')");
  await told();
  await inOne("UPDATE things SET name = 'PAUSED'", "UPDATE things SET name = 'DONE'");
  await told({ each: true });
  while ((await relayOnce(db.pool)).events > 0);
  const { rows } = await db.pool.query(
    'SELECT t.key FROM hookgraph.deliveries d JOIN hookgraph.topics t ON t.id = d.topic_id ORDER BY t.key',
  );
  expect(rows.map(({ key }) => key)).toEqual(['thing/done', 'thing/updated']);
});

it.each([1, 2, 3, 7, 1000])('folds a transaction that is larger than a batch of %i', async (limit) => {
  await prepare();
  await inOne(
    "INSERT INTO things SELECT n, 'acme', 'a' FROM generate_series(1, 9) n",
    "UPDATE things SET name = 'b' WHERE id % 3 = 0",
    'DELETE FROM things WHERE id = 9',
    "INSERT INTO things VALUES (10, 'acme', 'a')",
  );
  await inOne("INSERT INTO things VALUES (11, 'acme', 'a')");
  const heard = (await told({ limit })).map(({ key, operation, after }) => [Number(key), operation, (after as { name: string }).name]);
  expect(heard.sort(([a], [b]) => Number(a) - Number(b))).toEqual(
    [1, 2, 3, 4, 5, 6, 7, 8, 10, 11].map((id) => [id, 'created', id % 3 === 0 ? 'b' : 'a']),
  );
  expect(await told({ each: true })).toHaveLength(15);
  expect((await db.pool.query('SELECT FROM hookgraph.captures')).rowCount).toBe(0);
});

it('folds a transaction that is much larger than a batch, whose rows with several changes are more than a batch, too', async () => {
  await prepare();
  await inOne(
    "INSERT INTO things SELECT n, 'acme', 'a' FROM generate_series(1, 900) n",
    "UPDATE things SET name = 'b' WHERE id % 2 = 0",
    "INSERT INTO things VALUES (1000, 'acme', 'a')",
    'DELETE FROM things WHERE id <= 4',
  );
  await inOne("INSERT INTO things VALUES (1001, 'acme', 'a')");
  const heard = await told({ limit: 200 });
  expect(heard.every(({ operation }) => operation === 'created')).toBe(true);
  expect(heard.filter(({ after }) => (after as { name: string }).name === 'b')).toHaveLength(448);
  expect(heard).toHaveLength(898);
  expect(await told({ each: true })).toHaveLength(900 + 450 + 1 + 4 + 1);
  expect((await db.pool.query('SELECT FROM hookgraph.captures')).rowCount).toBe(0);
});

it('folds in one of several relays, and again after one that rolled back', async () => {
  await prepare();
  await inOne("INSERT INTO things SELECT n, 'acme', 'a' FROM generate_series(1, 5) n", "UPDATE things SET name = 'b'");
  const [one, two] = [await db.connect(), await db.connect()];
  await one.query('BEGIN');
  expect((await relayOnce(one as never, 8)).events).toBeGreaterThan(0);
  expect((await relayOnce(two as never, 8)).events).toBe(0);
  await one.query('ROLLBACK');
  while ((await relayOnce(two as never, 8)).events > 0);
  expect(summary(await told())).toEqual(Array(5).fill('created'));
});

it('relays a row that concurrent relays have locked in parts only when one has all of it', async () => {
  await prepare();
  await inOne("INSERT INTO things VALUES (1, 'acme', 'a')", "UPDATE things SET name = 'b'");
  const other = await db.connect();
  await other.query('BEGIN');
  await other.query('SELECT FROM hookgraph.captures ORDER BY id LIMIT 1 FOR UPDATE');
  expect((await relayOnce(db.pool)).events).toBe(0);
  await other.query('COMMIT');
  expect(summary(await told())).toEqual(['created']);
});

it('tells values that were recorded cut as changed, since they may differ', async () => {
  await prepare();
  const long = (letter: string) => `repeat('${letter}', 1500000)`;
  await inOne(`INSERT INTO things VALUES (1, 'acme', ${long('a')})`);
  await told();
  await inOne(`UPDATE things SET name = left(name, 1000) || ${long('b')}`, `UPDATE things SET name = left(name, 1000) || ${long('c')}`);
  expect(summary(await told())).toEqual(['updated name']);
});

it('folds by the tenant that a parent in the same transaction had', async () => {
  await prepare(
    'CREATE TABLE public.boxes (id integer PRIMARY KEY, tenant text); CREATE TABLE public.things (id integer PRIMARY KEY, box integer REFERENCES boxes ON DELETE CASCADE, name text)',
    [
      { typename: 'Box', table: { schema: 'public', name: 'boxes' }, key: ['id'], columns: { id: 'id' }, tenant: { column: 'tenant' } },
      thing({ tenant: { parent: { column: 'box', typename: 'Box' } } }),
    ],
  );
  await inOne("INSERT INTO boxes VALUES (1, 'acme')", "INSERT INTO things VALUES (1, 1, 'a')");
  expect(summary(await told())).toEqual(['created']);
  await inOne("UPDATE things SET name = 'b'", 'DELETE FROM boxes');
  expect(await told()).toMatchObject([{ operation: 'deleted', before: named('a') }]);
});

it('leaves the time of the last change out of what changed when a row is deleted and created again', async () => {
  const columns = { id: 'id', name: 'name', updated_at: 'updatedAt' };
  await prepare(`${THINGS}; ALTER TABLE things ADD updated_at timestamptz(3) DEFAULT clock_timestamp()`, [
    thing({ columns, updatedAt: 'updated_at' }),
  ]);
  await inOne("INSERT INTO things VALUES (1, 'acme', 'a', '2020-01-01')");
  await told();
  await inOne('DELETE FROM things', "INSERT INTO things VALUES (1, 'acme', 'b')");
  expect(summary(await told())).toEqual(['updated name']);
});

describe('when Postgres records a change of a trigger before the change that fired the trigger', () => {
  const counted = thing({ columns: { id: 'id', name: 'name', n: 'n', at: 'at' }, updatedAt: 'at' });
  /** Returns SQL with a trigger that runs `statement` after each change of a row, except changes by triggers. */
  const following = (
    events: string,
    statement: string,
  ) => `${THINGS}; ALTER TABLE things ADD n int DEFAULT 0, ADD at timestamptz DEFAULT 'epoch';
    CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF pg_trigger_depth() = 1 THEN ${statement}; END IF; RETURN NULL; END $$;
    CREATE TRIGGER follow AFTER ${events} ON things FOR EACH ROW EXECUTE FUNCTION follow()`;
  const rows = async () => (await told()).map(({ operation, changed, before, after }) => [operation, changed, value(before), value(after)]);
  const value = (row: object | null) => row && Object.values({ ...row, id: '', at: '' }).join('');

  it('tells the row as it was before the statement, and as it is after it', async () => {
    await prepare(following('INSERT OR UPDATE', 'UPDATE things SET n = n + 1 WHERE id = NEW.id'), [counted]);
    await inOne("INSERT INTO things VALUES (1, 'acme', 'a')");
    expect(await rows()).toEqual([['created', null, null, '1a']]);
    await inOne("UPDATE things SET name = 'b'");
    expect(await rows()).toEqual([['updated', ['n', 'name'], '1a', '2b']]);
    await inOne("UPDATE things SET name = 'c'", "UPDATE things SET name = 'd'", "UPDATE things SET name = 'b'");
    expect(await rows()).toEqual([['updated', ['n'], '2b', '5b']]);
  });

  it('tells nothing of a row that its own trigger deletes, and does not take unannounced changes for a gap', async () => {
    await prepare(following('INSERT', 'DELETE FROM things WHERE id = NEW.id'), [counted]);
    await inOne("INSERT INTO things VALUES (1, 'acme', 'a')");
    expect(await rows()).toEqual([]);
    await db.pool.query(`CREATE OR REPLACE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      UPDATE things SET at = 'infinity' WHERE id = NEW.id; UPDATE things SET n = 7 WHERE id = NEW.id; RETURN NULL; END $$`);
    await inOne("INSERT INTO things VALUES (2, 'acme', 'a')");
    expect(await rows()).toEqual([['created', null, null, '7a']]);
  });

  it('tells nothing of a row that is in the end as it was, or is gone as it was before', async () => {
    await prepare(following('INSERT OR UPDATE', 'UPDATE things SET n = n + 1 WHERE id = NEW.id'), [counted]);
    await inOne("INSERT INTO things VALUES (1, 'acme', 'a')");
    await told();
    await inOne('UPDATE things SET n = n + 3', 'UPDATE things SET n = n - 5');
    await inOne("INSERT INTO things VALUES (2, 'acme', 'b')", 'DELETE FROM things WHERE id = 2');
    await inOne('DELETE FROM things', "INSERT INTO things VALUES (1, 'acme', 'a')");
    expect(await rows()).toEqual([]);
    await inOne('UPDATE things SET n = n + 3', 'UPDATE things SET n = n - 5', "UPDATE things SET name = 'c'");
    expect(await rows()).toEqual([['updated', ['n', 'name'], '1a', '2c']]);
  });

  it('tells a row once that several foreign keys change in one statement', async () => {
    await prepare(
      `${THINGS}; ALTER TABLE things ADD n int REFERENCES things ON DELETE SET NULL, ADD at timestamptz, ADD m int REFERENCES things ON DELETE SET NULL`,
      [thing({ columns: { id: 'id', name: 'name', n: 'n', m: 'm' } })],
    );
    await inOne(
      "INSERT INTO things VALUES (1, 'acme', 'a', NULL, NULL, NULL), (2, 'acme', 'a', NULL, NULL, NULL), (3, 'acme', 'a', 1, NULL, 2)",
    );
    await told();
    await inOne('DELETE FROM things WHERE id < 3');
    const last = (await told()).filter(({ key }) => key === '3');
    expect(last).toMatchObject([{ operation: 'updated', changed: ['m', 'n'], before: { n: 1, m: 2 }, after: { n: null, m: null } }]);
  });
});
