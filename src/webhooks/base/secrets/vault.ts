// Plaintext secret + the place of its row -> ciphertext that opens nowhere else; and the check that all processes share a key.
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { WebhooksError } from '../errors.js';

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
  /** With the newest key, or with the one of this fingerprint. */
  seal(place: SecretPlace, plaintext: string, fingerprint?: string): Sealed;
  /** Throws WebhooksError KEYS_MISMATCH without the key, SECRET_UNREADABLE where anything was altered or moved. */
  open(place: SecretPlace, ciphertext: Buffer, fingerprint: string): string;
  /** Reads the keys anew where they can change under a running process; answers whether it has one more now. */
  learn(): Promise<boolean>;
}

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** `keys`: 32 bytes each, newest first. `reload` reads them anew; without it they never change. */
export function createVault(keys: Buffer[], reload?: () => Promise<Buffer[]>): Vault {
  let byFingerprint = indexKeys(keys);

  return {
    get fingerprints() {
      return [...byFingerprint.keys()];
    },
    seal(place, plaintext, fingerprint = byFingerprint.keys().next().value as string) {
      const key = byFingerprint.get(fingerprint);
      if (!key) throw keysMismatch(`Secrets are to be sealed with key ${fingerprint}, which this process doesn't have.`);
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(additionalData(place));
      const body = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
      return { ciphertext: Buffer.concat([Buffer.of(VERSION), nonce, body, cipher.getAuthTag()]), fingerprint };
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
    async learn() {
      if (!reload) return false;
      const known = byFingerprint;
      // What it had it keeps: a key that was taken away may still be needed by what was read before.
      byFingerprint = new Map([...indexKeys(await reload()), ...known]);
      return byFingerprint.size > known.size;
    },
  };
}

function indexKeys(keys: Buffer[]): Map<string, Buffer> {
  if (keys.length === 0) throw new WebhooksError('KEYS_INVALID', 'There is no encryption key.', 'Set HOOKGRAPH_ENCRYPTION_KEYS.');
  for (const [index, key] of keys.entries())
    if (key.length !== 32) throw new WebhooksError('KEYS_INVALID', `Encryption key ${index + 1} has ${key.length} bytes, not 32.`);
  return new Map(keys.map((key) => [fingerprintOf(key), key]));
}

/** A name for a key that tells nothing about it. */
export function fingerprintOf(key: Buffer): string {
  return createHash('sha256').update('hookgraph encryption key v1\0').update(key).digest('hex').slice(0, 16);
}

/**
 * Refuses (WebhooksError KEYS_MISMATCH) where this process lacks the current key of the database, or one that a stored secret needs.
 * The first process ever records its newest key; later a first key that was never seen before becomes the current one,
 * unless it is only to be looked (`activate` false). Answers the current one as it was before.
 */
export async function checkKeys(pool: Pool, vault: Vault, { activate = true } = {}): Promise<string | undefined> {
  const client = await pool.connect();
  let failed: unknown;
  try {
    await client.query('BEGIN');
    // Two processes that start at once with two generated keys: the second one sees what the first one recorded.
    // And what is being saved is sealed before another key becomes the current one: see keyForSealing.
    await client.query("SELECT pg_advisory_xact_lock(hashtext('hookgraph.encryption_keys'))");
    const { rows } = await client.query<{ fingerprint: string }>(KNOWN);
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
    if (activate && !known.includes(newest))
      await client.query('INSERT INTO hookgraph.encryption_keys (fingerprint) VALUES ($1)', [newest]);
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

/** The current one first. */
const KNOWN = 'SELECT fingerprint FROM hookgraph.encryption_keys ORDER BY activated_at DESC, fingerprint';

/**
 * The current key of the database, which stays so until the end of this transaction: a rotation never misses a save.
 * @throws WebhooksError KEYS_MISMATCH where this process, started before that key came, doesn't have it
 */
export async function keyForSealing(client: PoolClient, vault: Vault): Promise<string> {
  await client.query("SELECT pg_advisory_xact_lock_shared(hashtext('hookgraph.encryption_keys'))");
  // A statement of its own: it must see what was committed while the lock was waited for.
  const { rows } = await client.query<{ fingerprint: string }>(`${KNOWN} LIMIT 1`);
  const current = rows[0]?.fingerprint ?? (vault.fingerprints[0] as string);
  if (vault.fingerprints.includes(current)) return current;
  await vault.learn();
  if (vault.fingerprints.includes(current)) return current;
  throw keysMismatch(`Secrets are sealed with key ${current} now, which this process doesn't have.`);
}

function additionalData(place: SecretPlace): Buffer {
  // JSON delimits the parts: ("a", "bc") and ("ab", "c") differ.
  return Buffer.from(JSON.stringify(['hookgraph secret', VERSION, place.table, place.row, place.field]));
}

function keysMismatch(message: string): WebhooksError {
  return new WebhooksError(
    'KEYS_MISMATCH',
    message,
    'Every process on one database needs the same keys: set HOOKGRAPH_ENCRYPTION_KEYS (newest first) to the keys of the process that came first, or copy its key file from HOOKGRAPH_DATA_DIR; then start this one again. An application of another kind takes a schema of its own (`databaseSchema`).',
  );
}

function unreadable(where: string, cause?: unknown): WebhooksError {
  return new WebhooksError('SECRET_UNREADABLE', `The secret ${where} can't be opened: it was altered or moved.`, 'Set it again.', {
    cause,
  });
}
