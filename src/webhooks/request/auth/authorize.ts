// Builds the value of the Authorization header for a subscription's kind of authentication.
import type { Auth } from '../../base/model.js';
import { authorizeBasic } from './basic.js';
import type { Tokens } from './oauth2.js';
import type { Token } from './read-token.js';
import { authorizeToken } from './token.js';

export type Authorization = { value: string; token?: string } | Extract<Token, { failed: string }>;

/**
 * Builds the value. `refused`: a token that the receiver rejected with 401, so that another token is fetched. Returns a promise only when a
 * token must be fetched.
 */
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
