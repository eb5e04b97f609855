// Signs requests by Standard Webhooks 1.0.0: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
import { createHmac, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { type Scheme, secondsOf } from './scheme.js';

export type Key = { kind: 'hmac'; bytes: Buffer } | { kind: 'ed25519'; privateKey: KeyObject; publicKey: string };

/** The first bytes of a PKCS #8 private key, before the 32 bytes of an ed25519 seed: https://www.rfc-editor.org/rfc/rfc8410 */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const HOW_TO = 'write `whsec_` and the base64 of 24 to 64 random bytes, e.g. of `openssl rand -base64 32`';

/**
 * Parses a secret. As in the official libraries, base64 is an HMAC key, with or without the prefix `whsec_`. Base64 after `whsk_` is an
 * ed25519 seed, optionally followed by its public key.
 */
export function readKey(secret: string): Key | { problem: string } {
  if (secret.startsWith('whpk_')) return { problem: 'is a public key; give the private key, which starts with `whsk_`' };
  if (secret.startsWith('whsk_')) return readPrivateKey(decode(secret.slice('whsk_'.length)));
  const prefixed = secret.startsWith('whsec_');
  const bytes = decode(prefixed ? secret.slice('whsec_'.length) : secret);
  if (bytes) return { kind: 'hmac', bytes };
  return { problem: prefixed ? `has no padded base64 after \`whsec_\`: ${HOW_TO}` : `is not a Standard Webhooks secret: ${HOW_TO}` };
}

export const standardWebhooks: Scheme = {
  severalSecrets: true,
  sign({ messageId, at, body }, secrets) {
    const timestamp = String(secondsOf(at));
    const start = Buffer.from(`${messageId}.${timestamp}.`);
    // Leaves out old secrets that are not Standard Webhooks keys, because they were saved before this scheme was chosen.
    const keys = secrets.map(readKey).filter((key) => 'kind' in key);
    if (keys.length === 0) throw new Error('Signing failed: the subscription has no Standard Webhooks secret.');
    return {
      'webhook-id': messageId,
      'webhook-timestamp': timestamp,
      'webhook-signature': keys
        .map((key) =>
          key.kind === 'hmac'
            ? `v1,${createHmac('sha256', key.bytes).update(start).update(body).digest('base64')}`
            : `v1a,${sign(null, Buffer.concat([start, body]), key.privateKey).toString('base64')}`,
        )
        .join(' '),
    };
  },
};

function readPrivateKey(bytes: Buffer | null): Key | { problem: string } {
  if (bytes?.length !== 32 && bytes?.length !== 64)
    return {
      problem: 'has no ed25519 key after `whsk_`: write the base64 of the 32-byte seed, alone or followed by the 32-byte public key',
    };
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8, bytes.subarray(0, 32)]), format: 'der', type: 'pkcs8' });
  const own = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32);
  if (bytes.length === 64 && !own.equals(bytes.subarray(32)))
    return { problem: 'contains a public key that does not belong to its private key' };
  return { kind: 'ed25519', privateKey, publicKey: `whpk_${own.toString('base64')}` };
}

/** Decodes base64. Returns `null` unless the text is canonical, because decoders disagree about other forms. */
function decode(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length > 0 && bytes.toString('base64') === text ? bytes : null;
}
