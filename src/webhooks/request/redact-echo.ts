// Takes the secrets of a request out of the answer to it, in whatever encoding a receiver or token endpoint repeats them.
import type { Compiled } from '../base/compiled.js';
import { createFinder, type Finder, MAX_OPERATIONS, MIN_LENGTH } from '../base/recording/find-texts.js';
import { escapeXml } from '../base/templates/rendering.mjs';
import { secretsOf } from './auth/credentials.js';

type Secretive = Pick<Compiled, 'secretTexts' | 'auth'>;

const REDACTED = '[redacted]';
/** In the place of a text that would have taken too long to search. */
const NOT_RECORDED = '[not recorded]';

/** Before anything reads or records the answer: receivers that echo what they got are common in development. */
export function redactEcho<T extends { kind: string; headers?: Record<string, string>; body?: string; message?: string; told?: string }>(
  compiled: Secretive,
  answer: T,
  /** Secrets that were fetched for this one request. */
  tokens: string[] = [],
): T {
  const finder = finderOf(compiled, tokens);
  if (finder === null) return answer;
  const clean = cleanerWith(finder);
  const { headers: hadHeaders, message: hadMessage, told: hadTold, body: hadBody } = answer;
  // First, so that no body leaves them without budget: statuses are judged by them.
  const headers = hadHeaders && cleanHeaders(hadHeaders, clean);
  const message = hadMessage && clean(hadMessage);
  const told = hadTold && clean(hadTold);
  const body = hadBody && clean(hadBody);
  if (headers === hadHeaders && message === hadMessage && told === hadTold && body === hadBody) return answer;
  return {
    ...answer,
    ...(headers !== undefined && { headers }),
    ...(message !== undefined && { message }),
    ...(told !== undefined && { told }),
    ...(body !== undefined && { body }),
  };
}

/** Takes secrets out of texts, all within one budget. */
export function createCleaner(secrets: readonly string[]): (text: string) => string {
  const finder = createFinder(secrets.filter(isLong).flatMap(writingsOf));
  return cleanerWith(finder);
}

function cleanerWith(finder: Finder): (text: string) => string {
  const budget = { left: MAX_OPERATIONS };
  return (text) => (isLong(text) ? (finder.replace(text, REDACTED, budget) ?? NOT_RECORDED) : text);
}

/** The same object where nothing of it is a secret, which is nearly always so. */
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

/** Shorter secrets would cut ordinary words out of an answer. */
const isLong = (text: string): boolean => text.length >= MIN_LENGTH;

interface Known {
  finder: Finder | null;
  tokens: string[];
}

/** By definition, which is compiled once, with the tokens of its last request, which are the same for a long time. */
const known = new WeakMap<Secretive, Known>();

function finderOf(compiled: Secretive, tokens: string[]): Finder | null {
  const before = known.get(compiled);
  if (before && before.tokens.length === tokens.length && before.tokens.every((token, at) => token === tokens[at])) return before.finder;
  const { secretTexts, auth } = compiled;
  const secrets = [...secretTexts, ...(auth ? secretsOf(auth) : []), ...tokens].flatMap(withKeyOf).filter(isLong);
  const finder = secrets.length === 0 ? null : createFinder(secrets.flatMap(writingsOf));
  known.set(compiled, { finder, tokens });
  return finder;
}

/** A key is as secret without the prefix that names its kind, and as the bytes that sign. */
function withKeyOf(secret: string): string[] {
  const key = /^wh(?:sec|sk)_(.*)$/s.exec(secret)?.[1];
  return key === undefined ? [secret] : [secret, key, Buffer.from(key, 'base64').toString('hex')];
}

/**
 * As JSON, XML and forms write it whole, and as encodings of bytes do at each place in what is encoded, e.g. in `<id>:<secret>`, of
 * which OAuth encodes both parts as forms do. Escapes that are nested, mixed or cover a part of it are the finder's.
 */
function writingsOf(secret: string): string[] {
  const form = new URLSearchParams([['', secret]]).toString().slice(1);
  return [secret, JSON.stringify(secret).slice(1, -1), escapeXml(secret), form, ...[...new Set([secret, form])].flatMap(encodingsOf)];
}

function encodingsOf(text: string): string[] {
  const bytes = Buffer.from(text, 'utf8');
  return [bytes.toString('hex'), bytes.toString('base64url'), ...[0, 1, 2].map((before) => insideBase64(bytes, before))];
}

/** The characters that tell of these bytes alone where `before` others (and any multiple of three) stand before them. */
function insideBase64(bytes: Buffer, before: number): string {
  const length = before + bytes.length;
  const whole = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
  return whole.slice(before === 0 ? 0 : before + 1, Math.floor((length * 8) / 6));
}
