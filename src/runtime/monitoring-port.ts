// Serves /healthz, /readyz and /metrics on a separate port, so that operators can keep these pages from the public.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { explainPort } from './free-port.js';
import type { Logger } from './logger.js';
import type { MetricsText } from './metrics/metrics.js';

export interface MonitoringOptions {
  host: string;
  /** The port to listen on; 0 means any free port. */
  port: number;
  readiness(): Promise<{ status: number; body: object }>;
  metrics(): Promise<MetricsText>;
  log: Logger;
}

export interface MonitoringPort {
  /** The port's URL, without a trailing slash. */
  url: string;
  host: string;
  port: number;
  stop(): Promise<void>;
}

interface Page {
  status: number;
  contentType: string;
  body: string;
}

const JSON_TYPE = 'application/json; charset=utf-8';
const json = (status: number, body: object): Page => ({ status, contentType: JSON_TYPE, body: JSON.stringify(body) });

/** Opens the port. Rejects when the address is in use. */
export async function openMonitoringPort({ host, port, readiness, metrics, log }: MonitoringOptions): Promise<MonitoringPort> {
  const pages: Partial<Record<string, () => Promise<Page>>> = {
    __proto__: null as never,
    // Doesn't check the database, because a restart of this process wouldn't repair it.
    '/healthz': async () => json(200, { status: 'alive' }),
    '/readyz': async () => {
      const { status, body } = await readiness();
      return json(status, body);
    },
    '/metrics': async () => ({ status: 200, ...(await metrics()) }),
  };
  const answer = async (method: string | undefined, path: string): Promise<Page> => {
    const page = pages[path];
    if (!page) return json(404, { status: `${path} does not exist; the paths are ${Object.keys(pages).join(', ')}.` });
    if (method !== 'GET' && method !== 'HEAD') return json(405, { status: `${method} is not allowed here; use GET.` });
    return page().catch((error) => {
      log.error({ err: error, path }, 'a request to the monitoring port failed');
      return json(500, { status: 'The request failed with an internal error; see the log.' });
    });
  };
  const server = createServer(async (request, response) => {
    const path = (request.url ?? '/').split('?')[0] as string;
    const { status, contentType, body } = await answer(request.method, path);
    response.writeHead(status, {
      'Content-Type': contentType,
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  }).catch(explainPort(host, port, (free) => `HOOKGRAPH_MONITORING_PORT=${free}`));
  const { port: opened } = server.address() as AddressInfo;
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return {
    url: `http://${name.includes(':') ? `[${name}]` : name}:${opened}`,
    host,
    port: opened,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
