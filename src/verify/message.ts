// What a receiver has of a request, in any of its frameworks' forms -> the message that the schemes verify.
import { timingSafeEqual } from 'node:crypto';

/** `Headers` of the Fetch API, or an object such as Node's `request.headers`; names are looked up without case. */
export type HeadersLike = { get(name: string): string | null } | Readonly<Record<string, string | readonly string[] | undefined>>;

export interface VerifyOptions {
  /** The shared secret (of `v1a` signatures: the public key `whpk_…`), or all that are in force while it is being rotated. */
  secret: string | readonly string[];
  headers: HeadersLike;
  /** The bytes as they came, before anything parsed them. */
  body: string | Uint8Array | ArrayBuffer;
  /** How old, or how far ahead, a request may be; default 300. */
  toleranceSeconds?: number;
  now?: () => Date;
  /** Of Hookgraph's own headers; default `X-Scope-`. */
  headerPrefix?: string;
  /** HTTP_MESSAGE_SIGNATURES: default `POST`. */
  method?: string;
  /** HTTP_MESSAGE_SIGNATURES: the address that the request was sent to, as the subscription's `callbackUrl` has it. */
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
  /** It is signed, but not all that must be. */
  | 'NOT_COVERED';

/** What a signature vouches for. */
export type Covered = 'body' | 'timestamp' | 'id' | 'topic';

/** What a request whose signature is right says. */
export interface Claim {
  /** The delivery: the same on every retry. Believe it where `covers` has it. */
  id: string | null;
  /** E.g. `user/created`. Believe it where `covers` has it. */
  topic: string | null;
  covers: readonly Covered[];
  /** When the attempt was sent. */
  timestamp: Date;
}

export type Verdict = Claim | { code: Code; message: string };

export interface Message {
  /** By its name in any case; several of one name are joined by a comma. */
  header(name: string): string | null;
  /** One of Hookgraph's own, e.g. `Time`. */
  own(name: string): string | null;
  /** Its whole name, in lower case. */
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

/** Tells nothing by the time it takes but the length. */
export function isSame(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Whether any of the secrets makes what was given; always tries all of them. */
export function anyMakes(secrets: readonly string[], make: (secret: string) => string, given: string): boolean {
  return secrets.map((secret) => isSame(make(secret), given)).includes(true);
}

/** The time that an own header holds, in exactly the form that Hookgraph writes. */
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
    'body must be the raw body: a Buffer, Uint8Array, ArrayBuffer or string. A parsed one can not be verified, since writing it out again ' +
      'need not give the same bytes: read the body before a JSON parser does, e.g. with express.raw({ type: "*/*" }).',
  );
}
