// Defines the result of a route (`Answer`), and writes it as an HTTP response.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { REQUEST_ID_HEADER } from '../graphql/http/request-ids.js';
import { stringifyJson } from '../runtime/exact-json.mjs';

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  contentType: string;
  body: string | Buffer;
  /** The errors that the body consists of, if it consists of errors. */
  errors?: ShownError[];
}

interface ShownError {
  message: string;
  extensions?: Record<string, unknown>;
}

export function json(status: number, value: unknown): Answer {
  return { status, contentType: 'application/json; charset=utf-8', body: stringifyJson(value) };
}

/** Returns an error response whose body has the shape of a GraphQL error. */
export function problem(status: number, message: string, extensions?: Record<string, unknown>): Answer {
  const errors = [{ message, ...(extensions && { extensions }) }];
  return { ...json(status, { errors }), errors };
}

/** Adds the request's id to the headers of an answer, and to its errors. */
export function named(answer: Answer, requestId: string): Answer {
  const { errors, headers } = answer;
  const shown = errors?.map(({ message, extensions }) => ({ message, extensions: { ...extensions, requestId } }));
  return { ...answer, ...(shown && json(answer.status, { errors: shown })), headers: { ...headers, [REQUEST_ID_HEADER]: requestId } };
}

export function plain(status: number, body: string): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body };
}

/**
 * Writes the answer. Resolves when the response was handed to the connection, or the client has disconnected.
 * @param guards the security headers of every response; the answer's own headers override them
 */
export function send(
  response: ServerResponse,
  request: IncomingMessage,
  { status, headers, contentType, body }: Answer,
  guards: Record<string, string>,
): Promise<void> {
  return new Promise((resolve) => {
    // On a closed response, neither `close` nor the callback of `end` would fire.
    if (response.closed) return resolve();
    response.on('close', resolve);
    // A response without content has no content type.
    const content = status === 204 ? {} : { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) };
    response.writeHead(status, { ...guards, ...content, ...headers });
    response.end(request.method === 'HEAD' || status === 204 ? undefined : body, resolve);
  });
}
