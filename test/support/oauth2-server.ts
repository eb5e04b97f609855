// Starts a real authorization server on loopback: issues tokens for client credentials, and counts, refuses or delays requests.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

export interface OAuth2Server {
  tokenUrl: string;
  /** The parameters of each token request, in order. */
  asked: Record<string, unknown>[];
  /** Delays each answer until its promise resolves. Default: no delay. */
  wait: () => Promise<void>;
  /** The scope of the token in this Authorization value; `null` when the token isn't valid. */
  scopeOf(authorization: string | undefined): Promise<string | null>;
  /** Revokes every token that was issued so far. */
  revokeAll(): void;
  close(): Promise<void>;
}

/** Contains characters that a header and a form must encode. */
export const CLIENT_SECRET = 'client-s3cret:/+ %&=';

/**
 * Starts a server that knows the clients `by-header` and `by-body`, both with CLIENT_SECRET. Tokens live for ten
 * minutes.
 */
export async function startOAuth2Server(): Promise<OAuth2Server> {
  const client = {
    client_secret: CLIENT_SECRET,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    scope: 'hooks.write',
  };
  const provider = new Provider('http://127.0.0.1', {
    clients: [
      { ...client, client_id: 'by-header', token_endpoint_auth_method: 'client_secret_basic' },
      { ...client, client_id: 'by-body', token_endpoint_auth_method: 'client_secret_post' },
    ],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    scopes: ['hooks.write'],
    ttl: { ClientCredentials: 600 },
  });
  const revoked = new Set<string>();
  const given = new Set<string>();
  provider.on('grant.success', ({ oidc, body }) => {
    server.asked.push({ ...oidc.body });
    given.add((body as { access_token: string }).access_token);
  });
  provider.on('grant.error', ({ oidc }) => void server.asked.push({ ...oidc?.body }));
  const answer = provider.callback();
  const http = createServer((request, response) => void server.wait().then(() => answer(request, response)));
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const server: OAuth2Server = {
    tokenUrl: `http://127.0.0.1:${(http.address() as AddressInfo).port}/token`,
    asked: [],
    wait: async () => {},
    async scopeOf(authorization) {
      const token = /^Bearer (\S+)$/.exec(authorization ?? '')?.[1];
      if (token === undefined || revoked.has(token)) return null;
      return (await provider.ClientCredentials.find(token))?.scope ?? null;
    },
    revokeAll: () => {
      for (const token of given) revoked.add(token);
    },
    close: async () => {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
  return server;
}
