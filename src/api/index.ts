// A joined app and an address in, an HTTP server out that can drain.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { App } from '../app.js';
import { createRoutes } from './routes.js';

/** Open requests get this long to end when the server stops. */
const DRAIN_MS = 10_000;

export interface Api {
  /** Where it listens, without a trailing slash. */
  url: string;
  /** Accepts nothing more, lets open requests end, then resolves. */
  stop(): Promise<void>;
}

/** Rejects where the address is taken. */
export async function startApi(app: App, { host, port }: { host: string; port: number }): Promise<Api> {
  const answer = createRoutes(app);
  let stopping = false;
  const server = createServer((request, response) => {
    // A kept-alive connection would keep a stopping server open.
    if (stopping) response.setHeader('Connection', 'close');
    void answer(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    url: urlOf(server, host),
    stop: () => {
      stopping = true;
      return drain(server);
    },
  };
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

function drain(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
