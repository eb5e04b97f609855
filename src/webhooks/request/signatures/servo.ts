// Signs requests by the scheme SERVO (docs/wire-formats.md#signatures): hex(HMAC-SHA1(secret, exact body bytes)).
import { createHmac } from 'node:crypto';
import type { Scheme } from './scheme.js';

export const servo: Scheme = {
  severalSecrets: false,
  sign: ({ body }, [secret = '']) => ({ 'X-Servo-Signature': createHmac('sha1', secret).update(body).digest('hex') }),
};
