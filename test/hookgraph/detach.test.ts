// Promise: an adopter can remove Hookgraph and keep its history or leave no trace, and the application's writes continue.
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { createHookgraph } from '../../src/index.js';
import { createPlainLog } from '../../src/runtime/plain-log.js';
import { testDatabase } from '../support/database.js';

it('stops capture and keeps the history, or leaves no trace', async () => {
  const database = await testDatabase({ empty: true });
  const { pool } = database;
  await pool.query('CREATE TABLE notes (id int PRIMARY KEY, owner text NOT NULL)');
  const hooks = createHookgraph({
    database: database.url,
    keys: [randomBytes(32)],
    tables: { Note: { tenant: 'owner' } },
    signIn: async () => null,
    actor: () => null,
    log: createPlainLog('silent'),
  });
  await hooks.migrate();
  await (await hooks.work()).stop();
  const triggers = `SELECT count(*)::int AS n FROM pg_trigger WHERE tgrelid = 'notes'::regclass AND NOT tgisinternal`;
  const recorded = 'SELECT count(*)::int AS n FROM hookgraph.recorded';
  await pool.query(`INSERT INTO notes VALUES (1, 'ada')`);
  expect((await pool.query(recorded)).rows).toEqual([{ n: 1 }]);

  await hooks.detach();
  expect((await pool.query(triggers)).rows).toEqual([{ n: 0 }]);
  await pool.query(`INSERT INTO notes VALUES (2, 'ada')`);
  expect((await pool.query(recorded)).rows).toEqual([{ n: 1 }]);

  await hooks.migrate();
  await hooks.detach({ everything: true });
  await pool.query(`INSERT INTO notes VALUES (3, 'ada')`);
  const { rows } = await pool.query(`SELECT nspname FROM pg_namespace WHERE nspname LIKE 'hookgraph%'`);
  expect(rows).toEqual([]);
  await hooks.close();
  await database.close();
});
