// Plaintext secret + the place of its row -> ciphertext that opens nowhere else; and the check that all processes share a key.
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { WebhooksError } from './errors.js';

/** Where a secret is stored. A ciphertext that is moved to another place doesn't open. */
export interface SecretPlace {
  table: string;
  row: string;
  field: string;
}

export interface Sealed {
  ciphertext: Buffer;
  /** Names the key that sealed it. */
  fingerprint: string;
}

export interface Vault {
  /** Of its keys, newest first. */
  fingerprints: readonly string[];
  /** Always with the newest key. */
  seal(place: SecretPlace, plaintext: string): Sealed;
  /** Throws WebhooksError KEYS_MISMATCH without the key, SECRET_UNREADABLE where anything was altered or moved. */
  open(place: SecretPlace, ciphertext: Buffer, fingerprint: string): string;
}

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** `keys`: 32 bytes each, newest first. */
export function createVault(keys: Buffer[]): Vault {
  if (keys.length === 0) throw new WebhooksError('KEYS_INVALID', 'There is no encryption key.', 'Set HOOKGRAPH_ENCRYPTION_KEYS.');
  for (const [index, key] of keys.entries())
    if (key.length !== 32) throw new WebhooksError('KEYS_INVALID', `Encryption key ${index + 1} has ${key.length} bytes, not 32.`);
  const byFingerprint = new Map(keys.map((key) => [fingerprintOf(key), key]));
  const newest = keys[0] as Buffer;
  const newestFingerprint = fingerprintOf(newest);

  return {
    fingerprints: [...byFingerprint.keys()],
    seal(place, plaintext) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', newest, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(additionalData(place));
      const body = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
      return { ciphertext: Buffer.concat([Buffer.of(VERSION), nonce, body, cipher.getAuthTag()]), fingerprint: newestFingerprint };
    },
    open(place, ciphertext, fingerprint) {
      const where = `${place.table}.${place.field} of ${place.row}`;
      const key = byFingerprint.get(fingerprint);
      if (!key) throw keysMismatch(`The secret ${where} was sealed with key ${fingerprint}, which this process doesn't have.`);
      if (ciphertext[0] !== VERSION || ciphertext.length < 1 + NONCE_BYTES + TAG_BYTES) throw unreadable(where);
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, ciphertext.subarray(1, 1 + NONCE_BYTES), { authTagLength: TAG_BYTES });
        decipher.setAAD(additionalData(place));
        decipher.setAuthTag(ciphertext.subarray(-TAG_BYTES));
        return Buffer.concat([decipher.update(ciphertext.subarray(1 + NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8');
      } catch (cause) {
        throw unreadable(where, cause);
      }
    },
  };
}

/** A name for a key that tells nothing about it. */
export function fingerprintOf(key: Buffer): string {
  return createHash('sha256').update('hookgraph encryption key v1\0').update(key).digest('hex').slice(0, 16);
}

/**
 * Refuses (WebhooksError KEYS_MISMATCH) where this process lacks the current key of the database, or one that a stored secret needs.
 * The first process ever records its newest key; later a first key that was never seen before becomes the current one.
 */
export async function checkKeys(pool: Pool, vault: Vault): Promise<void> {
  const client = await pool.connect();
  let failed: unknown;
  try {
    await client.query('BEGIN');
    // Two processes that start at once with two generated keys: the second one sees what the first one recorded.
    await client.query("SELECT pg_advisory_xact_lock(hashtext('hookgraph.encryption_keys'))");
    const { rows } = await client.query<{ fingerprint: string }>(
      'SELECT fingerprint FROM hookgraph.encryption_keys ORDER BY activated_at DESC, fingerprint',
    );
    const known = rows.map((row) => row.fingerprint);
    const [current] = known;
    if (current && !vault.fingerprints.includes(current))
      throw keysMismatch(`This database's secrets are sealed with key ${current}, which this process doesn't have.`);
    const { rows: orphans } = await client.query<{ fingerprint: string; count: string }>(
      'SELECT fingerprint, count(*) FROM hookgraph.secrets WHERE fingerprint <> ALL ($1::text[]) GROUP BY fingerprint LIMIT 1',
      [vault.fingerprints],
    );
    if (orphans[0])
      throw keysMismatch(
        `${orphans[0].count} stored secret(s) are sealed with key ${orphans[0].fingerprint}, which this process doesn't have.`,
      );
    const newest = vault.fingerprints[0] as string;
    if (!known.includes(newest)) await client.query('INSERT INTO hookgraph.encryption_keys (fingerprint) VALUES ($1)', [newest]);
    await client.query('COMMIT');
  } catch (error) {
    failed = error;
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  } finally {
    client.release(failed !== undefined && !(failed instanceof WebhooksError));
  }
}

function additionalData(place: SecretPlace): Buffer {
  // JSON delimits the parts: ("a", "bc") and ("ab", "c") differ.
  return Buffer.from(JSON.stringify(['hookgraph secret', VERSION, place.table, place.row, place.field]));
}

function keysMismatch(message: string): WebhooksError {
  return new WebhooksError(
    'KEYS_MISMATCH',
    message,
    'Every process on one database needs the same keys: set HOOKGRAPH_ENCRYPTION_KEYS (newest first) to the keys of the process that came first, or copy its key file from HOOKGRAPH_DATA_DIR.',
  );
}

function unreadable(where: string, cause?: unknown): WebhooksError {
  return new WebhooksError('SECRET_UNREADABLE', `The secret ${where} can't be opened: it was altered or moved.`, 'Set it again.', {
    cause,
  });
}
