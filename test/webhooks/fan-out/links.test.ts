// Tests that adding or removing a link, such as a membership, announces the rows at both ends as updated, and sets their updated_at.
import { afterEach, expect, it } from 'vitest';
import { relayOnce } from '../../../src/webhooks/fan-out/relay.js';
import type { AnnouncedNode, Link } from '../../../src/webhooks/index.js';
import { until } from '../../support/until.js';
import { type CapturedTables, prepareTables } from '../capture/captured-tables.js';
import { subscribe } from './subscribers.js';

let db: CapturedTables;
afterEach(() => db.close());

const OLD = new Date('2020-01-01Z');
const DDL = ['teams', 'people']
  .map(
    (table) =>
      `CREATE TABLE public.${table} (id integer PRIMARY KEY, tenant text, name text, updated_at timestamptz(3) DEFAULT '${OLD.toISOString()}')`,
  )
  .concat(
    'CREATE TABLE public.team_people (team integer REFERENCES teams ON DELETE CASCADE, person integer REFERENCES people ON DELETE CASCADE, PRIMARY KEY (team, person))',
  )
  .join(';');

const table = { schema: 'public', name: 'team_people' };
const key = ['team', 'person'];
const node = (typename: string, name: string, rest: Partial<AnnouncedNode>): AnnouncedNode => ({
  typename,
  table: { schema: 'public', name },
  key: ['id'],
  columns: { id: 'id', name: 'name' },
  tenant: { column: 'tenant' },
  updatedAt: 'updated_at',
  ...rest,
});
const NODES = [
  node('Team', 'teams', { links: [{ field: 'members', table, key, columns: ['team'], otherColumns: ['person'] }] }),
  node('Person', 'people', { links: [{ field: 'teams', table, key, columns: ['person'], otherColumns: ['team'] }] }),
];

async function prepare(nodes = NODES, ddl = DDL): Promise<void> {
  db = await prepareTables(ddl, nodes, async (pool) => {
    for (const tenant of ['acme', 'other'])
      for (const type of ['team', 'person'])
        for (const operation of ['created', 'updated', 'deleted']) await subscribe(pool, { tenant, topic: `${type}/${operation}` });
  });
  await db.pool.query(
    "INSERT INTO teams VALUES (1, 'acme', 'a'), (2, 'acme', 'b'); INSERT INTO people VALUES (1, 'acme', 'p'), (2, 'other', 'q')",
  );
  await told();
}

/** Returns the events of the deliveries that were created since the last call. */
async function told(limit = 1000): Promise<string[]> {
  while ((await relayOnce(db.pool, limit)).events > 0);
  const { rows } = await db.pool.query<{ line: string }>(
    `WITH made AS (DELETE FROM hookgraph.deliveries d RETURNING d.event_id)
     SELECT format('%s %s %s %s %s', e.tenant, e.typename, e.node_key, e.operation, array_to_string(e.changed, ',')) AS line
     FROM made JOIN hookgraph.events e ON e.id = made.event_id ORDER BY 1`,
  );
  return rows.map(({ line }) => line.trim());
}

const touched = async (): Promise<string[]> =>
  (
    await db.pool.query<{ row: string }>(
      `SELECT 'team ' || id AS row FROM teams WHERE updated_at > $1 UNION ALL SELECT 'person ' || id FROM people WHERE updated_at > $1 ORDER BY 1`,
      [OLD],
    )
  ).rows.map(({ row }) => row);
const inOne = (...statements: string[]) => db.pool.query(`BEGIN; ${statements.join('; ')}; COMMIT`);

it('announces both ends of what comes and goes, each to its own tenant, with the row as it is', async () => {
  await prepare();
  await db.pool.query('INSERT INTO team_people VALUES (1, 1), (1, 2)');
  expect(await told()).toEqual(['acme Person 1 updated teams', 'acme Team 1 updated members', 'other Person 2 updated teams']);
  expect(await touched()).toEqual(['person 1', 'person 2', 'team 1']);
  const { rows } =
    await db.pool.query(`SELECT hookgraph.row_of(layout_id, before) AS before, hookgraph.row_of(layout_id, after) AS after FROM hookgraph.events
     WHERE typename = 'Team' AND operation = 'updated'`);
  expect(rows).toEqual([{ before: { id: 1, name: 'a' }, after: { id: 1, name: 'a' } }]);
  await db.pool.query('DELETE FROM team_people WHERE person = 1');
  expect(await told()).toEqual(['acme Person 1 updated teams', 'acme Team 1 updated members']);
  await db.pool.query('UPDATE team_people SET team = 2');
  expect(await told()).toEqual(['acme Team 1 updated members', 'acme Team 2 updated members', 'other Person 2 updated teams']);
  await db.pool.query('DELETE FROM people');
  expect(await told()).toEqual(['acme Person 1 deleted', 'acme Team 2 updated members', 'other Person 2 deleted']);
  const { rows: without } = await db.pool.query('SELECT FROM hookgraph.events WHERE tenant IS NULL');
  expect(without).toEqual([]);
});

it('folds links with the other changes of the transaction', async () => {
  await prepare();
  await inOne(
    'INSERT INTO team_people VALUES (1, 1)',
    'DELETE FROM team_people',
    'INSERT INTO team_people VALUES (2, 1)',
    'DELETE FROM team_people',
  );
  expect([await told(), await touched()]).toEqual([[], []]);
  await inOne('INSERT INTO team_people VALUES (1, 1)', "UPDATE teams SET name = 'c' WHERE id = 1", 'INSERT INTO team_people VALUES (1, 2)');
  expect(await told()).toEqual(['acme Person 1 updated teams', 'acme Team 1 updated name,members', 'other Person 2 updated teams']);
  await inOne("INSERT INTO teams VALUES (3, 'acme', 'd')", 'INSERT INTO team_people VALUES (3, 1)');
  expect(await told()).toEqual(['acme Person 1 updated teams', 'acme Team 3 created']);
  await db.pool.query('DELETE FROM teams WHERE id = 3');
  expect(await told()).toEqual(['acme Person 1 updated teams', 'acme Team 3 deleted']);
  await inOne('DELETE FROM team_people', 'INSERT INTO team_people VALUES (1, 1), (1, 2)');
  expect(await told()).toEqual([]);
});

it.each([2, 1000])('announces each end once, though the transaction is larger than a batch of %i', async (limit) => {
  await prepare();
  const people = 1200;
  await inOne(
    `INSERT INTO people SELECT n, 'acme', 'p' FROM generate_series(10, ${people + 9}) n`,
    `INSERT INTO team_people SELECT 1, n FROM generate_series(10, ${people + 9}) n`,
    "UPDATE teams SET name = 'z' WHERE id = 1",
  );
  const heard = await told(limit);
  expect(heard.filter((line) => line.includes('Team'))).toEqual(['acme Team 1 updated name,members']);
  expect(heard.filter((line) => line.includes('created'))).toHaveLength(people);
  expect(heard).toHaveLength(people + 1);
});

it('counts announced memberships, and no other change of theirs', async () => {
  const ddl = `${DDL}; ALTER TABLE team_people DROP CONSTRAINT team_people_pkey, ADD id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY, ADD role text`;
  const links = NODES.map((one) => ({ ...one, links: one.links?.map((link) => ({ ...link, key: ['id'] })) as AnnouncedNode['links'] }));
  const membership = node('Membership', 'team_people', {
    columns: { id: 'id', team: 'team', person: 'person', role: 'role' },
    tenant: { parent: { column: 'team', typename: 'Team' } },
  });
  const { updatedAt: _, ...plain } = membership;
  await prepare([...(links as AnnouncedNode[]), plain], ddl);
  await subscribe(db.pool, { topic: 'membership/created' });
  await db.pool.query('INSERT INTO team_people (team, person) VALUES (1, 1)');
  expect(await told()).toEqual(['acme Membership 1 created', 'acme Person 1 updated teams', 'acme Team 1 updated members']);
  await db.pool.query("UPDATE team_people SET role = 'r'");
  expect(await told()).toEqual([]);
  await inOne('DELETE FROM team_people', 'INSERT INTO team_people (team, person) VALUES (1, 1)');
  expect(await told()).toEqual(['acme Membership 2 created']);
});

it('waits for no row that a writer has locked, and moves its updated_at later', async () => {
  await prepare();
  const writer = await db.connect();
  await writer.query('BEGIN');
  await writer.query('SELECT FROM teams WHERE id = 1 FOR NO KEY UPDATE');
  await db.pool.query('INSERT INTO team_people VALUES (1, 1)');
  expect(await told()).toEqual(['acme Person 1 updated teams', 'acme Team 1 updated members']);
  expect(await touched()).toEqual(['person 1']);
  await writer.query('COMMIT');
  await relayOnce(db.pool);
  expect(await touched()).toEqual(['person 1', 'team 1']);
  expect((await db.pool.query('SELECT FROM hookgraph.untouched_rows')).rowCount).toBe(0);
});

it('waits while a migration holds the table of an end; another relay goes on meanwhile, and nothing is lost', async () => {
  await prepare();
  const migration = await db.connect();
  await db.pool.query('INSERT INTO team_people VALUES (1, 1)');
  await migration.query('BEGIN; LOCK TABLE teams IN ACCESS EXCLUSIVE MODE');
  const relaying = relayOnce(db.pool);
  try {
    await until('the relay waits', async () => {
      const { rows } = await db.pool.query(
        `SELECT count(*)::int AS waiting FROM pg_locks WHERE NOT granted AND relation = 'teams'::regclass AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      );
      return rows[0].waiting > 0;
    });
    await db.pool.query("UPDATE people SET name = 'x' WHERE id = 2");
    expect(await told()).toEqual(['other Person 2 updated name']);
  } finally {
    await migration.query('COMMIT');
  }
  await relaying;
  expect(await told()).toEqual(['acme Person 1 updated teams', 'acme Team 1 updated members']);
});

it('announces nothing for a row that has one end only, and both when it gets the other', async () => {
  const ddl = DDL.replace(', PRIMARY KEY (team, person)', ', id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY').replace(
    'person integer REFERENCES people ON DELETE CASCADE',
    'person integer REFERENCES people ON DELETE SET NULL',
  );
  const byId = ([link]: Link[] = []) => link && [{ ...link, key: ['id'] }];
  await prepare(
    NODES.map((one) => ({ ...one, links: byId(one.links) as Link[] })),
    ddl,
  );
  await db.pool.query('INSERT INTO team_people (team, person) VALUES (1, NULL), (NULL, 1), (NULL, NULL)');
  expect([await told(), await touched()]).toEqual([[], []]);
  await db.pool.query('DELETE FROM team_people WHERE team IS NULL');
  expect(await told()).toEqual([]);
  await db.pool.query('UPDATE team_people SET person = 1');
  expect(await told()).toEqual(['acme Person 1 updated teams', 'acme Team 1 updated members']);
  await db.pool.query('UPDATE team_people SET team = NULL');
  expect(await told()).toEqual(['acme Person 1 updated teams', 'acme Team 1 updated members']);
  await db.pool.query('UPDATE team_people SET team = 1');
  expect(await told()).toHaveLength(2);
  await db.pool.query('DELETE FROM people WHERE id = 1');
  expect(await told()).toEqual(['acme Person 1 deleted', 'acme Team 1 updated members']);
  await db.pool.query('DELETE FROM team_people');
  expect(await told()).toEqual([]);
});

it('takes a row for a link when one of its other ends is whole', async () => {
  const ddl = `${DDL}; ALTER TABLE team_people DROP CONSTRAINT team_people_pkey, ALTER person DROP NOT NULL,
    ADD id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY, ADD place text, ADD floor integer`;
  const link: Link = { field: 'members', table, key: ['id'], columns: ['team'], otherColumns: ['person', 'place', 'floor'] };
  const [team, person] = NODES as [AnnouncedNode, AnnouncedNode];
  await prepare(
    [
      { ...team, links: [{ ...link, otherEnds: [['person'], ['place', 'floor']] }] },
      { ...person, links: [] },
    ],
    ddl,
  );
  await db.pool.query("INSERT INTO team_people (team, place) VALUES (1, 'a'); INSERT INTO team_people (team, floor) VALUES (1, 2)");
  expect(await told()).toEqual([]);
  for (const row of ["1, NULL, 'a', 3", '1, 1, NULL, 4']) {
    await db.pool.query(`INSERT INTO team_people (team, person, place, floor) VALUES (${row})`);
    expect(await told()).toEqual(['acme Team 1 updated members']);
  }
});

it('announces that one child row took the place of another', async () => {
  const ddl = 'ALTER TABLE people ADD team integer REFERENCES teams';
  const link: Link = {
    field: 'members',
    table: { schema: 'public', name: 'people' },
    key: ['id'],
    columns: ['team'],
    otherColumns: ['id'],
  };
  const [team, person] = NODES as [AnnouncedNode, AnnouncedNode];
  const columns = { ...person.columns, team: 'team' };
  await prepare(
    [
      { ...team, links: [link] },
      { ...person, columns, links: [] },
    ],
    `${DDL}; ${ddl}`,
  );
  await inOne("INSERT INTO people VALUES (3, 'acme', 'r', now(), 1)");
  await told();
  await inOne('DELETE FROM people WHERE id = 3', "INSERT INTO people VALUES (4, 'acme', 'r', now(), 1)");
  expect(await told()).toEqual(['acme Person 3 deleted', 'acme Person 4 created', 'acme Team 1 updated members']);
});

it('leaves updated_at alone where the application sets it', async () => {
  await prepare(NODES.map((one) => ({ ...one, setsUpdatedAt: false })));
  await db.pool.query('INSERT INTO team_people VALUES (1, 1)');
  expect(await told()).toHaveLength(2);
  expect(await touched()).toEqual([]);
});
