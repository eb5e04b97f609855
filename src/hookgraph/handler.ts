// Answers GraphQL requests as a Fetch handler, which can be mounted in Node's frameworks.
import type { GraphQLSchema } from 'graphql';
import { useDocuments } from '../graphql/http/documents.js';
import { useExactJson } from '../graphql/http/exact-requests.js';
import { useExecutor } from '../graphql/http/executor.js';
import { NO_HEALTH_CHECK, useJsonAnswers } from '../graphql/http/json-answers.js';
import { maskError } from '../graphql/http/mask-error.js';
import { REQUEST_ID, REQUEST_ID_HEADER, requestIdOf, useRequestIds } from '../graphql/http/request-ids.js';
import type { Logger } from '../runtime/logger.js';
import { loopShare, REQUEST_WAIT_MS } from '../runtime/loop-share.js';
import { requestLimits } from '../webhooks/index.js';

export type Handler = (request: Request) => Promise<Response>;

export interface HandlerOptions {
  schema(): GraphQLSchema;
  context(request: Request): object | Promise<object>;
  /** Returns the organization of the context's user; `null` when nobody is signed in. */
  tenantOf(context: object): string | null;
  log: Logger;
  maxCost: number;
  /** Reads the catalog; awaited before a request is answered. */
  ready(): Promise<unknown>;
  readiness(): Promise<{ status: number; body: object }>;
}

/** Answers GraphQL requests at any path, and health probes at paths that end in `/readyz` and `/healthz`. */
export function createHandler({ schema, context, tenantOf, log, maxCost, ready, readiness }: HandlerOptions): Handler {
  const accountOf = (context: object) => {
    const tenant = tenantOf(context);
    return tenant === null ? null : loopShare.open(tenant, 'a request', REQUEST_WAIT_MS);
  };
  const openYoga = async () => {
    const { createYoga, processRegularResult } = await import('graphql-yoga');
    return createYoga({
      schema,
      graphqlEndpoint: '*',
      graphiql: false,
      landingPage: false,
      healthCheckEndpoint: NO_HEALTH_CHECK,
      logging: false,
      parserAndValidationCache: false,
      context: ({ request }) => context(request),
      plugins: [
        useDocuments(requestLimits(maxCost)),
        useExecutor({ accountOf, maxLength: Number.POSITIVE_INFINITY }),
        useExactJson(),
        useJsonAnswers(processRegularResult),
        useRequestIds(log),
      ],
      maskedErrors: { maskError },
    });
  };
  // Loaded at the first request, because loading takes a third of a second and a worker answers no requests.
  let yoga: ReturnType<typeof openYoga> | undefined;
  return async (request) => {
    const probed = /\/(readyz|healthz)$/.exec(new URL(request.url).pathname)?.[1];
    if (probed && (request.method === 'GET' || request.method === 'HEAD')) {
      const { status, body } = probed === 'readyz' ? await readiness() : { status: 200, body: { status: 'alive' } };
      return Response.json(body, { status, headers: { 'cache-control': 'no-store' } });
    }
    await ready();
    yoga ??= openYoga().catch((error) => {
      // Loading can fail temporarily, for example when there are no free file descriptors. The next request tries again.
      yoga = undefined;
      throw error;
    });
    const id = requestIdOf(request.headers.get(REQUEST_ID_HEADER));
    const response = await (await yoga).fetch(request, { [REQUEST_ID]: id });
    response.headers.set(REQUEST_ID_HEADER, id);
    return response;
  };
}
