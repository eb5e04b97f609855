// A receiver's answer -> the same without the secrets of the request that it repeats.
import type { Compiled } from '../base/compiled.js';
import { escapeXml } from '../base/templates/rendering.mjs';
import { secretsOf } from './auth/authorize.js';

/** Shorter ones would cut ordinary words out of an answer. */
const MIN_SECRET_LENGTH = 8;

/** Before anything reads or records the answer: receivers that echo what they got are common in development. */
export function redactEcho<T extends { kind: string; headers?: Record<string, string>; body?: string; message?: string; told?: string }>(
  compiled: Pick<Compiled, 'secretTexts' | 'auth'>,
  answer: T,
  /** Secrets that were fetched for this one request. */
  tokens: string[] = [],
): T {
  const writings = tokens.length === 0 ? writingsIn(compiled) : [...tokens.flatMap(writingsOf), ...writingsIn(compiled)];
  if (writings.length === 0) return answer;
  if (!repeats(answer, writings)) return answer;
  const clean = (text: string) => writings.reduce((rest, writing) => rest.replaceAll(writing, '[redacted]'), text);
  return {
    ...answer,
    ...(answer.headers && { headers: Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, clean(value)])) }),
    ...(answer.message !== undefined && { message: clean(answer.message) }),
    ...(answer.told !== undefined && { told: clean(answer.told) }),
    ...(answer.body !== undefined && { body: clean(answer.body) }),
  };
}

/** Nearly none does: one look at all of it together costs less than a copy. */
function repeats({ headers, message = '', told = '', body = '' }: Parameters<typeof redactEcho>[1], writings: string[]): boolean {
  let all = `${message}\n${told}\n${body}`;
  for (const name in headers) all += `\n${headers[name]}`;
  return writings.some((writing) => all.includes(writing));
}

/** Of a definition that is compiled once and asked for with every answer. */
const known = new WeakMap<object, string[]>();

/** The longest first, since one may hold another. */
function writingsIn(compiled: Pick<Compiled, 'secretTexts' | 'auth'>): string[] {
  const before = known.get(compiled);
  if (before) return before;
  const { secretTexts, auth } = compiled;
  const writings = [...secretTexts, ...(auth ? secretsOf(auth) : [])]
    // A key is as secret without the prefix that names its kind.
    .flatMap((secret) => [secret, secret.replace(/^wh(sec|sk)_/, '')])
    .filter((secret) => secret.length >= MIN_SECRET_LENGTH)
    .flatMap(writingsOf);
  const longestFirst = [...new Set(writings)].sort((a, b) => b.length - a.length);
  known.set(compiled, longestFirst);
  return longestFirst;
}

/** As it is, as JSON, XML, a URL and a form write it, and as the usual encodings of bytes. */
function writingsOf(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  const form = new URLSearchParams([['', secret]]).toString().slice(1);
  const url = form.replaceAll('+', '%20');
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    escapeXml(secret),
    form,
    url,
    encodeURIComponent(secret),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
  ];
}
