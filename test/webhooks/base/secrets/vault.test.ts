import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkKeys, createVault, fingerprintOf } from '../../../../src/webhooks/base/secrets/vault.js';
import { type TestDatabase, testDatabase } from '../../../support/database.js';
import { insertSubscription } from '../../../support/engine-rows.js';

const place = { table: 'hookgraph.secrets', row: 'a', field: 'sharedSecret' };
const [old, current, next] = [randomBytes(32), randomBytes(32), randomBytes(32)] as [Buffer, Buffer, Buffer];

describe('the vault', () => {
  const vault = createVault([current, old]);

  it('opens what it sealed, whatever the text, and never seals twice alike', () => {
    for (const text of ['', 'geheim', '🔑'.repeat(1000)]) {
      const sealed = vault.seal(place, text);
      expect(vault.open(place, sealed.ciphertext, sealed.fingerprint)).toBe(text);
      expect(sealed.ciphertext.equals(vault.seal(place, text).ciphertext)).toBe(false);
      if (text) expect(sealed.ciphertext.includes(text)).toBe(false);
    }
  });

  it('opens nothing that was moved to another table, row or field', () => {
    const { ciphertext, fingerprint } = vault.seal(place, 'geheim');
    for (const moved of [{ table: 'x' }, { row: 'b' }, { field: 'headers' }, { row: 'as', field: 'haredSecret' }])
      expect(() => vault.open({ ...place, ...moved }, ciphertext, fingerprint)).toThrow(/changed or moved/);
  });

  it('opens nothing of which any byte was altered, or the end cut off', () => {
    const { ciphertext, fingerprint } = vault.seal(place, 'geheim');
    for (let index = 0; index < ciphertext.length; index++) {
      const altered = Buffer.from(ciphertext);
      altered[index] = (altered[index] as number) ^ 1;
      expect(() => vault.open(place, altered, fingerprint)).toThrow(/changed or moved/);
    }
    for (const length of [0, 1, 20, ciphertext.length - 1])
      expect(() => vault.open(place, ciphertext.subarray(0, length), fingerprint)).toThrow(/changed or moved/);
  });

  it('seals with the newest key and opens with any', () => {
    const sealedBefore = createVault([old]).seal(place, 'geheim');
    expect(vault.open(place, sealedBefore.ciphertext, sealedBefore.fingerprint)).toBe('geheim');
    expect(vault.seal(place, 'x').fingerprint).toBe(fingerprintOf(current));
    expect(() => createVault([next]).open(place, sealedBefore.ciphertext, sealedBefore.fingerprint)).toThrow(/doesn't have/);
  });

  it('takes 32-byte keys only', () => {
    expect(() => createVault([])).toThrow(/No encryption key/);
    expect(() => createVault([current, Buffer.alloc(16)])).toThrow(/key 2 has 16 bytes/);
  });
});

describe('the keys of a database', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await testDatabase();
  });
  afterAll(() => db.close());

  it('are those of the first process, until one comes with a newer first key', async () => {
    await Promise.all([checkKeys(db.pool, createVault([old])), checkKeys(db.pool, createVault([old]))]);
    await checkKeys(db.pool, createVault([old]));
    await expect(checkKeys(db.pool, createVault([next]))).rejects.toMatchObject({
      code: 'KEYS_MISMATCH',
      hint: expect.stringContaining('HOOKGRAPH_ENCRYPTION_KEYS'),
    });
    await checkKeys(db.pool, createVault([current, old]));
    await expect(checkKeys(db.pool, createVault([old]))).rejects.toMatchObject({ code: 'KEYS_MISMATCH' });
    // Listing a previously current key first doesn't make it current again.
    await checkKeys(db.pool, createVault([old, current]));
    await checkKeys(db.pool, createVault([current]));
  });

  it('let one of two processes start that generated a key each at the same time', async () => {
    const own = await testDatabase();
    const results = await Promise.allSettled([0, 1, 2, 3].map(() => checkKeys(own.pool, createVault([randomBytes(32)]))));
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    await own.close();
  });

  it('may not go while a secret needs them', async () => {
    const id = await insertSubscription(db.pool);
    const { ciphertext, fingerprint } = createVault([old]).seal({ ...place, row: id }, 'geheim');
    await db.pool.query('INSERT INTO hookgraph.secrets VALUES ($1, $2, $3, $4)', [id, 'sharedSecret', ciphertext, fingerprint]);
    await expect(checkKeys(db.pool, createVault([current]))).rejects.toThrow(/1 stored secret/);
    await checkKeys(db.pool, createVault([current, old]));
  });
});
