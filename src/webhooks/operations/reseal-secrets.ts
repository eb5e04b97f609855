// Every stored secret -> sealed with the newest key, batch by batch. Each batch stands by itself: killed, it goes on where it was.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { withAdvisoryLock } from '../../runtime/pooler.js';
import { WebhooksError } from '../base/errors.js';
import { checkKeys, createVault, type Vault } from '../base/secrets/vault.js';
import { placeOfSecret } from '../base/store/secrets.js';

export interface ResealOptions {
  /** 32 bytes each, newest first. */
  keys: Buffer[];
  /** Makes a newer key and answers all of them. Called only when no earlier rotation is unfinished. */
  addKey?: () => Promise<Buffer[]>;
  /** Opens what would be sealed anew, and changes nothing. */
  dryRun?: boolean;
  batchSize?: number;
  onProgress?: (done: number, of: number) => void;
}

export interface Resealed {
  /** Fingerprint of the key that secrets are sealed with now; null: of the one that a dry run would have made. */
  key: string | null;
  /** Whether `addKey` made it (or, dry, would have). */
  added: boolean;
  /** Secrets in all. */
  total: number;
  /** Sealed anew or, dry, to be. */
  resealed: number;
  /** Those that don't open, which stay as they are: their owners have to set them again. */
  unreadable: { subscriptionId: string; field: string }[];
  /** Fingerprints of keys that this process has and no secret needs. */
  unneeded: string[];
}

const LOCK = "hashtext('hookgraph.reseal-secrets')";
/** Rounds without a single secret sealed: then somebody holds rows locked for long. */
const MAX_IDLE_ROUNDS = 50;

/**
 * @throws WebhooksError KEYS_MISMATCH where a key is missing, KEYS_ORDER where the first key was in force before the current one,
 * ROTATION_RUNNING, SECRETS_LOCKED
 */
export async function resealSecrets(pool: Pool, options: ResealOptions): Promise<Resealed> {
  const resealed = await withAdvisoryLock(pool, LOCK, () => reseal(pool, options), { wait: false });
  if (resealed) return resealed;
  throw new WebhooksError('ROTATION_RUNNING', 'Another process is rotating the keys of this database.', 'Wait for it.');
}

async function reseal(pool: Pool, { keys, addKey, dryRun = false, batchSize = 500, onProgress }: ResealOptions): Promise<Resealed> {
  let vault = createVault(keys);
  const current = await checkKeys(pool, vault, { activate: false });
  const unfinished = current !== vault.fingerprints[0] || (await countByKey(pool, vault)).others > 0;
  const added = addKey !== undefined && !unfinished;
  if (added && !dryRun) vault = createVault(await addKey());
  if (!dryRun) await checkKeys(pool, vault);
  const key = added && dryRun ? null : (vault.fingerprints[0] as string);
  if (key !== null && current !== key) await refuseOldKey(pool, key, current);

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
    // A save had them locked. It seals with the current key, or leaves them for the next round.
    idleRounds = sealed === 0 ? idleRounds + 1 : 0;
    if (idleRounds > MAX_IDLE_ROUNDS)
      throw new WebhooksError(
        'SECRETS_LOCKED',
        `${seen} secrets are locked by another transaction.`,
        'Look for one that stays open; then run it again.',
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

// Only over the very bytes that were opened: what was saved meanwhile stands. It waits for no save, so none can deadlock with it.
const WRITE_BACK = `
  WITH sealed AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::bytea[]) AS n (id, field, was, ciphertext)
  ), free AS MATERIALIZED (
    SELECT s.subscription_id, s.field FROM hookgraph.secrets s JOIN sealed n ON s.subscription_id = n.id AND s.field = n.field AND s.ciphertext = n.was
    FOR UPDATE OF s SKIP LOCKED
  )
  UPDATE hookgraph.secrets s SET ciphertext = n.ciphertext, fingerprint = $5
  FROM sealed n JOIN free f ON f.subscription_id = n.id AND f.field = n.field
  WHERE s.subscription_id = n.id AND s.field = n.field AND s.ciphertext = n.was`;

async function writeBack(pool: Pool, vault: Vault, rows: OpenedRow[]): Promise<number> {
  const { rowCount } = await pool.query(WRITE_BACK, [
    rows.map((row) => row.subscriptionId),
    rows.map((row) => row.field),
    rows.map((row) => row.ciphertext),
    rows.map((row) => vault.seal(placeOfSecret(row.subscriptionId, row.field), row.text).ciphertext),
    vault.fingerprints[0],
  ]);
  return rowCount ?? 0;
}

/** `others`: how many are not sealed with `key`. */
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

/** A key that was replaced never comes back: it was replaced for a reason. */
async function refuseOldKey(pool: Pool, key: string, current: string | undefined): Promise<void> {
  const { rows } = await pool.query<{ replaced: boolean }>(
    `SELECT max(activated_at) > max(activated_at) FILTER (WHERE fingerprint = $1) AS replaced FROM hookgraph.encryption_keys`,
    [key],
  );
  if (!rows[0]?.replaced) return;
  throw new WebhooksError(
    'KEYS_ORDER',
    `Key ${key}, the first one here, was replaced by key ${current}, which is the current one.`,
    `Put key ${current} first, or a new one before both.`,
  );
}
