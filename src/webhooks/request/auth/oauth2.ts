// Fetches OAuth access tokens by client credentials, and caches them until shortly before they expire. The protocol is
// https://www.rfc-editor.org/rfc/rfc6749#section-4.4.
import { Buffer } from 'node:buffer';
import type { Exchange } from '../../base/model.js';
import { clientCredentials, type OAuth2 } from './credentials.js';
import { readToken, type Token, type TokenAnswer } from './read-token.js';

/** Sends a request to a token endpoint under the limits of a delivery: timeout, response size, allowed addresses, no redirects. */
export type Post = (request: Exchange) => Promise<TokenAnswer>;

export interface Tokens {
  /**
   * Returns a cached token of this version of a subscription, or fetches a new one. `refused`: a token that the receiver rejected and
   * that must not be returned again.
   * @throws EgressFailed when this installation's own proxy or network fails
   */
  get(subscriptionId: string, version: number, auth: OAuth2, refused?: string): Token | Promise<Token>;
}

/** Maximum number of subscriptions with a cached token; beyond it the oldest is evicted. */
const MAX_TOKENS = 10_000;

interface Entry {
  version: number;
  token: Token | null;
  /** The token request in progress, whose result concurrent callers share; `null` when there is none. */
  fetching: Promise<Token> | null;
}

export function createTokens(post: Post, now = () => performance.now()): Tokens {
  const entries = new Map<string, Entry>();

  function fetchInto(entry: Entry, auth: OAuth2): Promise<Token> {
    const fetching = fetchToken(post, auth, now)
      .then((token) => {
        entry.token = 'token' in token ? token : null;
        return token;
      })
      .finally(() => {
        entry.fetching = null;
      });
    entry.fetching = fetching;
    return fetching;
  }

  return {
    get(subscriptionId, version, auth, refused) {
      let entry = entries.get(subscriptionId);
      if (entry?.version !== version) {
        entry = { version, token: null, fetching: null };
        entries.delete(subscriptionId);
        entries.set(subscriptionId, entry);
        if (entries.size > MAX_TOKENS) entries.delete(entries.keys().next().value as string);
      }
      const { token, fetching } = entry;
      if (token && 'token' in token && token.token !== refused && now() < token.expiresAtMs) return token;
      return fetching ?? fetchInto(entry, auth);
    },
  };
}

/** Sends an access token request: https://www.rfc-editor.org/rfc/rfc6749#section-4.4.2 */
async function fetchToken(post: Post, auth: OAuth2, now: () => number): Promise<Token> {
  const { tokenUrl, clientId, scope, audience, secrets } = auth;
  const isPost = auth.clientAuthentication === 'POST';
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    ...(isPost && { client_id: clientId, client_secret: secrets.clientSecret ?? '' }),
    ...(scope && { scope }),
    ...(audience && { audience }),
  });
  const headers = {
    Accept: 'application/json',
    'Content-Type': 'application/x-www-form-urlencoded',
    'User-Agent': 'Hookgraph',
    'Accept-Encoding': 'identity',
    ...(!isPost && { Authorization: `Basic ${clientCredentials(auth)}` }),
  };
  const answer = await post({ url: tokenUrl, origin: new URL(tokenUrl).origin, headers, body: Buffer.from(form.toString()) });
  return readToken(auth, answer, now());
}
