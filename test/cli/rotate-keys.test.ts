// Runs `hookgraph rotate-keys` as an operator does, with keys in the data folder and in the environment.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadKeys } from '../../src/runtime/keys.js';
import { checkKeys, createVault, fingerprintOf } from '../../src/webhooks/base/secrets/vault.js';
import { runCli } from '../support/cli.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { insertSubscription } from '../support/engine-rows.js';

let dataDir: string;
let db: TestDatabase;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'hookgraph-rotate-'));
  db = await testDatabase();
});
afterAll(async () => {
  await db.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function rotate(args: string[], env: Record<string, string> = {}) {
  const cli = runCli(['rotate-keys', ...args], { HOOKGRAPH_DATA_DIR: dataDir, DATABASE_URL: db.url, ...env });
  return { code: await cli.ended(), output: cli.output() };
}

test('makes a key in the data folder, seals with it, tells what can go; then there is nothing to do', async () => {
  const path = join(dataDir, 'encryption-keys');
  const [before] = (await loadKeys({ encryptionKeys: null, dataDir })) as [Buffer];
  await checkKeys(db.pool, createVault([before]));
  const id = await insertSubscription(db.pool);
  const { ciphertext, fingerprint } = createVault([before]).seal({ table: 'hookgraph.secrets', row: id, field: 'sharedSecret' }, 'geheim');
  await db.pool.query('INSERT INTO hookgraph.secrets VALUES ($1, $2, $3, $4)', [id, 'sharedSecret', ciphertext, fingerprint]);

  const first = await rotate(['--generate']);
  const [key, second, ...rest] = (await loadKeys({ encryptionKeys: null, dataDir })) as [Buffer, Buffer];
  expect(first).toEqual({
    code: 0,
    output: `1 secret encrypted again with the key of fingerprint ${fingerprintOf(key)}.\nThe key of fingerprint ${fingerprintOf(before)} is no longer needed: remove it from ${path}, unless you keep older backups of the database.\n`,
  });
  expect([second, ...rest]).toEqual([before]);
  expect(key).not.toEqual(before);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(dataDir)).toEqual(['encryption-keys']);
  expect(first.output).not.toContain((await readFile(path, 'utf8')).slice(0, 20));

  const again = await rotate(['--json']);
  expect(again.code).toBe(0);
  expect(JSON.parse(again.output)).toEqual({
    key: fingerprintOf(key),
    added: false,
    total: 1,
    resealed: 0,
    unreadable: [],
    unneeded: [fingerprintOf(before)],
    dryRun: false,
  });
});

test('of keys in the environment it makes none, and says what to do; a wrong one changes nothing', async () => {
  const env = { HOOKGRAPH_ENCRYPTION_KEYS: randomBytes(32).toString('base64') };
  const refused = await rotate(['--generate'], env);
  expect(refused.code).toBe(1);
  expect(refused.output).toMatch(/^KEYS_NOT_KEPT_HERE: .*\nCreate a key with `openssl rand -base64 32`/);
  const wrong = await rotate([], env);
  expect(wrong.code).toBe(1);
  expect(wrong.output).toMatch(
    /^KEYS_MISMATCH: The secrets in this database are encrypted with the key of fingerprint [0-9a-f]{16}, which this process doesn't have\.\n/,
  );
});
