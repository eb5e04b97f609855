// Decodes a compressed response body up to a limit: https://www.rfc-editor.org/rfc/rfc9110#section-8.4
import { isUtf8 } from 'node:buffer';
import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { parseMediaType } from '../../../runtime/media-type.js';
import { MAX_RESPONSE_BYTES, type Reply } from '../destination.js';

/** Maximum number of codings, such as gzip, that were applied to one body. Receivers have no use for more, and decoding each costs time. */
const MAX_CODINGS = 3;

// These options make the decoders accept incomplete input, because a body may be cut off at MAX_RESPONSE_BYTES.
const GZIP = { finishFlush: zlib.constants.Z_SYNC_FLUSH };
const BROTLI = { finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH };

/**
 * Sets the body of a reply, and decompresses it if necessary. Returns a promise only for a compressed body, because nearly all bodies are
 * not compressed.
 */
export function withBody(reply: Reply, bytes: Buffer): Reply | Promise<Reply> {
  const { headers } = reply;
  const codings = headers['content-encoding'] === undefined && headers['transfer-encoding'] === undefined ? [] : codingsOf(headers);
  if (codings.length > 0 && bytes.length > 0) return decodeInto(reply, bytes, codings);
  reply.body = textOf(bytes.subarray(0, MAX_RESPONSE_BYTES), headers);
  return reply;
}

async function decodeInto(reply: Reply, bytes: Buffer, codings: string[]): Promise<Reply> {
  const decoded = await decodeBody(bytes, codings, MAX_RESPONSE_BYTES);
  if (typeof decoded !== 'string') reply.body = textOf(decoded, reply.headers);
  // Some servers declare an encoding that the body doesn't have: a charset, `none`, or one that a proxy has removed. Text isn't compressed.
  else if (isText(bytes)) reply.body = textOf(bytes.subarray(0, MAX_RESPONSE_BYTES), reply.headers);
  else reply.flaw = decoded;
  return reply;
}

/** Whether the bytes are UTF-8 without control characters. The last character may be cut off in a body that is read up to its limit. */
function isText(bytes: Buffer): boolean {
  const cuts = bytes.length < MAX_RESPONSE_BYTES ? [0] : [0, 1, 2, 3];
  return cuts.some((cut) => isUtf8(bytes.subarray(0, bytes.length - cut))) && /^[\t\n\r\f -~\x80-\xff]*$/.test(bytes.toString('latin1'));
}

/**
 * Decodes a body by the charset of its Content-Type, or as UTF-8 if that is missing or unknown. A byte order mark of UTF-16 wins over the
 * Content-Type: https://encoding.spec.whatwg.org/#decode. Drops a byte order mark.
 */
function textOf(bytes: Buffer, headers: Record<string, string>): string {
  const charset =
    utf16Of(bytes) ?? (/charset/i.test(headers['content-type'] ?? '') ? parseMediaType(headers['content-type'])?.charset : null);
  if (charset && charset !== 'utf-8') {
    try {
      return new TextDecoder(charset).decode(bytes);
    } catch {
      // The charset is unknown.
    }
  }
  const text = bytes.toString('utf8');
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

function utf16Of(bytes: Buffer): string | null {
  const mark = bytes.length < 2 ? 0 : bytes.readUInt16BE(0);
  return mark === 0xfffe ? 'utf-16le' : mark === 0xfeff ? 'utf-16be' : null;
}

/**
 * Returns the codings of a response, such as `gzip`, in the order in which they were applied. Leaves out `chunked`, which the HTTP client
 * decodes.
 */
function codingsOf(headers: Record<string, string>): string[] {
  const all = `${headers['content-encoding'] ?? ''},${headers['transfer-encoding'] ?? ''}`.toLowerCase().split(',');
  return all.map((coding) => coding.trim()).filter((coding) => coding !== '' && coding !== 'identity' && coding !== 'chunked');
}

/**
 * Returns at most `limit` bytes of the decoded body, or a message that says why it can't be decoded. The cost is linear in `bytes` and
 * `limit`.
 */
async function decodeBody(bytes: Buffer, codings: string[], limit: number): Promise<Buffer | string> {
  if (codings.length > MAX_CODINGS)
    return `The body is encoded ${codings.length} times; Hookgraph decodes at most ${MAX_CODINGS} encodings.`;
  let decoded = bytes;
  for (const coding of [...codings].reverse()) {
    if (decoded.length === 0) break;
    const decoder = decoderOf(coding, decoded);
    if (decoder === null) return 'The body has an encoding (Content-Encoding or Transfer-Encoding) that Hookgraph does not decode.';
    try {
      decoded = await readAll(decoder, decoded, limit);
    } catch {
      return `The body is not valid ${coding}, although the response's headers say so.`;
    }
  }
  return decoded;
}

function decoderOf(coding: string, bytes: Buffer): Transform | null {
  if (coding === 'gzip' || coding === 'x-gzip') return zlib.createGunzip(GZIP);
  // "deflate" is the zlib format, but many servers send raw deflate data: https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1.2
  if (coding === 'deflate') return ((bytes[0] as number) & 15) === 8 ? zlib.createInflate(GZIP) : zlib.createInflateRaw(GZIP);
  if (coding === 'br') return zlib.createBrotliDecompress(BROTLI);
  // Node has createZstdDecompress from 22.15 on.
  const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Transform };
  return coding === 'zstd' && createZstdDecompress ? createZstdDecompress() : null;
}

function readAll(decoder: Transform, bytes: Buffer, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const end = () => {
      resolve(Buffer.concat(chunks).subarray(0, limit));
      decoder.destroy();
    };
    decoder
      .on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size >= limit) end();
      })
      .on('end', end)
      .on('error', reject);
    decoder.end(bytes);
  });
}
