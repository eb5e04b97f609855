// Secrets of a subscription <-> sealed rows, one per field.
import { isDeepStrictEqual } from 'node:util';
import type { PoolClient } from 'pg';
import { WebhooksError } from './errors.js';
import type { SecretField, Secrets } from './model.js';
import { keyForSealing, type SecretPlace, type Vault } from './vault.js';

interface Codec<T> {
  write(value: T): string;
  read(text: string): T;
}

const TEXT: Codec<string> = { write: (text) => text, read: (text) => text };
const json = <T>(): Codec<T> => ({ write: (value) => JSON.stringify(value), read: (text) => JSON.parse(text) });

/** What is sealed of each field. A new secret is a line here. */
const CODECS: { [F in SecretField]-?: Codec<NonNullable<Secrets[F]>> } = {
  sharedSecret: TEXT,
  headers: json(),
  auth: json(),
};
const FIELDS = Object.keys(CODECS) as SecretField[];

export interface SealedRow {
  field: string;
  /** base64 */
  ciphertext: string;
  fingerprint: string;
}

/** A column of rows for openSecrets, of the subscription `s`. */
export const SEALED = `(SELECT coalesce(jsonb_agg(jsonb_build_object('field', x.field, 'ciphertext', encode(x.ciphertext, 'base64'), 'fingerprint', x.fingerprint)), '[]')
  FROM hookgraph.secrets x WHERE x.subscription_id = s.id) AS sealed`;

/** Throws WebhooksError where one doesn't open. A key that came after this process started is looked for once. */
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
  for (const { field, ciphertext, fingerprint } of sealed) {
    if (!isField(field)) continue;
    const text = vault.open(placeOfSecret(subscriptionId, field), Buffer.from(ciphertext, 'base64'), fingerprint);
    Object.assign(secrets, { [field]: CODECS[field].read(text) });
  }
  return secrets;
}

/** Seals what differs from before, and wipes what is no more. */
export async function writeSecrets(client: PoolClient, vault: Vault, id: string, before: Secrets, after: Secrets): Promise<void> {
  for (const field of FIELDS) {
    if (isDeepStrictEqual(before[field], after[field])) continue;
    const text = after[field] === undefined ? null : (CODECS[field] as Codec<unknown>).write(after[field]);
    if (text === null) {
      await client.query('DELETE FROM hookgraph.secrets WHERE subscription_id = $1 AND field = $2', [id, field]);
      continue;
    }
    const { ciphertext, fingerprint } = vault.seal(placeOfSecret(id, field), text, await keyForSealing(client, vault));
    await client.query(
      `INSERT INTO hookgraph.secrets (subscription_id, field, ciphertext, fingerprint) VALUES ($1, $2, $3, $4)
       ON CONFLICT (subscription_id, field) DO UPDATE SET ciphertext = excluded.ciphertext, fingerprint = excluded.fingerprint, updated_at = now()`,
      [id, field, ciphertext, fingerprint],
    );
  }
}

/** Every text in them that an answer must not repeat. */
export function textsOf(secrets: unknown): string[] {
  if (typeof secrets === 'string') return [secrets];
  return secrets !== null && typeof secrets === 'object' ? Object.values(secrets).flatMap(textsOf) : [];
}

export function placeOfSecret(subscriptionId: string, field: string): SecretPlace {
  return { table: 'hookgraph.secrets', row: subscriptionId, field };
}

const isField = (field: string): field is SecretField => Object.hasOwn(CODECS, field);
