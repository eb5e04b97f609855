// Routes a request to its handler, and writes the response.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { REQUEST_ID_HEADER, requestIdOf } from '../graphql/http/request-ids.js';
import { CONSOLE_PATH, API_PATH as ENDPOINT } from '../runtime/api-path.js';
import { NoSlotError } from '../runtime/fair-share.js';
import { type Account, loopShare, REQUEST_WAIT_MS } from '../runtime/loop-share.js';
import { activeTraceparent, parseTraceparent } from '../runtime/traceparent.js';
import { type Answer, json, named, plain, problem, send } from './answer.js';
import type { App } from './app.js';
import { createAuthenticate } from './authenticate.js';
import { createConsole } from './console/routes.js';
import { createSessions } from './console/session.js';
import { answerPreflight, corsHeaders } from './cors.js';
import { createEndpoint } from './endpoint.js';
import { createExplorer, createFramedExplorer, createLocalToken } from './explorer.js';
import { checkReadiness } from './health.js';
import { readObject } from './object.js';
import { BodyTooLarge, readBody } from './read-body.js';
import { refuseOperation } from './read-operation.js';
import { securityHeaders } from './security-headers.js';

const OBJECT = `${ENDPOINT}/object/`;
/** Base URL for parsing request paths; its host is never used. */
const BASE = 'http://localhost';

/** The context of an authenticated request, and the account whose share of the event loop it uses. */
interface Authorized {
  ctx: ReturnType<App['contextOf']>;
  account: Account;
  /** Returns the refusal of a token that was revoked while the request arrived or waited; else `null`. */
  confirm(): Promise<Answer | null>;
}

/** The parts of a request that routes read. */
interface Asked {
  request: IncomingMessage;
  url: URL;
  /** The request's id, which log lines about it repeat. */
  id: string;
}

type Route = (asked: Asked) => Answer | Promise<Answer>;

export interface RoutesOptions {
  /** The address that the API listens on. */
  host: string;
  /** The API token that the explorer contains for requests from this machine; `null`: none. */
  localToken: string | null;
  /** The clock of the console's sessions, in milliseconds. Default: `Date.now`. */
  now?: (() => number) | undefined;
}

export function createRoutes(
  app: App,
  { host, localToken, now }: RoutesOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const sessions = createSessions(app, now);
  const authenticate = createAuthenticate(app, sessions.tokenOf);
  const endpoint = createEndpoint(app, ENDPOINT);
  const explorerOptions = { endpoint: ENDPOINT, host, baseUrl: app.config.baseUrl, localToken, tabs: app.tabs };
  const explorer = createExplorer(explorerOptions);
  const serveConsole = createConsole(app, {
    endpoint: ENDPOINT,
    sessions,
    authenticate,
    localTokenFor: createLocalToken(explorerOptions),
    explorer: createFramedExplorer(explorerOptions),
  });
  const browser: Route = ({ request, url }) => serveConsole(request, url);

  /** Authenticates the request, then runs the route in the viewer's context; otherwise returns the response that refuses the request. */
  const authenticated =
    (route: (asked: Asked, as: Authorized) => Promise<Answer>): Route =>
    async (asked) => {
      const { request } = asked;
      const authenticated = await authenticate(request);
      if (!authenticated.viewer) return authenticated.refusal;
      const { viewer, charge, confirm, headers } = authenticated;
      const account = loopShare.open(viewer.organizationId, 'a request to the API', REQUEST_WAIT_MS);
      // Ends the request's work when the client has disconnected.
      const end = () => {
        account.isOver = true;
      };
      request.socket.once('close', end);
      try {
        const answer = await route(asked, { ctx: app.contextOf(viewer, traceparentOf(request)), account, confirm });
        return { ...answer, headers: { ...answer.headers, ...headers } };
      } finally {
        request.socket.off('close', end);
        charge(account.ms);
      }
    };

  const graphql = authenticated(async ({ request, url, id }, { ctx, account, confirm }) => {
    const body = await readBody(request);
    await loopShare.turn(account);
    return (await confirm()) ?? refuseOperation(request, url, body) ?? endpoint(request, { url, ctx, body, account, requestId: id });
  });
  const object = authenticated(async ({ url, id }, { ctx }) => readObject(app, ctx, url.pathname.slice(OBJECT.length), id));
  const routes: Record<string, Route> = {
    '/': ({ request }) => (isBrowser(request) ? redirect(CONSOLE_PATH) : plain(200, greeting(app))),
    '/healthz': () => json(200, { status: 'alive' }),
    '/readyz': () => checkReadiness(app),
    [`${ENDPOINT}/explorer`]: ({ request }) => explorer(request),
    [ENDPOINT]: graphql,
  };

  const guards = securityHeaders(app.config);
  const origins = app.config.corsOrigins;

  return async (request, response) => {
    const startedMs = performance.now();
    const id = requestIdOf(request.headers[REQUEST_ID_HEADER.toLowerCase()]);
    const reply = (answer: Answer) => {
      const fields = { requestId: id, method: request.method, path: pathOf(request), status: answer.status };
      if (app.log.isLevelEnabled?.('debug') !== false)
        app.log.debug({ ...fields, durationMs: Math.round(performance.now() - startedMs) }, 'request');
      return send(response, request, named(answer, id), guards);
    };
    try {
      const target = request.url ?? '/';
      // Resolves the path against BASE, because a client can send any Host header.
      if (!URL.canParse(target, BASE)) return await reply(problem(400, 'The URL of this request is not valid.'));
      const url = new URL(target, BASE);
      const route = routes[url.pathname.replace(/(.)\/$/, '$1')] ?? routeBelow(url.pathname);
      const answer = await answerMethod({ request, url, id }, route);
      const isApi = route === graphql || route === object;
      await reply(isApi ? { ...answer, headers: { ...answer.headers, ...corsHeaders(request, origins) } } : answer);
    } catch (error) {
      if (error instanceof BodyTooLarge) return reply(problem(413, error.message));
      if (error instanceof NoSlotError) return reply(problem(429, error.message));
      // The client disconnected before it sent the whole request, which is no error of the server.
      if (request.destroyed && !request.complete) return;
      app.log.error({ error, requestId: id }, 'a request failed with an internal error');
      if (!response.headersSent) await reply(problem(500, 'The request failed with an internal error.'));
    }
  };

  function routeBelow(pathname: string): Route {
    if (pathname.startsWith(OBJECT)) return object;
    return pathname === CONSOLE_PATH || pathname.startsWith(`${CONSOLE_PATH}/`) ? browser : notFound;
  }

  function answerMethod(asked: Asked, route: Route): Answer | Promise<Answer> {
    const { request } = asked;
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (isRead || route === notFound || route === browser || (route === graphql && request.method === 'POST')) return route(asked);
    const methods = route === graphql ? 'GET, POST' : 'GET';
    const isApi = route === graphql || route === object;
    if (request.method === 'OPTIONS' && isApi && request.headers['access-control-request-method'])
      return answerPreflight(request, { origins, methods });
    return { ...problem(405, `${request.method} is not allowed here; use ${methods}.`), headers: { Allow: methods } };
  }
}

const isBrowser = ({ headers }: IncomingMessage): boolean => /\btext\/html\b/.test(headers.accept ?? '');

const redirect = (path: string): Answer => ({ ...plain(302, ''), headers: { Location: path } });

const notFound: Route = ({ request, url }) =>
  problem(404, `${request.method} ${url.pathname} does not exist. The API is at POST ${ENDPOINT}, its explorer at ${ENDPOINT}/explorer.`);

/** Returns the path without the query, which may hold what users typed. */
const pathOf = ({ url = '/' }: IncomingMessage): string => url.split('?', 1)[0] as string;

/** Returns the traceparent for the events of the request's writes: of the active span, else of the request's valid header. */
function traceparentOf({ headers }: IncomingMessage): string | null {
  const { traceparent } = headers;
  return activeTraceparent() ?? (typeof traceparent === 'string' && parseTraceparent(traceparent) ? traceparent : null);
}

function greeting({ config }: App): string {
  const endpoint = `${config.baseUrl}${ENDPOINT}`;
  return `Hookgraph: webhooks for a GraphQL API; subscribers write the query and the templates of the payload.

API       POST ${endpoint}
          Authorization: Token token=<your token>
Console   ${config.baseUrl}${CONSOLE_PATH}
Explorer  ${endpoint}/explorer
Health    ${config.baseUrl}/healthz, ${config.baseUrl}/readyz
`;
}
