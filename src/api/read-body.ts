// A request in, its whole body out; more than a megabyte is refused.
import type { IncomingMessage } from 'node:http';

export const LIMIT_BYTES = 1024 * 1024;

export class BodyTooLarge extends Error {
  override name = 'BodyTooLarge';
  constructor() {
    super(`The body is larger than ${LIMIT_BYTES} bytes.`);
  }
}

/** By events: an iterator of the request costs as much as reading a small one. */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > LIMIT_BYTES) return reject(refuse(request));
    // Neither its end nor its failure would be told any more.
    if (request.destroyed) return reject(new Error('The client went away.'));
    const chunks: Buffer[] = [];
    let bytes = 0;
    const take = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= LIMIT_BYTES) return void chunks.push(chunk);
      request.off('data', take);
      reject(refuse(request));
    };
    request.on('data', take);
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
    request.on('close', () => reject(new Error('The client went away.')));
  });
}

/** What is still on its way is let go by, so that the client gets to read the answer. */
function refuse(request: IncomingMessage): BodyTooLarge {
  request.resume();
  return new BodyTooLarge();
}
