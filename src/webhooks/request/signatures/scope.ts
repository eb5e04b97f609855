// Signs requests by the scheme SCOPE (docs/wire-formats.md#signatures): base64(HMAC-SHA256(shared secret, exact body bytes)).
import { createHmac } from 'node:crypto';
import type { Scheme } from './scheme.js';

/** Returns the value of `X-Scope-Hmac-Sha256`. */
export const signScope = (secret: string, body: Uint8Array): string => createHmac('sha256', secret).update(body).digest('base64');

export const scope: Scheme = {
  severalSecrets: false,
  sign: ({ headerPrefix, body }, [secret = '']) => ({ [`${headerPrefix}Hmac-Sha256`]: signScope(secret, body) }),
};
