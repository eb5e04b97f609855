// An Authorization header in, the viewer or a helpful refusal out.
import type { App } from '../app.js';
import type { Viewer } from '../graphql/context.js';
import { type Answer, json } from './answer.js';

const SCHEME = /^(?:Token\s+token=|Bearer\s+)("?)([^"\s,]+)\1\s*$/i;

export type Authenticated = { viewer: Viewer; refusal?: undefined } | { viewer: null; refusal: Answer };

export async function authenticate(app: App, header: string | undefined): Promise<Authenticated> {
  if (!header) return refuse('The Authorization header is missing.');
  const token = SCHEME.exec(header)?.[2];
  if (!token) return refuse('The Authorization header can’t be read.');
  const { viewer, refusal } = await app.authenticate(token);
  if (viewer) return { viewer };
  if (refusal === 'UNKNOWN') return refuse('Nobody has this token, or its user is disabled.');
  // Whoever reads this holds the very token.
  if ('revokedAt' in refusal) return refuse(`This token was revoked at ${refusal.revokedAt.toISOString()}.`);
  return refuse(`This token expired at ${refusal.expiredAt.toISOString()}.`);
}

function refuse(message: string): Authenticated {
  const hint = 'Send `Authorization: Token token=<your token>` or `Authorization: Bearer <your token>`.';
  const answer = json(401, { errors: [{ message: `${message} ${hint}`, extensions: { code: 'UNAUTHENTICATED' } }] });
  return { viewer: null, refusal: { ...answer, headers: { 'WWW-Authenticate': 'Bearer realm="hookgraph"' } } };
}
