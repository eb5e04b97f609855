// A request in, the answer of whoever is responsible out.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { App } from '../app.js';
import { type Answer, json, plain, send } from './answer.js';
import { createAuthenticate } from './authenticate.js';
import { createEndpoint } from './endpoint.js';
import { createExplorer } from './explorer.js';
import { checkReadiness } from './health.js';
import { readObject } from './object.js';
import { BodyTooLarge, readBody } from './read-body.js';

const ENDPOINT = '/api/v3/graphql';
const OBJECT = `${ENDPOINT}/object/`;

type Route = (request: IncomingMessage, url: URL) => Answer | Promise<Answer>;

export interface RoutesOptions {
  /** Where the API listens. */
  host: string;
  /** Filled in by the explorer for whoever sits at this machine; null: nothing is. */
  localToken: string | null;
}

export function createRoutes(
  app: App,
  { host, localToken }: RoutesOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const authenticate = createAuthenticate(app);
  const endpoint = createEndpoint(app, ENDPOINT);
  const explorer = createExplorer({ endpoint: ENDPOINT, host, baseUrl: app.config.baseUrl, localToken });

  /** With the token's user; without one, what to do about it. */
  const authenticated =
    (route: (request: IncomingMessage, url: URL, ctx: ReturnType<App['contextOf']>) => Promise<Answer>): Route =>
    async (request, url) => {
      const authenticated = await authenticate(request);
      if (!authenticated.viewer) return authenticated.refusal;
      const answer = await route(request, url, app.contextOf(authenticated.viewer, traceparentOf(request)));
      return { ...answer, headers: { ...answer.headers, ...authenticated.headers } };
    };

  const graphql = authenticated(async (request, url, ctx) => endpoint(request, { url, ctx, body: await readBody(request) }));
  const object = authenticated(async (_request, url, ctx) => readObject(app, ctx, url.pathname.slice(OBJECT.length)));
  const routes: Record<string, Route> = {
    '/': () => plain(200, greeting(app)),
    '/healthz': () => json(200, { status: 'alive' }),
    '/readyz': () => checkReadiness(app),
    [`${ENDPOINT}/explorer`]: explorer,
    [ENDPOINT]: graphql,
  };

  return async (request, response) => {
    try {
      const url = new URL(request.url ?? '/', 'http://localhost');
      const route = routes[url.pathname.replace(/(.)\/$/, '$1')] ?? (url.pathname.startsWith(OBJECT) ? object : notFound);
      await send(response, request, await refuseMethod(request, route, url));
    } catch (error) {
      if (error instanceof BodyTooLarge) return send(response, request, problem(413, error.message));
      app.log.error({ error }, 'a request failed');
      if (!response.headersSent) await send(response, request, problem(500, 'Something went wrong on our side.'));
    }
  };

  function refuseMethod(request: IncomingMessage, route: Route, url: URL): Answer | Promise<Answer> {
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (isRead || route === notFound || (route === graphql && request.method === 'POST')) return route(request, url);
    const allowed = route === graphql ? 'GET, POST' : 'GET';
    return { ...problem(405, `${request.method} isn't allowed here, but ${allowed} is.`), headers: { Allow: allowed } };
  }
}

const notFound: Route = (request, url) =>
  problem(
    404,
    `There is nothing at ${request.method} ${url.pathname}. The API is at POST ${ENDPOINT}, its explorer at ${ENDPOINT}/explorer.`,
  );

function problem(status: number, message: string): Answer {
  return json(status, { errors: [{ message }] });
}

function traceparentOf({ headers }: IncomingMessage): string | null {
  const { traceparent } = headers;
  return typeof traceparent === 'string' && /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(traceparent) ? traceparent : null;
}

function greeting({ config }: App): string {
  const endpoint = `${config.baseUrl}${ENDPOINT}`;
  return `Hookgraph: a row changes; whoever asked to know is told, in the words they chose.

API       POST ${endpoint}
          Authorization: Token token=<your token>
Explorer  ${endpoint}/explorer
Health    ${config.baseUrl}/healthz, ${config.baseUrl}/readyz
`;
}
