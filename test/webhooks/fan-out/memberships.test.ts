// Tests memberships that begin or end: the organization gets `created` or `deleted` for the user once, with the values of that time.
import { afterEach, describe, expect, it } from 'vitest';
import { relayOnce } from '../../../src/webhooks/fan-out/relay.js';
import type { AnnouncedNode } from '../../../src/webhooks/index.js';
import { type CapturedTables, prepareTables, thing } from '../capture/captured-tables.js';

let db: CapturedTables;
afterEach(() => db.close());

const DDL = `
  CREATE TABLE teams (id int PRIMARY KEY, org text);
  CREATE TABLE people (realm text, id int, email text, gone_at timestamptz, PRIMARY KEY (realm, id));
  CREATE TABLE memberships (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, realm text, member int, org text, role text, gone_at timestamptz,
    FOREIGN KEY (realm, member) REFERENCES people ON DELETE CASCADE);
  CREATE TABLE guests (id int PRIMARY KEY, name text);
  CREATE TABLE invitations (guest int REFERENCES guests ON DELETE CASCADE, team int REFERENCES teams ON DELETE CASCADE, PRIMARY KEY (guest, team));
  CREATE TABLE notes (id int PRIMARY KEY, text text);
  CREATE TABLE note_parts (id int PRIMARY KEY, note int REFERENCES notes, org text);
  INSERT INTO teams VALUES (1, 'acme'), (2, 'other');
  INSERT INTO people VALUES ('r', 1, 'ada'), ('r', 2, 'eve');
  INSERT INTO memberships (realm, member, org) VALUES ('r', 1, 'acme'), ('r', 2, 'other');
  INSERT INTO guests VALUES (1, 'gus'); INSERT INTO notes VALUES (1, 'secret'); INSERT INTO note_parts VALUES (1, 1, 'acme')`;
const node = (typename: string, table: string, columns: string[], rest: Partial<AnnouncedNode>) =>
  thing({ typename, table: { schema: 'public', name: table }, columns: Object.fromEntries(columns.map((name) => [name, name])), ...rest });
const NODES = [
  node('Team', 'teams', ['id'], { tenant: { column: 'org' } }),
  node('User', 'people', ['email'], {
    key: ['realm', 'id'],
    tenant: { several: { typename: 'Membership', columns: ['realm', 'member'] } },
    softDelete: { column: 'gone_at' },
  }),
  node('Membership', 'memberships', ['realm', 'member', 'role'], { tenant: { column: 'org' }, softDelete: { column: 'gone_at' } }),
  node('Guest', 'guests', ['name'], { tenant: { several: { typename: 'Invitation', columns: ['guest'] } } }),
  node('Invitation', 'invitations', ['guest', 'team'], {
    key: ['guest', 'team'],
    tenant: { parent: { column: 'team', typename: 'Team' } },
  }),
  node('Note', 'notes', ['text'], {
    tenant: { children: { typename: 'NotePart', columns: ['note'] } },
    lifecycle: [{ topic: 'note/opened', column: 'text', from: 'shut', to: 'open' }],
  }),
  node('NotePart', 'note_parts', ['note'], { tenant: { column: 'org' } }),
];

async function prepare(): Promise<void> {
  db = await prepareTables(DDL, NODES, async (pool) => {
    await pool.query(`INSERT INTO hookgraph.subscriptions (tenant, owner, topic_id)
      SELECT tenant, 'o', id FROM hookgraph.topics, unnest(ARRAY['acme', 'other', 'third']) tenant
      WHERE (column_name IS NULL OR key = 'note/opened') AND typename IN ('User', 'Guest', 'Note')`);
    while ((await relayOnce(pool)).events > 0);
  });
}

async function relayAll(limit = 1000): Promise<void> {
  while ((await relayOnce(db.pool, limit)).events > 0);
}

interface Told {
  line: string;
  before: { email?: string } | null;
  after: { email?: string } | null;
}

/** Returns all deliveries since the last call. */
async function told(): Promise<Told[]> {
  const { rows } = await db.pool.query(
    `SELECT s.tenant || ' ' || e.operation || ' ' || d.typename || ' ' || (CASE WHEN d.node_key ~ '^\\[' THEN d.node_key::jsonb ->> 1 ELSE d.node_key END) AS line,
       hookgraph.row_of(e.layout_id, e.before) AS before, hookgraph.row_of(e.layout_id, e.after) AS after,
       e.tenant = s.tenant AS is_theirs, coalesce(e.occurred_at, hookgraph.time_of(e.id)) - hookgraph.time_of(e.id) < interval '1 ms' AS is_timely
     FROM hookgraph.whole_deliveries d JOIN hookgraph.subscriptions s ON s.id = d.subscription_id
     JOIN hookgraph.events e ON e.id = d.event_id ORDER BY 1`,
  );
  await db.pool.query('DELETE FROM hookgraph.deliveries');
  // The tenant and time of the events must be right, because a replay finds events by them.
  expect(rows.every(({ is_theirs, is_timely }) => is_theirs && is_timely)).toBe(true);
  return rows.map(({ line, before, after }) => ({ line, before, after }));
}

/** Runs the SQL, relays, and returns the deliveries. Each text of a list is a separate transaction. */
async function heard(sql: string | string[], limit = 1000): Promise<string[]> {
  for (const one of [sql].flat()) await db.pool.query(one);
  await relayAll(limit);
  return (await told()).map(({ line }) => line);
}

const JOIN = (org: string, member = 1) => `INSERT INTO memberships (realm, member, org) VALUES ('r', ${member}, '${org}')`;
const LEAVE = (org: string, member = 1) => `DELETE FROM memberships WHERE member = ${member} AND org = '${org}'`;

/** If relayed alone, the event lacks values that changed in the transaction that ended the membership. */
const lost = (email: string, limit: number) => (limit === 1 ? {} : { email });

describe.each([1000, 1])('%i a batch', (limit) => {
  it('tells an organization of a member that comes, with the row, and of one that goes', async () => {
    await prepare();
    await db.pool.query(JOIN('other'));
    await relayAll(limit);
    expect(await told()).toEqual([{ line: 'other created User 1', before: null, after: { email: 'ada' } }]);
    await db.pool.query(LEAVE('other'));
    await relayAll(limit);
    expect(await told()).toEqual([{ line: 'other deleted User 1', before: { email: 'ada' }, after: null }]);
  });

  it('tells both where a membership changes its organization, its member, or is deleted softly', async () => {
    await prepare();
    expect(await heard(`UPDATE memberships SET org = 'third' WHERE member = 1`, limit)).toEqual([
      'acme deleted User 1',
      'third created User 1',
    ]);
    expect(await heard(`UPDATE memberships SET member = 2 WHERE member = 1`, limit)).toEqual([
      'third created User 2',
      'third deleted User 1',
    ]);
    expect(await heard(`UPDATE memberships SET role = 'admin'`, limit)).toEqual([]);
    expect(await heard(`UPDATE memberships SET gone_at = now() WHERE org = 'third'`, limit)).toEqual(['third deleted User 2']);
    expect(await heard(`UPDATE memberships SET gone_at = NULL WHERE org = 'third'`, limit)).toEqual(['third created User 2']);
  });

  it('tells nothing twice', async () => {
    await prepare();
    expect(await heard(`BEGIN; ${JOIN('other')}; ${LEAVE('other')}; COMMIT`, limit)).toEqual([]);
    // Deletes and inserts all memberships, as a form that sets the whole list does.
    expect(await heard(`BEGIN; ${LEAVE('acme')}; ${JOIN('acme')}; ${JOIN('other')}; COMMIT`, limit)).toEqual(['other created User 1']);
    expect(await heard(`BEGIN; ${JOIN('third')}; ${LEAVE('acme')}; ${JOIN('acme')}; COMMIT`, limit)).toEqual(['third created User 1']);
    // Adds a second membership beside an unchanged one.
    expect(await heard(JOIN('acme'), limit)).toEqual([]);
    expect(await heard('DELETE FROM memberships WHERE id = (SELECT max(id) FROM memberships)', limit)).toEqual([]);
    expect(await heard([LEAVE('third'), `BEGIN; ${JOIN('third')}; ${JOIN('third')}; COMMIT`, LEAVE('third')], limit)).toEqual([
      'third created User 1',
      'third deleted User 1',
      'third deleted User 1',
    ]);
    // The user's own event goes to each organization.
    expect(await heard(`BEGIN; INSERT INTO people VALUES ('r', 3, 'new'); ${JOIN('acme', 3)}; ${JOIN('other', 3)}; COMMIT`, limit)).toEqual(
      ['acme created User 3', 'other created User 3'],
    );
    expect(await heard('DELETE FROM people WHERE id = 3', limit)).toEqual(['acme deleted User 3', 'other deleted User 3']);
    expect(await heard(`UPDATE people SET gone_at = now() WHERE id = 2`, limit)).toEqual(['other deleted User 2']);
    expect(await heard([LEAVE('other', 2), JOIN('third', 2)], limit)).toEqual([]);
  });

  it('tells a newcomer `created` alone, and one that goes no value of later', async () => {
    await prepare();
    await db.pool.query(`BEGIN; UPDATE people SET email = 'ada2' WHERE id = 1; ${JOIN('other')}; COMMIT`);
    await relayAll(limit);
    expect(await told()).toEqual([
      { line: 'acme updated User 1', before: null, after: { email: 'ada2' } },
      { line: 'other created User 1', before: null, after: { email: 'ada2' } },
    ]);
    await db.pool.query(`BEGIN; ${LEAVE('other')}; UPDATE people SET email = 'ada3' WHERE id = 1; COMMIT`);
    for (const sql of [LEAVE('acme'), `UPDATE people SET email = 'ada4' WHERE id = 1`, 'DELETE FROM people WHERE id = 1'])
      await db.pool.query(sql);
    await relayAll(limit);
    const all = await told();
    expect(all.filter(({ line }) => line.includes('deleted'))).toEqual([
      { line: 'acme deleted User 1', before: { email: 'ada3' }, after: null },
      { line: 'other deleted User 1', before: lost('ada2', limit), after: null },
    ]);
    expect(all.filter(({ line }) => line.startsWith('other'))).toHaveLength(1);
  });

  it('tells a user that nobody is left to hear of to nobody but as deleted', async () => {
    await prepare();
    await db.pool.query(`BEGIN; ${LEAVE('acme')}; UPDATE people SET email = 'hush' WHERE id = 1; COMMIT`);
    await relayAll(limit);
    expect(await told()).toEqual([{ line: 'acme deleted User 1', before: lost('ada', limit), after: null }]);
  });

  it('finds organizations by a parent, also one that goes with it', async () => {
    await prepare();
    expect(await heard('INSERT INTO invitations VALUES (1, 1), (1, 2)', limit)).toEqual(['acme created Guest 1', 'other created Guest 1']);
    expect(await heard('DELETE FROM teams WHERE id = 2', limit)).toEqual(['other deleted Guest 1']);
  });
});

it('tells none twice when a relay dies, nor while two share a transaction', async () => {
  await prepare();
  await db.pool.query(`BEGIN; ${JOIN('third')}; ${LEAVE('acme')}; ${JOIN('acme')}; ${JOIN('other')}; COMMIT`);
  const dying = await db.pool.connect();
  await dying.query('BEGIN');
  expect(await relayOnce(dying, 2)).toMatchObject({ events: 2, deliveries: 1 });
  await relayAll(1);
  expect((await told()).map(({ line }) => line)).toEqual(['other created User 1']);
  await dying.query('ROLLBACK');
  dying.release();
  await relayAll(1);
  expect((await told()).map(({ line }) => line)).toEqual(['third created User 1']);
});

it('tells each of a thousand by one statement, of members and of others', async () => {
  await prepare();
  await db.pool.query(`INSERT INTO people SELECT 'r', n, 'p' || n FROM generate_series(10, 1009) n`);
  await relayAll();
  await told();
  const lines = await heard(`INSERT INTO memberships (realm, member, org) SELECT 'r', n, 'third' FROM generate_series(10, 1009) n`, 400);
  expect(new Set(lines).size).toBe(1000);
  expect(lines.every((line) => line.startsWith('third created User'))).toBe(true);
  expect(await heard(`DELETE FROM memberships WHERE org = 'third'`, 400)).toHaveLength(1000);
});

it('tells what it can where a column was renamed, and goes on where the memberships can’t be read', async () => {
  await prepare();
  await db.pool.query('ALTER TABLE people RENAME email TO address');
  await db.pool.query(JOIN('other'));
  await relayAll();
  expect(await told()).toEqual([{ line: 'other created User 1', before: null, after: { email: null } }]);
  await db.pool.query('ALTER TABLE memberships RENAME member TO m');
  expect(await heard('DELETE FROM memberships; INSERT INTO invitations VALUES (1, 1)')).toEqual(['acme created Guest 1']);
});

it('tells no new owner what a row was before, but for what a lifecycle topic names', async () => {
  await prepare();
  await db.pool.query(`UPDATE notes SET text = 'shut'`);
  await db.pool.query(`UPDATE notes SET text = 'open'`);
  await db.pool.query(`UPDATE people SET email = 'hush' WHERE id = 1`);
  await db.pool.query(`UPDATE note_parts SET org = 'third'; UPDATE memberships SET org = 'third' WHERE member = 1`);
  await relayAll();
  const { rows } = await db.pool.query(
    `SELECT t.key, s.tenant, e.changed, hookgraph.row_of(e.layout_id, e.before) AS before, hookgraph.row_of(e.layout_id, e.after) AS after
     FROM hookgraph.deliveries d JOIN hookgraph.subscriptions s ON s.id = d.subscription_id
     JOIN hookgraph.events e ON e.id = d.event_id
     JOIN hookgraph.topics t ON t.id = d.topic_id WHERE e.operation = 'updated' ORDER BY e.id, t.key`,
  );
  const change = { tenant: 'third', changed: ['text'] };
  expect(rows).toEqual([
    { ...change, key: 'note/updated', before: null, after: { text: 'shut' } },
    { ...change, key: 'note/opened', before: { text: 'shut' }, after: { text: 'open' } },
    { ...change, key: 'note/updated', before: { text: 'shut' }, after: { text: 'open' } },
    { key: 'user/updated', tenant: 'third', changed: ['email'], before: null, after: { email: 'hush' } },
  ]);
});
