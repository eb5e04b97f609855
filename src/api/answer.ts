// What a route decided in, an HTTP response out.
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  contentType: string;
  body: string | Buffer;
}

export function json(status: number, value: unknown): Answer {
  return { status, contentType: 'application/json; charset=utf-8', body: JSON.stringify(value) };
}

export function plain(status: number, body: string): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body };
}

export function html(body: string): Answer {
  return { status: 200, contentType: 'text/html; charset=utf-8', body };
}

/** Resolves when everything is handed to the connection, or the client went away. */
export function send(response: ServerResponse, request: IncomingMessage, { status, headers, contentType, body }: Answer): Promise<void> {
  return new Promise((resolve) => {
    response.on('close', resolve);
    response.writeHead(status, {
      'Content-Type': contentType,
      'Content-Length': Buffer.byteLength(body),
      'X-Content-Type-Options': 'nosniff',
      ...headers,
    });
    response.end(request.method === 'HEAD' ? undefined : body, resolve);
  });
}
