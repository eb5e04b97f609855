// Verifies received webhooks: that Hookgraph signed them, recently, with one of the receiver's secrets.
import { verifyHttpMessageSignatures } from './http-message-signatures.js';
import { type Claim, type Code, readMessage, type Verdict, type VerifyOptions } from './message.js';
import { verifyScalr } from './scalr.js';
import { verifyScope } from './scope.js';
import { verifyServo } from './servo.js';
import { verifyStandardWebhooks } from './standard-webhooks.js';
import { verifyUp42 } from './up42.js';

export type { Code, Covered, HeadersLike, VerifyOptions } from './message.js';

const SCHEMES = {
  SCOPE: verifyScope,
  STANDARD_WEBHOOKS: verifyStandardWebhooks,
  HTTP_MESSAGE_SIGNATURES: verifyHttpMessageSignatures,
  UP42: verifyUp42,
  SCALR: verifyScalr,
  SERVO: verifyServo,
};

export type Scheme = keyof typeof SCHEMES;

export interface Verified extends Claim {
  ok: true;
  scheme: Scheme;
  /** The parsed body if it is JSON, else `undefined`. */
  payload: unknown;
}

export interface Refused {
  ok: false;
  /** A stable code, for programs. */
  code: Code;
  /** A message for the receiver's log. Never send it back to the sender of the request. */
  message: string;
}

export type VerifyResult = Verified | Refused;

/**
 * Verifies that a request was signed recently over exactly this body, in the given scheme and with one of the secrets.
 * Returns a refusal for an invalid request, and throws only for misuse. Signatures are compared in constant time.
 *
 * The receiver chooses the scheme. It is never read from the request, because a forger would choose the weakest.
 *
 * @throws TypeError for misuse: no secret, a secret of another scheme, a parsed body, or a missing `url`
 */
export function verifyWebhook(options: VerifyOptions & { scheme: Scheme }): VerifyResult {
  const { scheme, toleranceSeconds = 300, now = () => new Date() } = options;
  if (!Object.hasOwn(SCHEMES, scheme)) throw new TypeError(`scheme must be one of ${Object.keys(SCHEMES).join(', ')}.`);
  if (!(toleranceSeconds >= 0)) throw new TypeError('toleranceSeconds must be 0 or more.');
  const message = readMessage(options);
  const verdict: Verdict = SCHEMES[scheme](message, secretsOf(options.secret));
  if ('code' in verdict) return { ok: false, ...verdict };
  const ageSeconds = (now().getTime() - verdict.timestamp.getTime()) / 1000;
  if (ageSeconds > toleranceSeconds) return refused('TIMESTAMP_STALE', `The request was sent ${Math.round(ageSeconds)} seconds ago.`);
  if (ageSeconds < -toleranceSeconds)
    return refused(
      'TIMESTAMP_IN_FUTURE',
      `The request is dated ${Math.round(-ageSeconds)} seconds in the future. Is the clock of this machine correct?`,
    );
  return { ok: true, scheme, ...verdict, payload: parsed(message.header('content-type'), message.body) };
}

const refused = (code: Code, message: string): Refused => ({ ok: false, code, message });

function secretsOf(secret: string | readonly string[]): readonly string[] {
  const secrets = typeof secret === 'string' ? [secret] : secret;
  if (!Array.isArray(secrets) || secrets.length === 0 || secrets.some((one) => typeof one !== 'string' || one === ''))
    throw new TypeError(
      'secret must be the shared secret or, while it is being rotated, a list of the valid secrets; no secret may be empty.',
    );
  return secrets;
}

function parsed(contentType: string | null, body: Buffer): unknown {
  if (!/^\s*application\/([\w.!#$&^+-]+\+)?json\s*(;|$)/i.test(contentType ?? '')) return undefined;
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
