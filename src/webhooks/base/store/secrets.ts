// Stores the secrets of a subscription encrypted: one row for each field and for each replaced shared secret.
import { isDeepStrictEqual } from 'node:util';
import type { Pool, PoolClient } from 'pg';
import { WebhooksError } from '../errors.js';
import type { OldSecret, SecretField, Secrets } from '../model.js';
import { keyForSealing, type SecretPlace, type Vault } from '../secrets/vault.js';

interface Codec<T> {
  write(value: T): string;
  read(text: string): T;
}

const TEXT: Codec<string> = { write: (text) => text, read: (text) => text };
const JSON_TEXT: Codec<unknown> = { write: (value) => JSON.stringify(value), read: (text) => JSON.parse(text) };

/** Returns how a field is written as text before encryption: the shared secret unchanged, all other fields as JSON. */
const codecOf = (field: SecretField): Codec<unknown> => (field === 'sharedSecret' ? TEXT : JSON_TEXT) as Codec<unknown>;

export interface SealedRow {
  field: string;
  /** The ciphertext in base64. */
  ciphertext: string;
  fingerprint: string;
  /** The time at which a replaced shared secret stops signing, in ISO 8601; `null` for all other secrets. */
  expiresAt: string | null;
}

/** SQL for the result column `sealed`: the encrypted secrets of the subscription `s`, which `unseal` decrypts. */
export const SEALED = `(SELECT coalesce(jsonb_agg(jsonb_build_object('field', x.field, 'ciphertext', encode(x.ciphertext, 'base64'),
    'fingerprint', x.fingerprint, 'expiresAt', x.expires_at)), '[]')
  FROM hookgraph.secrets x WHERE x.subscription_id = s.id AND (x.expires_at IS NULL OR x.expires_at > now())) AS sealed`;

/**
 * The name under which a replaced shared secret is stored. It contains the last version of the subscription that used the secret, which
 * makes it unique.
 */
const OLD = /^sharedSecret@(\d+)$/;
const fieldOfOld = ({ version }: OldSecret): string => `sharedSecret@${version}`;

/**
 * Decrypts the rows. If a key is missing, loads the keys again once, since the key may have been added after this process started.
 * @throws WebhooksError KEYS_MISMATCH or SECRET_UNREADABLE when a secret can't be decrypted
 */
export async function unseal(vault: Vault, subscriptionId: string, sealed: readonly SealedRow[]): Promise<Secrets> {
  try {
    return openSecrets(vault, subscriptionId, sealed);
  } catch (error) {
    if (!(error instanceof WebhooksError && error.code === 'KEYS_MISMATCH') || !(await vault.learn())) throw error;
    return openSecrets(vault, subscriptionId, sealed);
  }
}

function openSecrets(vault: Vault, subscriptionId: string, sealed: readonly SealedRow[]): Secrets {
  const secrets: Secrets = {};
  const old: OldSecret[] = [];
  for (const { field, ciphertext, fingerprint, expiresAt } of sealed) {
    const text = () => vault.open(placeOfSecret(subscriptionId, field), Buffer.from(ciphertext, 'base64'), fingerprint);
    const version = OLD.exec(field)?.[1];
    if (version !== undefined && expiresAt !== null) old.push({ secret: text(), version: Number(version), endsAt: new Date(expiresAt) });
    else Object.assign(secrets, { [field]: codecOf(field).read(text()) });
  }
  if (old.length > 0) secrets.oldSecrets = old.sort((a, b) => b.version - a.version);
  return secrets;
}

/**
 * Encrypts and stores the secrets that differ from `before`. Deletes removed secrets, and replaced shared secrets whose time to sign is
 * over.
 */
export async function writeSecrets(client: PoolClient, vault: Vault, id: string, before: Secrets, after: Secrets): Promise<void> {
  const [was, is] = [rowsOf(before), rowsOf(after)];
  await client.query('DELETE FROM hookgraph.secrets WHERE subscription_id = $1 AND (field = ANY ($2) OR expires_at <= now())', [
    id,
    [...was.keys()].filter((field) => !is.has(field)),
  ]);
  for (const [field, row] of is) {
    if (isDeepStrictEqual(was.get(field), row)) continue;
    const { ciphertext, fingerprint } = vault.seal(placeOfSecret(id, field), row.text, await keyForSealing(client, vault));
    await client.query(
      `INSERT INTO hookgraph.secrets (subscription_id, field, ciphertext, fingerprint, expires_at) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (subscription_id, field) DO UPDATE SET ciphertext = excluded.ciphertext, fingerprint = excluded.fingerprint,
         expires_at = excluded.expires_at, updated_at = now()`,
      [id, field, ciphertext, fingerprint, row.expiresAt],
    );
  }
}

/** Deletes all secrets of a subscription. */
export async function wipeSecrets(client: PoolClient, subscriptionId: string): Promise<void> {
  await client.query('DELETE FROM hookgraph.secrets WHERE subscription_id = $1', [subscriptionId]);
}

export interface Resealed {
  subscriptionId: string;
  field: string;
  /** The ciphertext to replace. If the row has another ciphertext by now, it is skipped. */
  before: Buffer;
  ciphertext: Buffer;
}

/**
 * Replaces ciphertexts by new ciphertexts of the same secrets, after a key rotation. Skips secrets that were saved meanwhile or are locked.
 * Returns the number of replaced ciphertexts.
 */
export async function replaceCiphertexts(pool: Pool, resealed: readonly Resealed[], fingerprint: string): Promise<number> {
  const { rowCount } = await pool.query(
    // SKIP LOCKED rules out deadlocks with concurrent saves.
    `WITH sealed AS (
       SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::bytea[]) AS n (id, field, before, ciphertext)
     ), free AS MATERIALIZED (
       SELECT s.subscription_id, s.field FROM hookgraph.secrets s
       JOIN sealed n ON s.subscription_id = n.id AND s.field = n.field AND s.ciphertext = n.before
       FOR UPDATE OF s SKIP LOCKED
     )
     UPDATE hookgraph.secrets s SET ciphertext = n.ciphertext, fingerprint = $5
     FROM sealed n JOIN free f ON f.subscription_id = n.id AND f.field = n.field
     WHERE s.subscription_id = n.id AND s.field = n.field AND s.ciphertext = n.before`,
    [
      resealed.map(({ subscriptionId }) => subscriptionId),
      resealed.map(({ field }) => field),
      resealed.map(({ before }) => before),
      resealed.map(({ ciphertext }) => ciphertext),
      fingerprint,
    ],
  );
  return rowCount ?? 0;
}

/** Deletes replaced shared secrets whose time to sign is over, and returns their number. */
export async function wipeOldSecrets(pool: Pool): Promise<number> {
  const { rowCount } = await pool.query('DELETE FROM hookgraph.secrets WHERE expires_at <= now()');
  return rowCount ?? 0;
}

function rowsOf(secrets: Secrets): Map<string, { text: string; expiresAt: Date | null }> {
  const rows = new Map<string, { text: string; expiresAt: Date | null }>();
  const { oldSecrets = [], ...current } = secrets;
  for (const [field, value] of Object.entries(current))
    if (value !== undefined) rows.set(field, { text: codecOf(field).write(value), expiresAt: null });
  for (const old of oldSecrets) rows.set(fieldOfOld(old), { text: old.secret, expiresAt: old.endsAt });
  return rows;
}

/** Returns every text in the secrets, so that it can be removed from recorded responses. */
export function textsOf(secrets: unknown): string[] {
  if (typeof secrets === 'string') return [secrets];
  return secrets !== null && typeof secrets === 'object' ? Object.values(secrets).flatMap(textsOf) : [];
}

export function placeOfSecret(subscriptionId: string, field: string): SecretPlace {
  return { table: 'hookgraph.secrets', row: subscriptionId, field };
}
