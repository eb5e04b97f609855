// Encrypts secrets so that they can be decrypted only in the row and field they belong to; checks that all processes share the keys.
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { BEGIN } from '../../../runtime/lock-retries.js';
import { WebhooksError } from '../errors.js';

/** The row and field of a secret. A ciphertext that was moved to another row or field can't be decrypted. */
export interface SecretPlace {
  table: string;
  row: string;
  field: string;
}

export interface Sealed {
  ciphertext: Buffer;
  /** The fingerprint of the key that encrypted the secret. */
  fingerprint: string;
}

export interface Vault {
  /** Fingerprints of the vault's keys, newest first. */
  fingerprints: readonly string[];
  /** Encrypts with the key of this fingerprint; default: the newest key. @throws WebhooksError KEYS_MISMATCH when the key is missing */
  seal(place: SecretPlace, plaintext: string, fingerprint?: string): Sealed;
  /** Decrypts. @throws WebhooksError KEYS_MISMATCH when the key is missing, SECRET_UNREADABLE when the ciphertext was altered or moved */
  open(place: SecretPlace, ciphertext: Buffer, fingerprint: string): string;
  /** Loads the keys again, if the vault was created with `reload`. Returns whether there are new keys. */
  learn(): Promise<boolean>;
}

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Makes a vault. `keys`: 32 bytes each, newest first. `reload` loads them again; without it they never change.
 * @throws WebhooksError KEYS_INVALID when there is no key, or a key doesn't have 32 bytes
 */
export function createVault(keys: Buffer[], reload?: () => Promise<Buffer[]>): Vault {
  let byFingerprint = indexKeys(keys);

  return {
    get fingerprints() {
      return [...byFingerprint.keys()];
    },
    seal(place, plaintext, fingerprint = byFingerprint.keys().next().value as string) {
      const key = byFingerprint.get(fingerprint);
      if (!key)
        throw keysMismatch(`Secrets must be encrypted with the key of fingerprint ${fingerprint}, which this process doesn't have.`);
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(additionalData(place));
      const body = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
      return { ciphertext: Buffer.concat([Buffer.of(VERSION), nonce, body, cipher.getAuthTag()]), fingerprint };
    },
    open(place, ciphertext, fingerprint) {
      const where = `${place.table}.${place.field} of ${place.row}`;
      const key = byFingerprint.get(fingerprint);
      if (!key)
        throw keysMismatch(
          `The secret ${where} was encrypted with the key of fingerprint ${fingerprint}, which this process doesn't have.`,
        );
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
    async learn() {
      if (!reload) return false;
      const known = byFingerprint;
      // Removed keys are kept, since ciphertexts that were read earlier may still need them.
      byFingerprint = new Map([...indexKeys(await reload()), ...known]);
      return byFingerprint.size > known.size;
    },
  };
}

function indexKeys(keys: Buffer[]): Map<string, Buffer> {
  if (keys.length === 0) throw new WebhooksError('KEYS_INVALID', 'No encryption key is configured.', 'Set HOOKGRAPH_ENCRYPTION_KEYS.');
  for (const [index, key] of keys.entries())
    if (key.length !== 32) throw new WebhooksError('KEYS_INVALID', `Encryption key ${index + 1} has ${key.length} bytes, not 32.`);
  return new Map(keys.map((key) => [fingerprintOf(key), key]));
}

/** Returns an identifier of the key that reveals nothing about the key. */
export function fingerprintOf(key: Buffer): string {
  return createHash('sha256').update('hookgraph encryption key v1\0').update(key).digest('hex').slice(0, 16);
}

/**
 * Checks that this process has the database's current key and every key that a stored secret needs.
 * Makes the newest key of this process the current one if the database has never seen it, unless `activate` is false. Returns the
 * fingerprint of the previous current key; `undefined` when there was none.
 * @throws WebhooksError KEYS_MISMATCH when a key is missing
 */
export async function checkKeys(pool: Pool, vault: Vault, { activate = true } = {}): Promise<string | undefined> {
  const client = await pool.connect();
  let failed: unknown;
  try {
    await client.query(BEGIN);
    // If two processes start at once with different generated keys, the lock makes the second see the key that the first recorded. The
    // lock also waits for transactions that save secrets with the current key: see keyForSealing.
    await client.query("SELECT pg_advisory_xact_lock(hashtext('hookgraph.encryption_keys'))");
    const { rows } = await client.query<{ fingerprint: string }>(KNOWN);
    const known = rows.map((row) => row.fingerprint);
    const [current] = known;
    if (current && !vault.fingerprints.includes(current))
      throw keysMismatch(
        `The secrets in this database are encrypted with the key of fingerprint ${current}, which this process doesn't have.`,
      );
    const { rows: orphans } = await client.query<{ fingerprint: string; count: string }>(
      'SELECT fingerprint, count(*) FROM hookgraph.secrets WHERE fingerprint <> ALL ($1::text[]) GROUP BY fingerprint LIMIT 1',
      [vault.fingerprints],
    );
    if (orphans[0]) {
      const { count, fingerprint } = orphans[0];
      const secrets = count === '1' ? '1 stored secret is' : `${count} stored secrets are`;
      throw keysMismatch(`${secrets} encrypted with the key of fingerprint ${fingerprint}, which this process doesn't have.`);
    }
    const newest = vault.fingerprints[0] as string;
    if (activate && !known.includes(newest)) await client.query(ACTIVATE, [newest]);
    await client.query('COMMIT');
    return current;
  } catch (error) {
    failed = error;
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  } finally {
    client.release(failed !== undefined && !(failed instanceof WebhooksError));
  }
}

// The new key is stored as activated later than every other key, even if the clock of the database has gone back since.
const ACTIVATE = `
  INSERT INTO hookgraph.encryption_keys (fingerprint, activated_at)
  SELECT $1, greatest(clock_timestamp(), (SELECT max(activated_at) + interval '1 ms' FROM hookgraph.encryption_keys))`;

/** Selects the fingerprints of all keys that the database has seen. The first is that of the current key, which encrypts new secrets. */
const KNOWN = 'SELECT fingerprint FROM hookgraph.encryption_keys ORDER BY activated_at DESC, fingerprint';

/**
 * Returns the fingerprint of the database's current key. The key stays current until this transaction ends, so that a key rotation finds
 * every secret that the transaction saves.
 * @throws WebhooksError KEYS_MISMATCH when this process lacks the key, because it started before the key was added
 */
export async function keyForSealing(client: PoolClient, vault: Vault): Promise<string> {
  await client.query("SELECT pg_advisory_xact_lock_shared(hashtext('hookgraph.encryption_keys'))");
  // A separate statement, so that it sees what was committed while it waited for the lock.
  const { rows } = await client.query<{ fingerprint: string }>(`${KNOWN} LIMIT 1`);
  const current = rows[0]?.fingerprint ?? (vault.fingerprints[0] as string);
  if (vault.fingerprints.includes(current)) return current;
  await vault.learn();
  if (vault.fingerprints.includes(current)) return current;
  throw keysMismatch(`The current encryption key is now that of fingerprint ${current}, which this process doesn't have.`);
}

function additionalData(place: SecretPlace): Buffer {
  // JSON separates the parts, so that ("a", "bc") and ("ab", "c") differ.
  return Buffer.from(JSON.stringify(['hookgraph secret', VERSION, place.table, place.row, place.field]));
}

function keysMismatch(message: string): WebhooksError {
  return new WebhooksError(
    'KEYS_MISMATCH',
    message,
    'All processes on one database need the same keys: set HOOKGRAPH_ENCRYPTION_KEYS (newest first) to the keys of the process that was started first, or copy its key file from HOOKGRAPH_DATA_DIR; then restart this process. A different application needs its own schema (`databaseSchema`).',
  );
}

function unreadable(where: string, cause?: unknown): WebhooksError {
  return new WebhooksError(
    'SECRET_UNREADABLE',
    `The secret ${where} can't be decrypted: its ciphertext was changed or moved to another row.`,
    'Save this secret again.',
    {
      cause,
    },
  );
}
