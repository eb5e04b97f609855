// Signs by SCALR (docs/wire-formats.md#signatures): hex(HMAC-SHA256(key, body bytes + the text of `Date` by RFC 7231)).
import { createHmac } from 'node:crypto';
import type { Scheme } from './scheme.js';

export const scalr: Scheme = {
  severalSecrets: false,
  sign({ body, at }, [secret = '']) {
    const date = at.toUTCString();
    return { Date: date, 'X-Signature': createHmac('sha256', secret).update(body).update(date).digest('hex') };
  },
};
