// A request with its viewer's context in, the answer of graphql-yoga out.
import type { IncomingMessage } from 'node:http';
import { createYoga } from 'graphql-yoga';
import type { App } from '../app.js';
import type { Context } from '../graphql/context.js';
import { requestLimits } from '../webhooks/index.js';
import type { Answer } from './answer.js';
import { useAnswerLimit } from './answer-limit.js';
import { useDocuments } from './documents.js';
import { useExecutor } from './executor.js';
import { maskError } from './mask-error.js';

export interface EndpointRequest {
  url: URL;
  ctx: Context;
  body: Buffer;
}

export function createEndpoint(
  { schema, log, config }: App,
  path: string,
): (request: IncomingMessage, more: EndpointRequest) => Promise<Answer> {
  const yoga = createYoga<Context>({
    schema,
    graphqlEndpoint: path,
    graphiql: false,
    landingPage: false,
    multipart: false,
    // Answered before anybody is authenticated: see cors.ts.
    cors: false,
    parserAndValidationCache: false,
    plugins: [useDocuments(requestLimits(config.apiMaxCost)), useExecutor(), useAnswerLimit()],
    logging: false,
    maskedErrors: { maskError: (error) => maskError(error, log) },
  });
  return async (request, { url, ctx, body }) => {
    const headers = Object.entries(request.headers).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name, value] as [string, string]] : [],
    );
    const sent = new Request(url, { method: request.method, headers, body: body.length > 0 ? new Uint8Array(body) : undefined });
    const response = await yoga.fetch(sent, ctx);
    return {
      status: response.status,
      contentType: response.headers.get('content-type') ?? 'application/json; charset=utf-8',
      body: Buffer.from(await response.arrayBuffer()),
    };
  };
}
