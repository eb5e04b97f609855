// Makes a request as the engine would send it, for a secret and a choice of schemes; everything else has a default.
import type { Compiled } from '../../src/webhooks/base/compiled.js';
import type { SignatureScheme } from '../../src/webhooks/base/model.js';
import { buildRequest } from '../../src/webhooks/destinations/https/message.js';

export interface SignedRequest {
  url: string;
  /** The headers by lower-case name. */
  headers: Record<string, string>;
  body: Buffer;
}

export interface Asked extends Partial<Pick<Compiled, 'oldSecrets'>> {
  secret: string | null;
  at?: Date;
  id?: string;
  body?: string;
  url?: string;
  contentType?: string;
  headerPrefix?: string;
}

export function signedRequest(signatures: SignatureScheme[], asked: Asked): SignedRequest {
  const { secret, oldSecrets = [], at = new Date(), id = '7346', body = '{"name":"Zoë","n":1}\n' } = asked;
  const { url = 'https://receiver.example:8443/hook?a=1&b=%C3%BC', contentType = 'application/json', headerPrefix = 'X-Scope-' } = asked;
  const settings = {
    domain: 'api.example',
    headerPrefix,
    allowedNetworks: [],
    queryLimits: { fields: 1000, depth: 12, cost: 25_000 },
  };
  const compiled = {
    subscriptionId: '5f0c4b1e-0000-4000-8000-000000000000',
    topic: { key: 'user/created', version: '1.1' },
    url,
    origin: new URL(url).origin,
    headers: {},
    signatures,
    sharedSecret: secret,
    oldSecrets,
  } as unknown as Compiled;
  const request = buildRequest(settings, compiled, id, { text: body, contentType }, at);
  return {
    url,
    headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value])),
    body: request.body,
  };
}
