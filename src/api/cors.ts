// Creates the CORS headers for the origins that the operator has allowed. By default no origin is allowed.
import type { IncomingMessage } from 'node:http';
import { type Answer, problem } from './answer.js';

/** Returns the CORS headers for a page of an allowed origin. Never allows credentials, because API tokens aren't cookies. */
export function corsHeaders({ headers }: IncomingMessage, origins: string[]): Record<string, string> {
  if (origins.length === 0) return {};
  const { origin } = headers;
  if (origin === undefined || !origins.includes(origin)) return { Vary: 'Origin' };
  return { Vary: 'Origin', 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': '*' };
}

/** Answers a browser's preflight request. */
export function answerPreflight(request: IncomingMessage, { origins, methods }: { origins: string[]; methods: string }): Answer {
  const { origin } = request.headers;
  if (origin === undefined || !origins.includes(origin))
    return problem(403, 'Web pages of this origin may not use the API. The operator can allow the origin in HOOKGRAPH_CORS_ORIGINS.');
  const headers = {
    'Access-Control-Allow-Methods': methods,
    'Access-Control-Allow-Headers': 'Authorization, Content-Type, Traceparent, X-Request-Id',
    'Access-Control-Max-Age': '600',
  };
  return { status: 204, contentType: '', body: '', headers };
}
