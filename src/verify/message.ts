// Reads a request, in the form of any HTTP framework, into the message that the schemes verify.
import { timingSafeEqual } from 'node:crypto';

/** `Headers` of the Fetch API, or an object such as Node's `request.headers`. Names are case-insensitive. */
export type HeadersLike = { get(name: string): string | null } | Readonly<Record<string, string | readonly string[] | undefined>>;

export interface VerifyOptions {
  /** The shared secret, or all valid secrets during a rotation. For `v1a` signatures: the public key `whpk_…`. */
  secret: string | readonly string[];
  headers: HeadersLike;
  /** The body's raw bytes, before any parsing. */
  body: string | Uint8Array | ArrayBuffer;
  /** Maximum difference between the request's time and now, in seconds, in either direction. Default: 300. */
  toleranceSeconds?: number;
  /** Returns the current time. Default: the system's clock. */
  now?: () => Date;
  /** The prefix of Hookgraph's own headers. Default: `X-Scope-`. */
  headerPrefix?: string;
  /** The request's method, for HTTP_MESSAGE_SIGNATURES. Default: `POST`. */
  method?: string;
  /** For HTTP_MESSAGE_SIGNATURES: the URL that the request was sent to, as in the subscription's `callbackUrl`. */
  url?: string | URL;
}

export type Code =
  | 'SIGNATURE_MISSING'
  | 'SIGNATURE_MALFORMED'
  | 'SIGNATURE_WRONG'
  | 'TIMESTAMP_MISSING'
  | 'TIMESTAMP_STALE'
  | 'TIMESTAMP_IN_FUTURE'
  | 'DIGEST_WRONG'
  /** The signature is valid, but a required part isn't signed. */
  | 'NOT_COVERED';

/** The parts of a request that a signature can protect. */
export type Covered = 'body' | 'timestamp' | 'id' | 'topic';

/** The claims of a request with a valid signature. */
export interface Claim {
  /** The delivery's id, the same for every retry. Trust it only if `covers` includes 'id'. */
  id: string | null;
  /** The topic, e.g. `user/created`. Trust it only if `covers` includes 'topic'. */
  topic: string | null;
  /** The parts of the request that the signature protects. */
  covers: readonly Covered[];
  /** The time when the attempt was sent. */
  timestamp: Date;
}

export type Verdict = Claim | { code: Code; message: string };

export interface Message {
  /** A header by its case-insensitive name. Several values are joined by a comma. */
  header(name: string): string | null;
  /** One of Hookgraph's own headers by its name without prefix, e.g. `Time`. */
  own(name: string): string | null;
  /** The full name of one of Hookgraph's own headers, in lower case. */
  nameOfOwn(name: string): string;
  body: Buffer;
  method: string;
  url: URL | null;
}

export function readMessage({ headers, body, headerPrefix = 'X-Scope-', method = 'POST', url }: VerifyOptions): Message {
  const header = headerReader(headers);
  const nameOfOwn = (name: string) => `${headerPrefix}${name}`.toLowerCase();
  return {
    header,
    own: (name) => header(nameOfOwn(name)),
    nameOfOwn,
    body: bytesOf(body),
    method,
    url: url === undefined ? null : new URL(url),
  };
}

/** Compares two texts in constant time; the duration reveals only their length. */
export function isSame(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Whether any secret produces the given signature. Always tries all secrets, in constant time. */
export function anyMakes(secrets: readonly string[], make: (secret: string) => string, given: string): boolean {
  return secrets.map((secret) => isSame(make(secret), given)).includes(true);
}

/** Parses a time like 2026-11-22T18:30:00.000Z, the form that Hookgraph writes; `null` for any other form. */
export function readIsoTime(text: string): Date | null {
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.toISOString() === text ? time : null;
}

export const readSeconds = (text: string): Date | null => (/^[1-9]\d{0,10}$/.test(text) ? new Date(Number(text) * 1000) : null);

function headerReader(headers: HeadersLike): Message['header'] {
  if (headers === null || typeof headers !== 'object') throw new TypeError('headers must be a Headers object or an object of headers.');
  if (typeof headers.get === 'function') {
    const { get } = headers as { get(name: string): string | null };
    return (name) => get.call(headers, name) ?? null;
  }
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    const lower = name.toLowerCase();
    values.set(lower, [values.get(lower) ?? [], value].flat().join(', '));
  }
  return (name) => values.get(name.toLowerCase()) ?? null;
}

function bytesOf(body: unknown): Buffer {
  if (typeof body === 'string') return Buffer.from(body, 'utf8');
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (body instanceof ArrayBuffer) return Buffer.from(body);
  throw new TypeError(
    'body must be the raw body: a Buffer, Uint8Array, ArrayBuffer or string. A parsed body can not be verified, because serializing it again ' +
      'may produce other bytes. Read the body before a JSON parser does, e.g. with express.raw({ type: "*/*" }).',
  );
}
