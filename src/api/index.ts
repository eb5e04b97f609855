// Starts the HTTP server of the API; stopping it waits for open requests.
import { createServer, type Server, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { problem } from './answer.js';
import type { App } from './app.js';
import { createRoutes } from './routes.js';
import { securityHeaders } from './security-headers.js';

export type { App } from './app.js';

/** Milliseconds after which a stopping server closes the connections of unfinished requests. */
const DRAIN_MS = 10_000;

/** Milliseconds within which a client must send the head of a request, and the whole request. */
export const ARRIVAL = { headMs: 10_000, requestMs: 30_000 };

export interface Api {
  /** The server's URL, without a trailing slash. */
  url: string;
  /** Stops accepting requests, and resolves when open requests have finished. */
  stop(): Promise<void>;
}

export interface ApiOptions {
  host: string;
  /** The port to listen on; 0 means any free port. */
  port: number;
  /** The API token that the explorer contains for requests from this machine. Default: none. */
  localToken?: string | null;
  /** Time limits for receiving a request. Default: `ARRIVAL`. */
  arrival?: typeof ARRIVAL;
  /** The clock of the console's sessions, in milliseconds. Default: `Date.now`. */
  now?: () => number;
}

/** Starts the server. Rejects when the address is in use. */
export async function startApi(app: App, { host, port, localToken = null, arrival = ARRIVAL, now }: ApiOptions): Promise<Api> {
  const answer = createRoutes(app, { host, localToken, now });
  const open = new Set<Promise<void>>();
  const server = createServer(
    { headersTimeout: arrival.headMs, requestTimeout: arrival.requestMs, connectionsCheckingInterval: arrival.headMs / 2 },
    (request, response) => {
      const answering = answer(request, response).finally(() => open.delete(answering));
      open.add(answering);
    },
  );
  refuseUnreadable(server, app.config);
  await listen(server, host, port);
  app.webhooks.forbid({ host, port: (server.address() as AddressInfo).port });
  return { url: urlOf(server, host), stop: () => drain(server, open) };
}

/**
 * Answers requests that reach no route: invalid HTTP, a head that is too large, a request that arrives too slowly, CONNECT, and an
 * `Expect` header other than `100-continue`. Node would answer the last two without a body.
 */
function refuseUnreadable(server: Server, config: App['config']): void {
  const headers = Object.entries(securityHeaders(config)).map(([name, value]) => `${name}: ${value}`);
  const refuse = (socket: Duplex, status: number, message: string) => {
    const { body, contentType } = problem(status, message);
    const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, 'Connection: close', `Content-Type: ${contentType}`, ...headers];
    socket.end(`${[...head, `Content-Length: ${Buffer.byteLength(body)}`].join('\r\n')}\r\n\r\n${body}`);
  };
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
    if (error.code === 'HPE_HEADER_OVERFLOW') return refuse(socket, 431, 'The headers of the request are too large.');
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return refuse(socket, 408, 'The request took too long to arrive.');
    refuse(socket, 400, 'The request is not valid HTTP.');
  });
  server.on('connect', (_request, socket) => {
    socket.on('error', () => {});
    refuse(socket, 405, 'CONNECT is not allowed here.');
  });
  server.on('checkExpectation', ({ socket }) => refuse(socket, 417, 'The only expectation that is met is 100-continue.'));
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

async function drain(server: Server, open: Set<Promise<void>>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const late = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  while (open.size > 0) await Promise.all(open);
  clearTimeout(late);
  // All remaining connections are idle keep-alive connections.
  server.closeAllConnections();
  await closed;
}
