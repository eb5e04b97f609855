// Promise: an application never removes another's triggers, topics or secrets by mistake: the error asks it to use a separate schema.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { NOTES, notesApp } from '../support/notes.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase({ empty: true });
  await database.pool.query(`${NOTES}; CREATE TABLE lists (id int PRIMARY KEY, owner text NOT NULL)`);
});
afterAll(() => database.close());

const key = randomBytes(32);
const notes = () => notesApp({ database: database.url, keys: [key] });
const lists = (options = {}) => notesApp({ database: database.url, keys: [key], tables: { List: { tenant: 'owner' } }, ...options });

async function state() {
  const { rows } = await database.pool.query(
    `SELECT (SELECT count(*)::int FROM pg_trigger WHERE tgrelid = 'notes'::regclass) AS triggers,
       (SELECT array_agg(key ORDER BY key) FROM hookgraph.topics WHERE retired_at IS NULL AND key LIKE 'note/%') AS topics`,
  );
  return rows[0];
}
const KEPT = { triggers: 4, topics: ['note/created', 'note/deleted', 'note/updated'] };

it('refuses an application that announces none of the tables that are captured', async () => {
  const [first, second] = [notes(), lists()];
  await first.migrate();
  await expect(second.migrate()).rejects.toMatchObject({
    code: 'OTHER_APPLICATION',
    message: expect.stringContaining('public.notes'),
    hint: expect.stringMatching(/databaseSchema.*detach/),
  });
  expect(await state()).toEqual(KEPT);
  await Promise.all([first.close(), second.close()]);
});

it('refuses an application with other keys, before it changes anything', async () => {
  const first = notes();
  await (await first.work()).stop();
  const second = notesApp({ database: database.url, tables: { Note: { tenant: 'owner' }, List: { tenant: 'owner' } } });
  await expect(second.migrate()).rejects.toMatchObject({ code: 'KEYS_MISMATCH', hint: expect.stringContaining('databaseSchema') });
  expect(await state()).toEqual(KEPT);
  await Promise.all([first.close(), second.close()]);
});

it('lets it in by a schema of its own, or after the first has left', async () => {
  const apart = lists({ databaseSchema: 'lists_hooks' });
  await apart.migrate();
  expect(await state()).toEqual(KEPT);
  await apart.detach({ everything: true });
  const first = notes();
  await first.detach();
  const second = lists();
  await second.migrate();
  expect(await state()).toEqual({ triggers: 0, topics: null });
  await Promise.all([apart.close(), first.close(), second.close()]);
});
