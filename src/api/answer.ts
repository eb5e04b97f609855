// What a route decided in, an HTTP response out.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { stringifyJson } from '../runtime/exact-json.mjs';

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  contentType: string;
  body: string | Buffer;
}

export function json(status: number, value: unknown): Answer {
  return { status, contentType: 'application/json; charset=utf-8', body: stringifyJson(value) };
}

/** A mistake in a request, in the shape of GraphQL's errors. */
export function problem(status: number, message: string): Answer {
  return json(status, { errors: [{ message }] });
}

export function plain(status: number, body: string): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body };
}

/**
 * Resolves when everything is handed to the connection, or the client went away.
 * @param guards headers of every response; an answer's own come over them
 */
export function send(
  response: ServerResponse,
  request: IncomingMessage,
  { status, headers, contentType, body }: Answer,
  guards: Record<string, string>,
): Promise<void> {
  return new Promise((resolve) => {
    // Closed already: neither `close` nor the end of writing would ever be told.
    if (response.closed) return resolve();
    response.on('close', resolve);
    // No content is of no type.
    const content = status === 204 ? {} : { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) };
    response.writeHead(status, { ...guards, ...content, ...headers });
    response.end(request.method === 'HEAD' || status === 204 ? undefined : body, resolve);
  });
}
