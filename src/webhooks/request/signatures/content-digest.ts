// Computes the value of the header `Content-Digest`: https://www.rfc-editor.org/rfc/rfc9530
import { createHash } from 'node:crypto';

export const contentDigest = (body: Uint8Array): string => `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
