// A receiver's answer -> the same without the secrets of the request that it repeats.
import type { Compiled } from '../base/compiled.js';
import { secretsOf } from './auth/authorize.js';

/** Shorter ones would cut ordinary words out of an answer. */
const MIN_SECRET_LENGTH = 8;

/** Before anything reads or records the answer: receivers that echo what they got are common in development. */
export function redactEcho<T extends { kind: string; headers?: Record<string, string>; body?: string; message?: string }>(
  { secretTexts, auth }: Pick<Compiled, 'secretTexts' | 'auth'>,
  answer: T,
  /** Secrets that were fetched for this one request. */
  tokens: string[] = [],
): T {
  const secrets = [...secretTexts, ...(auth ? secretsOf(auth) : []), ...tokens]
    // A key is as secret without the prefix that names its kind.
    .flatMap((secret) => [secret, secret.replace(/^wh(sec|sk)_/, '')])
    .filter((secret) => secret.length >= MIN_SECRET_LENGTH)
    // As it is, and as JSON writes it inside a string; the longest first, since one may hold another.
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
    .sort((a, b) => b.length - a.length);
  if (secrets.length === 0) return answer;
  const clean = (text: string) => secrets.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text);
  return {
    ...answer,
    ...(answer.headers && { headers: Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, clean(value)])) }),
    ...(answer.message !== undefined && { message: clean(answer.message) }),
    ...(answer.body !== undefined && { body: clean(answer.body) }),
  };
}
