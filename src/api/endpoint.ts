// Executes a GraphQL request with graphql-yoga in the viewer's context.
import type { IncomingMessage } from 'node:http';
import { useDocuments } from '../graphql/http/documents.js';
import { useExactJson } from '../graphql/http/exact-requests.js';
import { useExecutor } from '../graphql/http/executor.js';
import { NO_HEALTH_CHECK, useJsonAnswers } from '../graphql/http/json-answers.js';
import { maskError } from '../graphql/http/mask-error.js';
import { REQUEST_ID, useRequestIds } from '../graphql/http/request-ids.js';
import type { Account } from '../runtime/loop-share.js';
import { requestLimits } from '../webhooks/index.js';
import type { Answer } from './answer.js';
import type { App } from './app.js';

export interface EndpointRequest {
  url: URL;
  ctx: object;
  body: Buffer;
  /** The account whose share of the event loop the request uses. */
  account: Account;
  requestId: string;
}

/** Maximum length of a response's data, in characters. An estimate: it leaves out some characters of short parts. */
export const MAX_RESPONSE_LENGTH = 32 * 1024 * 1024;

/** The property of a context that holds the request's account. */
const ACCOUNT = Symbol('account');
const accountOf = (context: object): Account | null => (context as { [ACCOUNT]?: Account })[ACCOUNT] ?? null;

export function createEndpoint(
  { schema, log, config }: App,
  path: string,
): (request: IncomingMessage, more: EndpointRequest) => Promise<Answer> {
  // Imported here, because a worker loads this file and answers no request.
  const opened = import('graphql-yoga').then(({ createYoga, processRegularResult }) =>
    createYoga<object>({
      schema,
      graphqlEndpoint: path,
      graphiql: false,
      landingPage: false,
      healthCheckEndpoint: NO_HEALTH_CHECK,
      multipart: false,
      // read-body.ts already limits the body's size.
      maxRequestBodySize: false,
      // routes.ts handles CORS (see cors.ts), before authentication.
      cors: false,
      parserAndValidationCache: false,
      plugins: [
        useDocuments(requestLimits(config.apiMaxCost)),
        useExecutor({ accountOf, maxLength: MAX_RESPONSE_LENGTH }),
        useExactJson(),
        useJsonAnswers(processRegularResult),
        useRequestIds(log),
      ],
      logging: false,
      maskedErrors: { maskError },
    }),
  );
  return async ({ method = 'GET', headers }, { url, ctx, body, account, requestId }) => {
    const textHeaders = Object.fromEntries(
      Object.entries(headers).filter((header): header is [string, string] => typeof header[1] === 'string'),
    );
    const sent = method === 'POST' ? new TextDecoder().decode(body) : undefined;
    // Passes headers and body as strings, because reading a stream or a Request would take yoga as long as executing the
    // operation.
    const yoga = await opened;
    const response = await yoga.fetch(
      url.href,
      { method, headers: textHeaders, body: sent },
      Object.assign(ctx, { [ACCOUNT]: account, [REQUEST_ID]: requestId }),
    );
    return {
      status: response.status,
      contentType: response.headers.get('content-type') ?? 'application/json; charset=utf-8',
      body: await response.text(),
    };
  };
}
