// Serves the console: its pages and files, the session, and the explorer that its page shows in a frame.
import type { IncomingMessage } from 'node:http';
import { createPages } from '../../hookgraph/console/pages.js';
import { CONSOLE_PATH } from '../../runtime/api-path.js';
import { type Answer, json, problem } from '../answer.js';
import type { App } from '../app.js';
import type { Authenticate } from '../authenticate.js';
import { readBody } from '../read-body.js';
import type { Sessions } from './session.js';

const SESSION = `${CONSOLE_PATH}/session`;
const EXPLORER = `${CONSOLE_PATH}/explorer/frame`;

export interface ConsoleOptions {
  endpoint: string;
  sessions: Sessions;
  authenticate: Authenticate;
  /** Returns the token with which a browser on this machine may sign in by itself; `null`: it may not. */
  localTokenFor(request: IncomingMessage): string | null;
  /** Answers with the explorer's page for the frame. */
  explorer(): Promise<Answer>;
}

/** Returns the function that answers requests at the console's path and below it. */
export function createConsole(app: App, options: ConsoleOptions): (request: IncomingMessage, url: URL) => Answer | Promise<Answer> {
  const { endpoint, sessions, explorer } = options;
  const pages = createPages({ path: CONSOLE_PATH, endpoint, signIn: 'TOKEN', explorer: EXPLORER, schema: () => app.schema });
  const session = createSession(options);
  return (request, { pathname }) => {
    if (pathname === SESSION) return session(request);
    if (request.method !== 'GET' && request.method !== 'HEAD') return notAllowed(request, 'GET');
    if (pathname === EXPLORER) return explorer();
    const { headers } = request;
    const page = pages({ pathname, acceptEncoding: headers['accept-encoding']?.toString(), cookie: headers.cookie });
    const { 'Content-Type': contentType = '', ...others } = page.headers;
    return { status: page.status, contentType, headers: others, body: page.body };
  };

  function createSession({ authenticate, localTokenFor }: ConsoleOptions) {
    return async (request: IncomingMessage): Promise<Answer> => {
      if (request.method === 'GET') return state(request);
      if (request.method !== 'POST' && request.method !== 'DELETE') return notAllowed(request, 'GET, POST, DELETE');
      if (!sessions.isSameOrigin(request)) return problem(403, 'Only a page of this address can sign in or out.');
      if (request.method === 'DELETE') return { ...json(200, {}), headers: { 'Set-Cookie': sessions.end } };
      if (!/^application\/json\b/i.test(request.headers['content-type'] ?? ''))
        return problem(415, 'Send the token as JSON: {"token": "…"}.');
      const sent = await readToken(request);
      const token = sent === null ? localTokenFor(request) : sent;
      if (!token) return problem(sent === null ? 403 : 400, 'This address needs a token: {"token": "…"}.');
      const authenticated = await authenticate(request, token);
      if (!authenticated.viewer) return authenticated.refusal;
      const cookie = sessions.begin(token, authenticated.viewer.token?.expiresAt ?? null);
      return { ...json(200, {}), headers: { ...authenticated.headers, 'Set-Cookie': cookie } };
    };

    /** Always has the status 200: a page asks before anybody has signed in, and the browser would report another status as an error. */
    async function state(request: IncomingMessage): Promise<Answer> {
      const canSignInLocally = localTokenFor(request) !== null;
      const token = sessions.tokenOf(request);
      if (token === null) return json(200, { isSignedIn: false, canSignInLocally, reason: null });
      const authenticated = await authenticate(request, token);
      if (authenticated.viewer) return json(200, { isSignedIn: true, canSignInLocally, reason: null });
      if (authenticated.refusal.status !== 401) return authenticated.refusal;
      const reason = 'Your session has ended, because its token has expired, was revoked, or its user was disabled.';
      return { ...json(200, { isSignedIn: false, canSignInLocally, reason }), headers: { 'Set-Cookie': sessions.end } };
    }
  }
}

/** Returns the token of the body; `null` when the body asks to sign in without one, and '' when the body is not understood. */
async function readToken(request: IncomingMessage): Promise<string | null> {
  try {
    const sent = JSON.parse((await readBody(request)).toString('utf8')) as { token?: unknown; isLocal?: unknown } | null;
    if (sent?.isLocal === true) return null;
    return typeof sent?.token === 'string' ? sent.token.trim() : '';
  } catch (error) {
    if (error instanceof SyntaxError) return '';
    throw error;
  }
}

function notAllowed({ method }: IncomingMessage, methods: string): Answer {
  return { ...problem(405, `${method} is not allowed here; use ${methods}.`), headers: { Allow: methods } };
}
