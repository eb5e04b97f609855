// Tests that rows from logical replication are noticed, recorded after `migrate`, and delivered like any others.
import { afterEach, expect, it } from 'vitest';
import { prepareCapture } from '../../../src/webhooks/capture/prepare-capture.js';
import { findOutOfStep } from '../../../src/webhooks/capture/watch-capture.js';
import type { AnnouncedNode } from '../../../src/webhooks/index.js';
import { type TestDatabase, testDatabase } from '../../support/database.js';
import { until } from '../../support/until.js';
import { type CapturedTables, captureTables, silent, THINGS, thing } from './captured-tables.js';

let db: CapturedTables;
let publisher: TestDatabase;
const slots: string[] = [];
afterEach(async () => {
  const { rows } = await db.pool.query<{ subname: string }>(
    'SELECT subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database()',
  );
  for (const { subname } of rows)
    await db.pool.query(
      `ALTER SUBSCRIPTION ${subname} DISABLE; ALTER SUBSCRIPTION ${subname} SET (slot_name = NONE); DROP SUBSCRIPTION ${subname}`,
    );
  for (const slot of slots.splice(0))
    await until('the slot is free', () =>
      publisher.pool.query('SELECT pg_drop_replication_slot($1)', [slot]).then(
        () => true,
        () => false,
      ),
    );
  await Promise.all([db.close(), publisher.close()]);
});

async function replicate(ddl: string, nodes: AnnouncedNode[], published = 'things', columns = ''): Promise<void> {
  publisher = await testDatabase({ empty: true });
  await publisher.pool.query(`${ddl}; CREATE PUBLICATION p FOR TABLE ${published} ${columns}`);
  db = await captureTables(ddl, []);
  await prepareCapture(db.pool, nodes, silent);
  const slot = `s_${publisher.url.split('/').at(-1)}`.slice(0, 60);
  slots.push(slot);
  // Publisher and subscriber share a cluster, so creating the slot together with the subscription would wait for itself.
  await publisher.pool.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [slot]);
  await db.pool.query(
    `CREATE SUBSCRIPTION ${slot} CONNECTION '${publisher.url}' PUBLICATION p WITH (create_slot = false, slot_name = '${slot}', copy_data = false)`,
  );
}

const received = (where: string) =>
  until(`rows arrive: ${where}`, async () => (await db.pool.query(`SELECT FROM things WHERE ${where}`)).rowCount);

it('notices a subscription, records its rows once migrate has run, and those of writers once', async () => {
  const nodes = [thing({ tenant: { sql: `r.tenant || '!'` } })];
  await replicate(THINGS, nodes);
  await publisher.pool.query(`INSERT INTO things VALUES (1, 'acme', 'a')`);
  await received('id = 1');
  expect(await db.events()).toEqual([]);
  expect(await findOutOfStep(db.pool, nodes)).toEqual([
    expect.objectContaining({
      kind: 'REPLICATION',
      loses: true,
      message: expect.stringMatching(/^Rows that logical replication \(s_test_\w+\) writes to public\.things are not recorded\.$/),
    }),
  ]);
  await prepareCapture(db.pool, nodes, silent);
  expect(await findOutOfStep(db.pool, nodes)).toEqual([]);
  await publisher.pool.query(`INSERT INTO things VALUES (2, 'acme', 'b'), (3, 'acme', 'c')`);
  await publisher.pool.query(`UPDATE things SET name = 'd' WHERE id = 2`);
  await publisher.pool.query(`UPDATE things SET name = 'd' WHERE id = 2`);
  await publisher.pool.query('DELETE FROM things WHERE id = 3');
  await publisher.pool.query(`INSERT INTO things VALUES (9, 'acme', 'last')`);
  await received('id = 9');
  await db.pool.query(`INSERT INTO things VALUES (10, 'acme', 'own')`);
  expect(
    (await db.events()).map(({ operation, key, tenant, changed, before, after }) => [
      operation,
      key,
      tenant,
      changed,
      before?.name,
      after?.name,
    ]),
  ).toEqual([
    ['created', '2', 'acme!', null, undefined, 'b'],
    ['created', '3', 'acme!', null, undefined, 'c'],
    ['updated', '2', 'acme!', ['name'], 'b', 'd'],
    ['deleted', '3', 'acme!', null, 'c', undefined],
    ['created', '9', 'acme!', null, undefined, 'last'],
    ['created', '10', 'acme!', null, undefined, 'own'],
  ]);
});

it('records what is replicated into partitions, also of later ones', async () => {
  const ddl = `CREATE TABLE things (id int PRIMARY KEY, tenant text, name text) PARTITION BY RANGE (id);
    CREATE TABLE things_1 PARTITION OF things FOR VALUES FROM (0) TO (10)`;
  await replicate(ddl, [thing()]);
  await prepareCapture(db.pool, [thing()], silent);
  await db.pool.query('CREATE TABLE things_2 PARTITION OF things FOR VALUES FROM (10) TO (20)');
  expect(await findOutOfStep(db.pool, [thing()])).toEqual([expect.objectContaining({ kind: 'PARTS' })]);
  await publisher.pool.query(`INSERT INTO things VALUES (1, 'acme', 'a')`);
  await received('id = 1');
  expect((await db.events()).map(({ key }) => key)).toEqual(['1']);
  await db.pool.query(
    `SET session_replication_role = replica; INSERT INTO things_2 VALUES (11, 'acme', 'a'); RESET session_replication_role`,
  );
  expect((await db.events()).map(({ key }) => key)).toEqual(['11']);
});

it('goes on when a column was altered, as for any writer', async () => {
  await replicate(THINGS, [thing()]);
  await prepareCapture(db.pool, [thing()], silent);
  await db.pool.query('ALTER TABLE things ALTER name TYPE varchar(10)');
  await publisher.pool.query(`INSERT INTO things VALUES (1, 'acme', 'a')`);
  await received('id = 1');
  expect((await db.events()).map(({ after }) => after)).toEqual([{ id: 1, name: 'a' }]);
});
