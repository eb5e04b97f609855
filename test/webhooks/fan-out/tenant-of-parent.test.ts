// Tests the delivery of a row whose tenant is in a parent row, even if both rows were deleted together.
import { afterEach, expect, it } from 'vitest';
import { relayOnce } from '../../../src/webhooks/fan-out/relay.js';
import type { AnnouncedNode } from '../../../src/webhooks/index.js';
import { type CapturedTables, prepareTables, thing } from '../capture/captured-tables.js';
import { deliveries } from './subscribers.js';

let db: CapturedTables;
afterEach(() => db.close());

const DDL = `
  CREATE TABLE orgs (id int PRIMARY KEY, tenant text);
  CREATE TABLE teams (id text PRIMARY KEY, org int REFERENCES orgs ON DELETE CASCADE, name text);
  CREATE TABLE things (id int PRIMARY KEY, team text REFERENCES teams ON DELETE CASCADE ON UPDATE CASCADE, name text);
  CREATE TABLE notes (id int PRIMARY KEY, team text REFERENCES teams ON DELETE SET NULL, name text);
  INSERT INTO orgs VALUES (1, 'acme'), (2, 'other')`;
const node = (typename: string, table: string, rest: Partial<AnnouncedNode>) =>
  thing({ typename, table: { schema: 'public', name: table }, columns: { name: 'name' }, ...rest });
const onTeam = { tenant: { parent: { column: 'team', typename: 'Team' } } };
const NODES = [
  node('Thing', 'things', onTeam),
  node('Note', 'notes', { ...onTeam, columns: { name: 'name', team: 'team' } }),
  node('Team', 'teams', { tenant: { parent: { column: 'org', typename: 'Org' } } }),
  node('Org', 'orgs', { columns: { id: 'id' } }),
];

async function prepare(): Promise<void> {
  db = await prepareTables(DDL, NODES);
}

/** Subscribes both tenants to everything, runs the SQL and returns `tenant operation Type key` of each delivery. */
async function heard(sql: string, limit = 1000): Promise<string[]> {
  await prepare();
  await db.pool.query(
    `INSERT INTO teams VALUES ('t', 1, 'team'); INSERT INTO things VALUES (1, 't', 'a'), (2, 't', 'b'); INSERT INTO notes VALUES (1, 't', 'n')`,
  );
  await db.pool.query(`INSERT INTO hookgraph.subscriptions (tenant, owner, topic_id)
    SELECT tenant, 'o', id FROM hookgraph.topics, unnest(ARRAY['acme', 'other']) tenant WHERE column_name IS NULL`);
  while ((await relayOnce(db.pool)).events > 0);
  await db.pool.query('TRUNCATE hookgraph.deliveries, hookgraph.open_deliveries');
  await db.pool.query(sql);
  while ((await relayOnce(db.pool, limit)).events > 0);
  const { rows } = await db.pool.query(
    `SELECT s.tenant, e.operation, d.typename, d.node_key, e.tenant AS stored FROM hookgraph.whole_deliveries d
     JOIN hookgraph.subscriptions s ON s.id = d.subscription_id JOIN hookgraph.events e ON e.id = d.event_id`,
  );
  expect(rows.every(({ tenant, stored }) => tenant === stored)).toBe(true);
  return rows.map(({ tenant, operation, typename, node_key }) => `${tenant} ${operation} ${typename} ${node_key}`).sort();
}

it('looks it up, over several parents', async () => {
  expect(
    await heard(`INSERT INTO things VALUES (3, 't', 'c'); UPDATE things SET name = 'x' WHERE id = 1; DELETE FROM things WHERE id = 2`),
  ).toEqual(['acme created Thing 3', 'acme deleted Thing 2', 'acme updated Thing 1']);
});

it('tells a row that moves to a parent of another tenant as deleted and created', async () => {
  expect(await heard(`INSERT INTO teams VALUES ('u', 2, 'their'); UPDATE things SET team = 'u' WHERE id = 1`)).toEqual([
    'acme deleted Thing 1',
    'other created Team u',
    'other created Thing 1',
  ]);
});

const CASCADED = ['acme deleted Org 1', 'acme deleted Team t', 'acme deleted Thing 1', 'acme deleted Thing 2', 'acme updated Note 1'];
it.each([1000, 1])('fills it in from the deletion of the parents, over a cascade of several, %i a batch', async (limit) => {
  expect(await heard('DELETE FROM orgs WHERE id = 1', limit)).toEqual(CASCADED);
});

it('fills it in while another relay holds the parents, and of what older triggers wrote and queued', async () => {
  await prepare();
  await db.pool.query(
    `INSERT INTO teams VALUES ('t', 1, 'team'); INSERT INTO things VALUES (1, 't', 'a'); INSERT INTO notes VALUES (1, 't', 'n')`,
  );
  await relayOnce(db.pool);
  await db.pool.query('DELETE FROM orgs WHERE id = 1');
  // Inserts events as the triggers did before the table `captures` existed.
  await db.pool.query(`WITH c AS (DELETE FROM hookgraph.captures WHERE typename = 'Note' RETURNING *), e AS (
      INSERT INTO hookgraph.events (id, xid, tenant, parent_typename, parent_key, typename, node_key, operation, changed, before, after)
      SELECT id, xid, tenant, parent_typename, parent_key, typename, node_key, operation, changed, before, after FROM c RETURNING id)
    INSERT INTO hookgraph.event_queue SELECT id FROM e`);
  const other = await db.pool.connect();
  await other.query('BEGIN');
  await other.query(`SELECT FROM hookgraph.captures WHERE typename IN ('Org', 'Team') FOR UPDATE`);
  expect(await relayOnce(db.pool)).toMatchObject({ events: 2, ownerless: 0 });
  await other.query('ROLLBACK');
  other.release();
  await relayOnce(db.pool);
  const { rows } = await db.pool.query(`SELECT typename, tenant FROM hookgraph.events WHERE operation <> 'created' ORDER BY typename`);
  expect(rows.map(({ typename, tenant }) => `${tenant} ${typename}`)).toEqual(['acme Note', 'acme Org', 'acme Team', 'acme Thing']);
});

it('makes events of a transaction’s parents before those of their children', async () => {
  await prepare();
  await db.pool.query(`INSERT INTO teams VALUES ('t', 1, 'team'); INSERT INTO things VALUES (1, 't', 'a')`);
  await relayOnce(db.pool);
  await db.pool.query('DELETE FROM orgs WHERE id = 1');
  const order: string[] = [];
  while ((await relayOnce(db.pool, 1)).events > 0) {
    const { rows } = await db.pool.query(`SELECT typename FROM hookgraph.events WHERE operation = 'deleted' AND typename <> ALL ($1)`, [
      order,
    ]);
    order.push(...rows.map(({ typename }) => typename));
  }
  expect(order).toEqual(['Org', 'Team', 'Thing']);
});

it('never takes it from an older deletion, nor from another transaction', async () => {
  // Team t belonged to acme, was deleted, and was recreated under the other organization. Then the team and its children are deleted.
  expect(
    await heard(`DELETE FROM teams WHERE id = 't';
      INSERT INTO teams VALUES ('t', 2, 'their'); INSERT INTO things VALUES (7, 't', 'secret')`).then(async () => {
      await db.pool.query('TRUNCATE hookgraph.deliveries, hookgraph.open_deliveries');
      await db.pool.query(`DELETE FROM teams WHERE id = 't'`);
      await relayOnce(db.pool);
      return (await deliveries(db.pool)).map(({ tenant, typename }) => `${tenant} ${typename}`).sort();
    }),
  ).toEqual(['other Team', 'other Thing']);
});

it('takes none where the same transaction deleted the parent of two tenants', async () => {
  expect(
    (
      await heard(`BEGIN; DELETE FROM teams WHERE id = 't'; INSERT INTO teams VALUES ('t', 2, 'their');
        INSERT INTO things VALUES (7, 't', 'secret'); DELETE FROM teams WHERE id = 't'; COMMIT`)
    ).filter((line) => line.endsWith('Thing 7')),
  ).toEqual(['other created Thing 7']);
});

it('leaves it open where the parent’s deletion was not captured, and says so', async () => {
  await prepare();
  await db.pool.query(`INSERT INTO teams VALUES ('t', 1, 'team'); INSERT INTO things VALUES (1, 't', 'a')`);
  await relayOnce(db.pool);
  await db.pool.query(
    `BEGIN; ALTER TABLE things DROP CONSTRAINT things_team_fkey; SET LOCAL hookgraph.capture = off; DELETE FROM teams; COMMIT`,
  );
  await db.pool.query('DELETE FROM things');
  expect(await relayOnce(db.pool)).toMatchObject({ events: 1, deliveries: 0, ownerless: 1 });
});
