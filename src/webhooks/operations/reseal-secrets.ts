// Re-encrypts every stored secret with the newest key in batches. Each batch commits separately, so an interrupted run can be
// repeated.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { withAdvisoryLock } from '../../runtime/pooler.js';
import { WebhooksError } from '../base/errors.js';
import { checkKeys, createVault, type Vault } from '../base/secrets/vault.js';
import { placeOfSecret, replaceCiphertexts } from '../base/store/secrets.js';

export interface ResealOptions {
  /** Encryption keys of 32 bytes each, newest first. */
  keys: Buffer[];
  /** Creates a new key and returns all keys, newest first. Not called when an earlier rotation must be finished first. */
  addKey?: () => Promise<Buffer[]>;
  /** Whether only to decrypt the secrets that would be re-encrypted, and to change nothing. */
  dryRun?: boolean;
  batchSize?: number;
  onProgress?: (done: number, of: number) => void;
}

export interface Resealed {
  /** Fingerprint of the key in use after the run; `null` in a dry run that would have created a key. */
  key: string | null;
  /** Whether `addKey` created the key (or, in a dry run, would have). */
  added: boolean;
  /** Number of stored secrets. */
  total: number;
  /** Number of secrets that were re-encrypted (or, in a dry run, would be). */
  resealed: number;
  /** Secrets that can't be decrypted and stay unchanged; their owners have to set them again. */
  unreadable: { subscriptionId: string; field: string }[];
  /** Fingerprints of the given keys with which no secret is encrypted any more. */
  unneeded: string[];
}

const LOCK = "hashtext('hookgraph.reseal-secrets')";
/**
 * Number of consecutive passes that re-encrypt nothing, because other transactions lock the rows, after which the run fails. Each such pass
 * waits 200 ms.
 */
const MAX_IDLE_ROUNDS = 50;

/**
 * Re-encrypts all secrets that are not encrypted with the newest key.
 * @throws WebhooksError KEYS_MISMATCH when a key is missing; KEYS_ORDER when the first key is an old key, which an earlier rotation
 * replaced; ROTATION_RUNNING when another process rotates keys; SECRETS_LOCKED when rows stay locked by another transaction
 */
export async function resealSecrets(pool: Pool, options: ResealOptions): Promise<Resealed> {
  const resealed = await withAdvisoryLock(pool, LOCK, () => reseal(pool, options), { wait: false });
  if (resealed) return resealed;
  throw new WebhooksError(
    'ROTATION_RUNNING',
    'Another process is rotating the keys of this database.',
    'Wait until it ends. If it fails, run `hookgraph rotate-keys` again.',
  );
}

async function reseal(pool: Pool, { keys, addKey, dryRun = false, batchSize = 500, onProgress }: ResealOptions): Promise<Resealed> {
  let vault = createVault(keys);
  const current = await checkKeys(pool, vault, { activate: false });
  const unfinished = current !== vault.fingerprints[0] || (await countByKey(pool, vault)).others > 0;
  const added = addKey !== undefined && !unfinished;
  if (added && !dryRun) vault = createVault(await addKey());
  if (!dryRun) await checkKeys(pool, vault);
  const key = added && dryRun ? null : (vault.fingerprints[0] as string);
  if (key !== null && current !== key) await refuseOldKey(pool, key, vault, current);

  const { total, others: of } = await countByKey(pool, vault, key);
  let unreadable: Resealed['unreadable'] = [];
  let resealed = 0;
  for (let idleRounds = 0; ; ) {
    unreadable = [];
    let seen = 0;
    let sealed = 0;
    let after: SecretRow | null = null;
    for (;;) {
      const rows = await nextBatch(pool, key, after, batchSize);
      if (rows.length === 0) break;
      after = rows.at(-1) as SecretRow;
      const opened = openAll(vault, rows, unreadable);
      seen += opened.length;
      sealed += dryRun ? opened.length : await writeBack(pool, vault, opened);
      onProgress?.(resealed + sealed, Math.max(of, resealed + sealed));
    }
    resealed += sealed;
    if (seen === 0 || dryRun) break;
    // Rows that a concurrent save had locked were skipped. Either this save encrypts them with the current key, or the next pass
    // re-encrypts them.
    idleRounds = sealed === 0 ? idleRounds + 1 : 0;
    if (idleRounds > MAX_IDLE_ROUNDS)
      throw new WebhooksError(
        'SECRETS_LOCKED',
        `Rotating the keys stopped, because another transaction keeps ${seen} secrets locked.`,
        'End that transaction (see pg_stat_activity), then run `hookgraph rotate-keys` again.',
      );
    if (sealed === 0) await sleep(200);
  }
  const { byKey } = await countByKey(pool, vault);
  const unneeded = dryRun ? [] : vault.fingerprints.filter((one) => one !== key && !byKey.has(one));
  return { key, added, total, resealed, unreadable, unneeded };
}

interface SecretRow {
  subscriptionId: string;
  field: string;
  ciphertext: Buffer;
  fingerprint: string;
}

interface OpenedRow extends SecretRow {
  text: string;
}

async function nextBatch(pool: Pool, key: string | null, after: SecretRow | null, limit: number): Promise<SecretRow[]> {
  const { rows } = await pool.query<SecretRow>(
    `SELECT subscription_id AS "subscriptionId", field, ciphertext, fingerprint FROM hookgraph.secrets
     WHERE fingerprint IS DISTINCT FROM $1 AND ($2::uuid IS NULL OR (subscription_id, field) > ($2, $3))
     ORDER BY subscription_id, field LIMIT $4`,
    [key, after?.subscriptionId ?? null, after?.field ?? null, limit],
  );
  return rows;
}

function openAll(vault: Vault, rows: SecretRow[], unreadable: Resealed['unreadable']): OpenedRow[] {
  return rows.flatMap((row) => {
    const { subscriptionId, field, ciphertext, fingerprint } = row;
    try {
      const text = vault.open(placeOfSecret(subscriptionId, field), ciphertext, fingerprint);
      return [{ ...row, text }];
    } catch (error) {
      if (!(error instanceof WebhooksError)) throw error;
      unreadable.push({ subscriptionId, field });
      return [];
    }
  });
}

async function writeBack(pool: Pool, vault: Vault, rows: OpenedRow[]): Promise<number> {
  const resealed = rows.map(({ subscriptionId, field, ciphertext: before, text }) => {
    const { ciphertext } = vault.seal(placeOfSecret(subscriptionId, field), text);
    return { subscriptionId, field, before, ciphertext };
  });
  return replaceCiphertexts(pool, resealed, vault.fingerprints[0] as string);
}

/** Counts secrets by key fingerprint. `others` is the number that is not encrypted with `key`. */
async function countByKey(
  pool: Pool,
  vault: Vault,
  key: string | null = vault.fingerprints[0] as string,
): Promise<{ byKey: Map<string, number>; total: number; others: number }> {
  const { rows } = await pool.query<{ fingerprint: string; count: number }>(
    'SELECT fingerprint, count(*)::int AS count FROM hookgraph.secrets GROUP BY fingerprint',
  );
  const byKey = new Map(rows.map((row) => [row.fingerprint, row.count]));
  const total = rows.reduce((sum, row) => sum + row.count, 0);
  return { byKey, total, others: total - (byKey.get(key ?? '') ?? 0) };
}

/** Throws KEYS_ORDER when an earlier rotation has already replaced this key, because the old key may have leaked. */
async function refuseOldKey(pool: Pool, key: string, { fingerprints }: Vault, current: string | undefined): Promise<void> {
  const { rows } = await pool.query<{ replaced: boolean }>(
    `SELECT max(activated_at) > max(activated_at) FILTER (WHERE fingerprint = $1) AS replaced FROM hookgraph.encryption_keys`,
    [key],
  );
  if (!rows[0]?.replaced) return;
  throw new WebhooksError(
    'KEYS_ORDER',
    `Rotating the keys failed: the first key (fingerprint ${key}) is an old key, which an earlier rotation replaced.`,
    `The current key has the fingerprint ${current} and is number ${fingerprints.indexOf(current ?? '') + 1} in HOOKGRAPH_ENCRYPTION_KEYS. Put it first, or put a new key before all others.`,
  );
}
