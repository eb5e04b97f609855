// Redacts the secrets of a request from the response, in every encoding in which a receiver or token endpoint may repeat them.
import type { Compiled } from '../base/compiled.js';
import { type Budget, createFinder, type Finder, MAX_OPERATIONS, MIN_LENGTH } from '../base/recording/find-texts.js';
import { escapeXml } from '../base/templates/rendering.mjs';
import { secretsOf } from './auth/credentials.js';

type Secretive = Pick<Compiled, 'secretTexts' | 'auth'>;

const REDACTED = '[redacted]';
/** Recorded instead of a text of the response when searching it for secrets would take more operations than are left. */
const NOT_RECORDED = '[not recorded]';

/**
 * Redacts secrets of the subscription in a response before anything else reads or records it, because some receivers return the request
 * that they got.
 */
export function redactEcho<
  T extends { kind: string; headers?: Record<string, string>; body?: string; message?: string; explanation?: string },
>(
  compiled: Secretive,
  answer: T,
  /** OAuth tokens that were fetched for this request and sent with it. */
  tokens: string[] = [],
  budget: Budget = { left: MAX_OPERATIONS },
): T {
  const finder = finderOf(compiled, tokens);
  if (finder === null) return answer;
  const clean = cleanerWith(finder, budget);
  const { headers: hadHeaders, message: hadMessage, explanation: hadExplanation, body: hadBody } = answer;
  // Headers are redacted first: searching a large body could use up the allowed operations, and the header `Retry-After` is needed to judge
  // the response.
  const headers = hadHeaders && cleanHeaders(hadHeaders, clean);
  const message = hadMessage && clean(hadMessage);
  const explanation = hadExplanation && clean(hadExplanation);
  const body = hadBody && clean(hadBody);
  if (headers === hadHeaders && message === hadMessage && explanation === hadExplanation && body === hadBody) return answer;
  return {
    ...answer,
    ...(headers !== undefined && { headers }),
    ...(message !== undefined && { message }),
    ...(explanation !== undefined && { explanation }),
    ...(body !== undefined && { body }),
  };
}

/** Returns a function that redacts secrets from texts. All its calls together may use MAX_OPERATIONS search operations. */
export function createCleaner(secrets: readonly string[]): (text: string) => string {
  const finder = createFinder(secrets.filter(isLong).flatMap(writingsOf));
  return cleanerWith(finder);
}

function cleanerWith(finder: Finder, budget: Budget = { left: MAX_OPERATIONS }): (text: string) => string {
  return (text) => (isLong(text) ? (finder.replace(text, REDACTED, budget) ?? NOT_RECORDED) : text);
}

/** Redacts names and values of headers. Returns the same object if they contain no secret, which is the usual case. */
function cleanHeaders(headers: Record<string, string>, clean: (text: string) => string): Record<string, string> {
  let changed = false;
  const cleaned: [string, string][] = [];
  for (const name in headers) {
    const value = headers[name] as string;
    const pair: [string, string] = [clean(name), clean(value)];
    changed ||= pair[0] !== name || pair[1] !== value;
    cleaned.push(pair);
  }
  return changed ? Object.fromEntries(cleaned) : headers;
}

/** Whether a text is long enough to be redacted. Redacting shorter secrets would also redact ordinary words. */
const isLong = (text: string): boolean => text.length >= MIN_LENGTH;

interface Known {
  /** Finds the secrets of the definition; `null` when there are none. */
  own: Finder | null;
  /** Finds the secrets of the definition and the tokens of the last request; `null` when there are none. */
  finder: Finder | null;
  tokens: string[];
}

/**
 * Caches the finders of each compiled definition. The finder of its own secrets is kept, because preparing it takes up to 100 ms. The
 * finder with tokens is replaced when the token endpoint returns another token, maybe for each request.
 */
const known = new WeakMap<Secretive, Known>();

function finderOf(compiled: Secretive, tokens: string[]): Finder | null {
  const before = known.get(compiled);
  if (before && before.tokens.length === tokens.length && before.tokens.every((token, at) => token === tokens[at])) return before.finder;
  const own = before ? before.own : finderOfOwn(compiled);
  const writings = writingsOfAll(tokens);
  const finder = writings.length === 0 ? own : (own ?? createFinder([])).with(writings);
  known.set(compiled, { own, finder, tokens });
  return finder;
}

function finderOfOwn({ secretTexts, auth }: Secretive): Finder | null {
  const writings = writingsOfAll([...secretTexts, ...(auth ? secretsOf(auth) : [])]);
  return writings.length === 0 ? null : createFinder(writings);
}

const writingsOfAll = (secrets: string[]): string[] => secrets.flatMap(withKeyOf).filter(isLong).flatMap(writingsOf);

/**
 * Returns a secret and, if it is a Standard Webhooks key, two more forms: the key without its prefix `whsec_` or `whsk_`, and the bytes of
 * the key as hex.
 */
function withKeyOf(secret: string): string[] {
  const key = /^wh(?:sec|sk)_(.*)$/s.exec(secret)?.[1];
  return key === undefined ? [secret] : [secret, key, Buffer.from(key, 'base64').toString('hex')];
}

/**
 * Lists the encodings of a secret: escaped for JSON, XML and forms; as hex; as base64, once or twice, at each of the three possible
 * offsets, as in the base64 of `<id>:<secret>`; and the hex and base64 of its UTF-16.
 * The search itself (find-texts.ts) recognizes nested, mixed and partial escapes.
 */
function writingsOf(secret: string): string[] {
  const form = new URLSearchParams([['', secret]]).toString().slice(1);
  const plain = [secret, JSON.stringify(secret).slice(1, -1), escapeXml(secret), form];
  return [...plain, ...[...new Set([secret, form])].flatMap(encodingsOf), ...utf16Of(secret).flatMap(inBase64AndHex)];
}

/**
 * Returns a secret in UTF-16, as .NET and PowerShell encode a text before base64. The two byte orders of ASCII differ only in the position
 * of the NUL bytes, and base64 is searched at each offset.
 */
function utf16Of(secret: string): Buffer[] {
  const little = Buffer.from(secret, 'utf16le');
  return Buffer.byteLength(secret) === secret.length ? [little.subarray(0, -1)] : [little, Buffer.from(little).swap16()];
}

/** Longer secrets are searched for in one layer of base64 only, to bound the memory that their forms take. */
const MAX_NESTED_LENGTH = 256;

function encodingsOf(text: string): string[] {
  const bytes = Buffer.from(text, 'utf8');
  const once = inBase64(bytes);
  // Encodes twice, because basic authentication is base64, and some receivers answer with the base64 of the request that they got.
  const twice = text.length > MAX_NESTED_LENGTH ? [] : once.flatMap((inner) => inBase64(Buffer.from(inner)));
  return [bytes.toString('hex'), bytes.toString('base64url'), ...once, ...twice];
}

const inBase64AndHex = (bytes: Buffer): string[] => [bytes.toString('hex'), ...inBase64(bytes)];
const inBase64 = (bytes: Buffer): string[] => [0, 1, 2].map((before) => insideBase64(bytes, before));

/**
 * Returns the part of a base64 text that depends only on these bytes, when `before` (modulo 3) other bytes precede them in the encoded
 * data.
 */
function insideBase64(bytes: Buffer, before: number): string {
  const length = before + bytes.length;
  const whole = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
  return whole.slice(before === 0 ? 0 : before + 1, Math.floor((length * 8) / 6));
}
