// Promise: a test suite can keep emptying its tables by TRUNCATE if it declares the database a test database.
import { expect, it } from 'vitest';
import { testDatabase } from '../support/database.js';
import { NOTES, notesApp } from '../support/notes.js';

it('refuses TRUNCATE unless the announcement allows it, and then announces nothing', async () => {
  const { pool, url, close } = await testDatabase({ empty: true });
  await pool.query(
    `${NOTES}; CREATE TABLE lines (note_id int REFERENCES notes, owner text, PRIMARY KEY (note_id)); INSERT INTO notes VALUES (1, 'ada')`,
  );
  const keys = 'k'.repeat(32);
  const app = (truncate?: 'allow' | 'refuse', ofLine?: 'refuse') =>
    notesApp({
      database: url,
      keys: [Buffer.from(keys)],
      tables: { defaults: { tenant: 'owner', ...(truncate && { truncate }) }, Note: {}, Line: { ...(ofLine && { truncate: ofLine }) } },
    });
  const strict = app();
  await strict.migrate();
  await expect(pool.query('TRUNCATE notes CASCADE')).rejects.toMatchObject({ hint: expect.stringContaining('truncate: allow') });

  const lenient = app('allow');
  await lenient.migrate();
  expect(await lenient.check()).toEqual([]);
  await pool.query('TRUNCATE notes CASCADE');
  expect((await pool.query('SELECT FROM notes')).rowCount).toBe(0);
  expect((await pool.query('SELECT FROM hookgraph.recorded')).rowCount).toBe(0);
  await pool.query(`INSERT INTO notes VALUES (2, 'ada')`);
  expect((await pool.query('SELECT operation FROM hookgraph.recorded')).rows).toEqual([{ operation: 'created' }]);

  const mixed = app('allow', 'refuse');
  await mixed.migrate();
  await expect(pool.query('TRUNCATE notes CASCADE')).rejects.toThrow(/lines/);
  await strict.migrate();
  await expect(pool.query('TRUNCATE notes CASCADE')).rejects.toThrow(/notes/);
  for (const hooks of [strict, lenient, mixed]) await hooks.close();
  await close();
});
