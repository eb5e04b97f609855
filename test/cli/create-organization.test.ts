// Tests that the first token of an organization is shown only once, and only on a terminal.
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findViewer } from '../../src/auth/api-token.js';
import { createOrganization } from '../../src/cli/commands/create-organization.js';
import { createTerminal } from '../../src/cli/terminal.js';
import { type TestDatabase, testDatabase } from '../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

async function create(name: string, { isTTY, token, ...more }: { isTTY: boolean; permalink?: string; token?: string }) {
  const stdout = Object.assign(new PassThrough(), { isTTY });
  const terminal = createTerminal({ stdin: new PassThrough(), stdout, stderr: new PassThrough() }, { noColour: true });
  const env = { DATABASE_URL: database.url, HOOKGRAPH_ENCRYPTION_KEYS: Buffer.alloc(32).toString('base64') };
  const given = token === undefined ? env : { ...env, HOOKGRAPH_ADMIN_TOKEN: token };
  await createOrganization(name, { admin: 'Ada King Lovelace', ...more }, { terminal, env: given });
  return text(stdout.end());
}

it('shows the token on a terminal, and makes nothing elsewhere', async () => {
  await expect(create('Mills', { isTTY: false })).rejects.toMatchObject({ code: 'NOT_A_TERMINAL' });
  expect((await database.pool.query(`SELECT FROM organizations WHERE permalink = 'mills'`)).rowCount).toBe(0);
  const shown = await create('Mills', { isTTY: true });
  expect(shown).toMatch(
    /^Created the organization Mills \(mills\) with its admin Ada King Lovelace\.\nThe admin's API token, which is not shown again: \S+\n$/,
  );
  const { viewer } = (await findViewer(database.pool, shown.trim().split(' ').at(-1) as string)) as { viewer: { admin: boolean } };
  expect(viewer).toMatchObject({ admin: true });
  const { rows } = await database.pool.query(
    `SELECT first_name, last_name FROM users JOIN organizations o ON o.id = organization_id WHERE permalink = 'mills'`,
  );
  expect(rows).toEqual([{ first_name: 'Ada King', last_name: 'Lovelace' }]);
  await expect(create('Mills', { isTTY: true })).rejects.toMatchObject({ code: 'ORGANIZATION_EXISTS' });
  expect(await create('Mills', { isTTY: true, permalink: 'mills-2' })).toContain('(mills-2)');
  await expect(create('№', { isTTY: true, permalink: '' })).rejects.toMatchObject({ code: 'BAD_PERMALINK' });
});

it('makes nothing where another admin has the given token', async () => {
  expect(await create('First', { isTTY: false, token: 'a-token-of-mine' })).toContain('token is that of HOOKGRAPH_ADMIN_TOKEN');
  await expect(create('Second', { isTTY: false, token: 'a-token-of-mine' })).rejects.toMatchObject({ code: 'TOKEN_TAKEN' });
  expect((await database.pool.query(`SELECT FROM organizations WHERE permalink = 'second'`)).rowCount).toBe(0);
});
