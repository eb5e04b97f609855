// A client's credentials -> an access token of its token endpoint, kept until shortly before it expires. https://www.rfc-editor.org/rfc/rfc6749#section-4.4
import { Buffer } from 'node:buffer';
import * as oauth from 'oauth4webapi';
import type { Auth, Exchange } from '../../base/model.js';
import { EgressFailed } from '../../base/network/guard.js';

export type OAuth2 = Extract<Auth, { kind: 'OAUTH2' }>;

/** A token, or why there is none: the token endpoint's failure, for people. */
export type Token = { token: string; expiresAtMs: number } | { failed: string };

/** Sends a request within the bounds of every connection of ours. */
export type Post = (
  request: Exchange,
) => Promise<{ kind: 'REPLY'; status: number; headers: Record<string, string>; body: string } | { kind: 'NO_REPLY'; message: string }>;

export interface Tokens {
  /**
   * Of this version of a subscription. `refused`: the token that its receiver just took for invalid; the answer is another one.
   * @throws EgressFailed where our own way out failed
   */
  get(subscriptionId: string, version: number, auth: OAuth2, refused?: string): Token | Promise<Token>;
}

/** Beyond so many subscriptions the oldest token is forgotten. */
const MAX_TOKENS = 10_000;
/** An endpoint that doesn't say how long a token lives is asked again after so long; a 401 makes good what is too long. */
const UNTOLD_LIFE_MS = 5 * 60_000;
const MARGIN_MS = 60_000;
const MAX_TOLD_LENGTH = 300;

interface Entry {
  version: number;
  token: Token | null;
  /** While one is fetched, everybody waits for that one. */
  fetching: Promise<Token> | null;
}

export function createTokens(post: Post, now = Date.now): Tokens {
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

async function fetchToken(post: Post, auth: OAuth2, now: () => number): Promise<Token> {
  const { tokenUrl, clientId, scope, audience, secrets } = auth;
  const server = { issuer: new URL(tokenUrl).origin, token_endpoint: tokenUrl };
  const client = { client_id: clientId };
  const authenticate = auth.clientAuthentication === 'POST' ? oauth.ClientSecretPost : oauth.ClientSecretBasic;
  let answer: Awaited<ReturnType<Post>> | null = null;
  try {
    const response = await oauth.clientCredentialsGrantRequest(
      server,
      client,
      authenticate(secrets.clientSecret ?? ''),
      { ...(scope && { scope }), ...(audience && { audience }) },
      {
        // Where http is accepted, whoever opens the connection decides.
        [oauth.allowInsecureRequests]: true,
        [oauth.customFetch]: async (url, { headers, body }) => {
          const { origin } = new URL(url);
          answer = await post({ url, origin, headers, body: Buffer.from(body?.toString() ?? '') });
          if (answer.kind === 'NO_REPLY') throw new Error(answer.message);
          const empty = answer.status === 204 || answer.status === 304;
          return new Response(empty ? null : answer.body, { status: Math.max(200, answer.status), headers: answer.headers });
        },
      },
    );
    const { access_token, expires_in } = await oauth.processClientCredentialsResponse(server, client, response);
    if (!/^[\x21-\x7e]+$/.test(access_token)) return { failed: 'The token endpoint answered with a token that no header holds.' };
    const lifeMs = expires_in === undefined ? UNTOLD_LIFE_MS : expires_in * 1000;
    return { token: access_token, expiresAtMs: now() + lifeMs - Math.min(MARGIN_MS, lifeMs / 10) };
  } catch (error) {
    if (error instanceof EgressFailed) throw error;
    return { failed: describe(answer, error as Error) };
  }
}

/** Never more of the answer than its `error` and `error_description`: https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
function describe(answer: Awaited<ReturnType<Post>> | null, error: Error): string {
  if (answer?.kind !== 'REPLY') return `The token endpoint gave no answer: ${error.message}`;
  if (answer.status === 200) return `The token endpoint's answer has no token that can be used: ${error.message}.`;
  const told = ['error', 'error_description'].flatMap((name) => {
    const text = fieldOf(answer.body, name);
    return typeof text === 'string' ? [text.slice(0, MAX_TOLD_LENGTH)] : [];
  });
  return `The token endpoint answered with status ${answer.status}${told.length > 0 ? `: ${told.join(': ')}` : ''}.`;
}

function fieldOf(body: string, name: string): unknown {
  try {
    return (JSON.parse(body) as Record<string, unknown> | null)?.[name];
  } catch {
    return undefined;
  }
}
