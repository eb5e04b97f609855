// Signs requests by the scheme SCALR (docs/wire-formats.md#signatures): hex(HMAC-SHA256(secret, body bytes + value of the header Date)).
import { createHmac } from 'node:crypto';
import type { Scheme } from './scheme.js';

export const scalr: Scheme = {
  severalSecrets: false,
  sign({ body, at }, [secret = '']) {
    const date = at.toUTCString();
    return { Date: date, 'X-Signature': createHmac('sha256', secret).update(body).update(date).digest('hex') };
  },
};
