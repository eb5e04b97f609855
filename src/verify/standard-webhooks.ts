// Verifies STANDARD_WEBHOOKS 1.0.0 signatures: HMAC-SHA256 (`v1`) or ed25519 (`v1a`) over "id.timestamp.body". Spaces
// separate several signatures in the header.
import { createHmac, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { isSame, type Message, readSeconds, type Verdict } from './message.js';

/**
 * The DER prefix that Node needs to import a raw ed25519 public key, as https://www.rfc-editor.org/rfc/rfc8410 defines
 * it.
 */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

type Key = Buffer | KeyObject;

export function verifyStandardWebhooks(message: Message, secrets: readonly string[]): Verdict {
  const keys = secrets.map(readKey);
  const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => message.header(name));
  if (!signatures) return { code: 'SIGNATURE_MISSING', message: 'The request has no signature.' };
  const time = readSeconds(timestamp ?? '');
  if (!time) return { code: 'TIMESTAMP_MISSING', message: 'The request has no header webhook-timestamp in Unix seconds.' };
  // Refuses an id with a dot: the signed text is "id.timestamp.body", so such an id could shift the boundary to the
  // timestamp.
  if (!id || id.includes('.'))
    return { code: 'SIGNATURE_MALFORMED', message: 'The request has no header webhook-id, or its webhook-id contains a dot.' };
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), message.body]);
  const given = signatures.split(' ');
  const isRight = keys.flatMap((key) => given.map((signature) => isBy(key, signed, signature))).includes(true);
  if (!isRight) return { code: 'SIGNATURE_WRONG', message: 'No signature matches this id, timestamp, body and secret.' };
  return { id, topic: message.own('Topic'), covers: ['body', 'timestamp', 'id'], timestamp: time };
}

function isBy(key: Key, signed: Buffer, signature: string): boolean {
  if (Buffer.isBuffer(key)) return isSame(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`, signature);
  const bytes = signature.startsWith('v1a,') ? decode(signature.slice('v1a,'.length)) : null;
  return bytes?.length === 64 && verify(null, signed, key, bytes);
}

function readKey(secret: string): Key {
  if (secret.startsWith('whsk_')) throw new TypeError('secret is a private key; a receiver needs the public key, which starts with whpk_.');
  const bytes = decode(secret.replace(/^wh(sec|pk)_/, ''));
  if (!bytes)
    throw new TypeError('secret is not a Standard Webhooks secret: it must be whsec_ and base64 or, for v1a signatures, whpk_ and base64.');
  if (!secret.startsWith('whpk_')) return bytes;
  if (bytes.length !== 32) throw new TypeError('secret contains no ed25519 public key: whpk_ must be followed by the base64 of 32 bytes.');
  return createPublicKey({ key: Buffer.concat([SPKI, bytes]), format: 'der', type: 'spki' });
}

/** Decodes canonical base64 only; `null` for any other text. */
function decode(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length > 0 && bytes.toString('base64') === text ? bytes : null;
}
