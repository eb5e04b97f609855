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
  const viewer = await app.authenticate(token);
  return viewer ? { viewer } : refuse('Nobody has this token, or its user is disabled.');
}

function refuse(message: string): Authenticated {
  const hint = 'Send `Authorization: Token token=<your token>` or `Authorization: Bearer <your token>`.';
  const answer = json(401, { errors: [{ message: `${message} ${hint}`, extensions: { code: 'UNAUTHENTICATED' } }] });
  return { viewer: null, refusal: { ...answer, headers: { 'WWW-Authenticate': 'Bearer realm="hookgraph"' } } };
}
