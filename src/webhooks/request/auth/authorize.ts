// How a subscription makes itself known -> the value of its Authorization header; and what of it an answer must not repeat.
import { Buffer } from 'node:buffer';
import type { Auth } from '../../base/model.js';
import { authorizeBasic } from './basic.js';
import type { Token, Tokens } from './oauth2.js';
import { authorizeToken } from './token.js';

export type Authorization = { value: string; token?: string } | { failed: string };

/** `refused`: the token that the receiver just answered 401 to. At once, unless a token must be fetched. */
export function authorize(
  tokens: Tokens,
  auth: Auth,
  { subscriptionId, version }: { subscriptionId: string; version: number },
  refused?: string,
): Authorization | Promise<Authorization> {
  switch (auth.kind) {
    case 'BASIC':
      return { value: authorizeBasic(auth.scheme, auth.secrets) };
    case 'TOKEN':
      return { value: authorizeToken(auth.scheme, auth.secrets) };
    case 'OAUTH2': {
      const got = tokens.get(subscriptionId, version, auth, refused);
      return got instanceof Promise ? got.then(bearer) : bearer(got);
    }
  }
}

const bearer = (got: Token): Authorization => ('failed' in got ? got : { value: `Bearer ${got.token}`, token: got.token });

/** In each writing in which they are sent. */
export function secretsOf(auth: Auth): string[] {
  const { username, password, token, clientSecret } = auth.secrets;
  const pairs: [string, string][] = [];
  if (username !== undefined) pairs.push([username, password ?? '']);
  if (auth.kind === 'OAUTH2' && clientSecret !== undefined) pairs.push([formEncoded(auth.clientId), formEncoded(clientSecret)]);
  return [
    ...[username, password, token, clientSecret].filter((one) => one !== undefined && one !== ''),
    ...(clientSecret === undefined ? [] : [formEncoded(clientSecret)]),
    ...pairs.map((pair) => Buffer.from(pair.join(':'), 'utf8').toString('base64')),
  ] as string[];
}

/** https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1 */
const formEncoded = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1);
