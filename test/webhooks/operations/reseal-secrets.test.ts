// Tests that resealing encrypts all stored secrets with the newest of two keys, despite concurrent saves and kills.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { checkKeys, createVault, fingerprintOf } from '../../../src/webhooks/base/secrets/vault.js';
import { type ResealOptions, resealSecrets } from '../../../src/webhooks/operations/reseal-secrets.js';
import { type TestDatabase, testDatabase } from '../../support/database.js';
import { insertSubscription } from '../../support/engine-rows.js';
import { until } from '../../support/until.js';

const [old, current, next] = [randomBytes(32), randomBytes(32), randomBytes(32)] as [Buffer, Buffer, Buffer];
const FIELDS = ['sharedSecret', 'headers', 'whatever comes later'];
const COUNT = 8;

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.close());

const place = (row: string, field: string) => ({ table: 'hookgraph.secrets', row, field });
const textOf = (id: string, field: string) => `secret ${field} of ${id}`;

beforeEach(async () => {
  await db.pool.query('TRUNCATE hookgraph.secrets, hookgraph.encryption_keys');
  await checkKeys(db.pool, createVault([old]));
  const vault = createVault([old]);
  for (let i = 0; i < COUNT; i++) {
    const id = await insertSubscription(db.pool);
    for (const field of FIELDS) {
      const { ciphertext, fingerprint } = vault.seal(place(id, field), textOf(id, field));
      await db.pool.query('INSERT INTO hookgraph.secrets VALUES ($1, $2, $3, $4)', [id, field, ciphertext, fingerprint]);
    }
  }
});

const rotate = (keys: Buffer[], rest: Partial<ResealOptions> = {}) => resealSecrets(db.pool, { keys, batchSize: 5, ...rest });

async function stored() {
  const { rows } = await db.pool.query('SELECT subscription_id AS id, field, ciphertext, fingerprint FROM hookgraph.secrets ORDER BY 1, 2');
  return rows as { id: string; field: string; ciphertext: Buffer; fingerprint: string }[];
}

it('seals every field of every subscription with the newest key, and finds nothing to do a second time', async () => {
  const told: number[] = [];
  const result = await rotate([current, old], { onProgress: (done) => told.push(done) });
  expect(result).toEqual({
    key: fingerprintOf(current),
    added: false,
    total: COUNT * FIELDS.length,
    resealed: COUNT * FIELDS.length,
    unreadable: [],
    unneeded: [fingerprintOf(old)],
  });
  expect(told).toEqual([5, 10, 15, 20, 24]);
  const vault = createVault([current]);
  const rows = await stored();
  for (const { id, field, ciphertext, fingerprint } of rows)
    expect(vault.open(place(id, field), ciphertext, fingerprint)).toBe(textOf(id, field));
  expect(await rotate([current, old])).toMatchObject({ resealed: 0, total: 24, unneeded: [fingerprintOf(old)] });
  expect(await stored()).toEqual(rows);
  // A process can now start without the old key.
  await checkKeys(db.pool, vault);
});

it('goes on where it was killed', async () => {
  const kill = () => {
    throw new Error('killed');
  };
  await expect(rotate([current, old], { onProgress: kill })).rejects.toThrow('killed');
  expect(new Set((await stored()).map(({ fingerprint }) => fingerprint)).size).toBe(2);
  expect(await rotate([current, old])).toMatchObject({ resealed: 19, total: 24 });
});

it('leaves what is saved meanwhile as it was saved, and waits for no save', async () => {
  const { id, field } = (await stored())[7] as { id: string; field: string };
  const client = await db.pool.connect();
  await client.query('BEGIN');
  const saved = createVault([current, old]).seal(place(id, field), 'saved meanwhile');
  await client.query('UPDATE hookgraph.secrets SET ciphertext = $3, fingerprint = $4 WHERE subscription_id = $1 AND field = $2', [
    id,
    field,
    saved.ciphertext,
    saved.fingerprint,
  ]);
  let done = 0;
  const rotated = rotate([current, old], { onProgress: (count) => (done = count) });
  await until('all others are sealed', () => done === 23);
  await client.query('COMMIT');
  client.release();
  expect(await rotated).toMatchObject({ resealed: 23 });
  const row = (await stored()).find((one) => one.id === id && one.field === field);
  expect(createVault([current]).open(place(id, field), row?.ciphertext as Buffer, row?.fingerprint as string)).toBe('saved meanwhile');
});

it('tells which secret does not open, leaves it, and says of no key that it is unneeded while that needs it', async () => {
  const { id, field } = (await stored())[3] as { id: string; field: string };
  await db.pool.query(
    `UPDATE hookgraph.secrets SET ciphertext = set_byte(ciphertext, 20, (get_byte(ciphertext, 20) + 1) % 256) WHERE subscription_id = $1 AND field = $2`,
    [id, field],
  );
  expect(await rotate([current, old])).toMatchObject({ resealed: 23, unreadable: [{ subscriptionId: id, field }], unneeded: [] });
});

it('changes nothing in a dry run, the current key neither', async () => {
  const before = await stored();
  expect(await rotate([current, old], { dryRun: true })).toMatchObject({ key: fingerprintOf(current), resealed: 24, unneeded: [] });
  const addKey = () => Promise.reject(new Error('made a key'));
  expect(await rotate([old], { dryRun: true, addKey })).toMatchObject({ key: null, added: true, resealed: 24 });
  expect(await stored()).toEqual(before);
  await checkKeys(db.pool, createVault([old]));
});

it('makes a key only when no earlier rotation is unfinished', async () => {
  const addKey = async () => [next, current, old];
  // The key file already had the new key when the earlier run was killed.
  expect(await rotate([current, old], { addKey })).toMatchObject({ key: fingerprintOf(current), added: false, resealed: 24 });
  expect(await rotate([current, old], { addKey })).toMatchObject({ key: fingerprintOf(next), added: true, resealed: 24 });
});

it('refuses a first key that was replaced before, a missing key, and a second run at the same time', async () => {
  await checkKeys(db.pool, createVault([current, old]));
  await expect(rotate([old, current])).rejects.toMatchObject({ code: 'KEYS_ORDER', hint: expect.stringContaining(fingerprintOf(current)) });
  await expect(rotate([current])).rejects.toMatchObject({ code: 'KEYS_MISMATCH' });
  let second: Promise<unknown> | undefined;
  await rotate([current, old], {
    onProgress: () => {
      second ??= rotate([current, old]).catch((error) => error);
    },
    batchSize: 1,
  });
  expect(await second).toMatchObject({ code: 'ROTATION_RUNNING' });
});
