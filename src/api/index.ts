// A joined app and an address in, an HTTP server out that can drain.
import { createServer, type Server, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import { problem } from './answer.js';
import type { App } from './app.js';
import { createRoutes } from './routes.js';
import { securityHeaders } from './security-headers.js';

export type { App } from './app.js';

/** Open requests get this long to end when the server stops. */
const DRAIN_MS = 10_000;

/** So long a client may take to send the head of a request, and all of it. */
export const ARRIVAL = { headMs: 10_000, requestMs: 30_000 };

export interface Api {
  /** Where it listens, without a trailing slash. */
  url: string;
  /** Accepts nothing more, lets open requests end, then resolves. */
  stop(): Promise<void>;
}

export interface ApiOptions {
  host: string;
  /** 0: any that is free. */
  port: number;
  /** A token for the explorer to fill in where only this machine can see it; absent: none. */
  localToken?: string | null;
  /** Absent: `ARRIVAL`. */
  arrival?: typeof ARRIVAL;
}

/** Rejects where the address is taken. */
export async function startApi(app: App, { host, port, localToken = null, arrival = ARRIVAL }: ApiOptions): Promise<Api> {
  const answer = createRoutes(app, { host, localToken });
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

/** What is no HTTP, has too large a head, or comes too slowly gets an answer all the same, and no connection. */
function refuseUnreadable(server: Server, config: App['config']): void {
  const headers = Object.entries(securityHeaders(config)).map(([name, value]) => `${name}: ${value}`);
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
    const [status, message] =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? [431, 'The head of the request is too large.']
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? [408, 'The request took too long to arrive.']
          : [400, 'This is no HTTP request that can be read.'];
    const { body, contentType } = problem(status, message);
    const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, 'Connection: close', `Content-Type: ${contentType}`, ...headers];
    socket.end(`${[...head, `Content-Length: ${Buffer.byteLength(body)}`].join('\r\n')}\r\n\r\n${body}`);
  });
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
  // What is connected now only waits for a further request.
  server.closeAllConnections();
  await closed;
}
