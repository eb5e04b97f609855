// Reads a request's body of at most 1 MiB.
import type { IncomingMessage } from 'node:http';

export const LIMIT_BYTES = 1024 * 1024;

export class BodyTooLarge extends Error {
  override name = 'BodyTooLarge';
  constructor() {
    super(`The body is larger than ${LIMIT_BYTES} bytes, which is the limit.`);
  }
}

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > LIMIT_BYTES) throw refuse(request);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > LIMIT_BYTES) throw refuse(request);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Discards the rest of the body, so that the client gets to read the response. */
function refuse(request: IncomingMessage): BodyTooLarge {
  request.resume();
  return new BodyTooLarge();
}
