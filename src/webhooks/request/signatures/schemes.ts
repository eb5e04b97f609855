// Lists all signature schemes, signs requests with them, and checks that a secret fits the chosen schemes.
import type { Problem } from '../../base/errors.js';
import type { SignatureScheme } from '../../base/model.js';
import { httpMessageSignatures } from './http-message-signatures.js';
import { scalr } from './scalr.js';
import type { Scheme, Unsigned } from './scheme.js';
import { scope } from './scope.js';
import { servo } from './servo.js';
import { readKey, standardWebhooks } from './standard-webhooks.js';
import { up42 } from './up42.js';

const SCHEMES: Record<SignatureScheme, Scheme> = {
  SCOPE: scope,
  STANDARD_WEBHOOKS: standardWebhooks,
  HTTP_MESSAGE_SIGNATURES: httpMessageSignatures,
  UP42: up42,
  SCALR: scalr,
  SERVO: servo,
};

const ALWAYS: readonly SignatureScheme[] = ['SCOPE'];

/**
 * Returns the signature headers of the chosen schemes and, unless the secret is a private key, of SCOPE. `secrets`: all secrets that sign
 * at present, newest first. A scheme that can send only one signature uses the oldest secret, which the receiver certainly knows.
 */
export function signRequest(chosen: readonly SignatureScheme[], request: Unsigned, secrets: readonly string[]): Record<string, string> {
  const oldest = secrets.at(-1);
  if (oldest === undefined) return {};
  const headers: Record<string, string> = {};
  for (const name of chosen.length === 0 ? ALWAYS : new Set([...ALWAYS, ...chosen])) {
    if (name !== 'STANDARD_WEBHOOKS' && isPrivateKey(chosen, oldest)) continue;
    const scheme = SCHEMES[name];
    Object.assign(headers, scheme.sign(request, scheme.severalSecrets ? secrets : [oldest]));
  }
  return headers;
}

/** Returns the reasons why the chosen schemes can't sign with the secret. `secret` is `null` when the subscription has none. */
export function signatureProblems(chosen: readonly SignatureScheme[], secret: string | null): Problem[] {
  const problems: Problem[] = [];
  if (chosen.includes('UP42') && chosen.includes('HTTP_MESSAGE_SIGNATURES'))
    problems.push({
      field: 'signatures',
      message:
        "can't contain both UP42 and HTTP_MESSAGE_SIGNATURES, which set the Signature header in different formats; create two subscriptions",
    });
  const needing = chosen.filter((name) => name !== 'SCOPE');
  if (secret === null) {
    if (needing.length > 0) {
      const example = chosen.includes('STANDARD_WEBHOOKS') ? ', e.g. `whsec_` and the output of `openssl rand -base64 32`' : '';
      problems.push({
        field: 'sharedSecret',
        message: `can't be blank: ${needing.join(' and ')} needs it to sign${example}`,
        type: 'BLANK',
      });
    }
    return problems;
  }
  if (!chosen.includes('STANDARD_WEBHOOKS')) return problems;
  const key = readKey(secret);
  if ('problem' in key) problems.push({ field: 'sharedSecret', message: key.problem });
  else if (key.kind === 'ed25519') {
    const others = chosen.filter((name) => name !== 'STANDARD_WEBHOOKS');
    if (others.length > 0)
      problems.push({
        field: 'sharedSecret',
        message: `is a private key (whsk_…), which can sign only with STANDARD_WEBHOOKS. Choose a shared secret for ${others.join(' and ')}, or sign with STANDARD_WEBHOOKS alone`,
      });
  } else if (key.bytes.length < 24 || key.bytes.length > 64)
    problems.push({
      field: 'sharedSecret',
      message: `is read as base64, and decodes to ${key.bytes.length} ${key.bytes.length === 1 ? 'byte' : 'bytes'}; Standard Webhooks recommends 24 to 64`,
      severity: 'warning',
    });
  return problems;
}

/** Returns the public key with which a receiver verifies signatures; `null` unless the secret is a private key. */
export function publicKeyOf(chosen: readonly SignatureScheme[], secret: string | null): string | null {
  if (secret === null || !isPrivateKey(chosen, secret)) return null;
  const key = readKey(secret);
  return 'publicKey' in key ? key.publicKey : null;
}

/** Whether the secret is a private key. Only STANDARD_WEBHOOKS gives the prefix `whsk_` this meaning. */
function isPrivateKey(chosen: readonly SignatureScheme[], secret: string): boolean {
  return chosen.includes('STANDARD_WEBHOOKS') && secret.startsWith('whsk_');
}
