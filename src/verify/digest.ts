// Verifies the `Content-Digest` header that Hookgraph sends, which https://www.rfc-editor.org/rfc/rfc9530 defines.
import { createHash } from 'node:crypto';
import { isSame, type Message } from './message.js';

/** Whether the request's digest matches its raw body. */
export function isDigestRight(message: Message): boolean {
  const digest = createHash('sha256').update(message.body).digest('base64');
  return isSame(`sha-256=:${digest}:`, message.header('content-digest') ?? '');
}

export const DIGEST_WRONG = { code: 'DIGEST_WRONG', message: 'The body does not match the signed digest.' } as const;
