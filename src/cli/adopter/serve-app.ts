// Runs an application's Hookgraph until a signal: its API over HTTP, its worker, or both.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServerAdapter } from '@whatwg-node/server';
import type { Hookgraph } from '../../index.js';
import { explainPort } from '../../runtime/free-port.js';
import { within } from '../../runtime/time-limit.js';
import type { ServiceOutput } from '../service-output.js';
import { monitoringLine } from '../welcome.js';

/** Maximum milliseconds to wait for the database connections to close after the worker has stopped. */
const CLOSE_MS = 2_000;

export interface ServeAppOptions {
  api: boolean;
  worker: boolean;
  host: string;
  port: number;
  /** The address of /healthz, /readyz and /metrics; `null`: they aren't served. */
  monitoring: { host: string; port: number } | null;
  output: ServiceOutput;
  /** Aborts when the process should stop. */
  stopped: AbortSignal;
}

export async function serveApp(hooks: Hookgraph, { api, worker, host, port, monitoring, output, stopped }: ServeAppOptions): Promise<void> {
  const parts: (() => Promise<void>)[] = [];
  try {
    if (worker) {
      const working = await hooks.work();
      parts.push(() => working.stop());
    }
    if (api) {
      const server = createServer(createServerAdapter(hooks.handler));
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, resolve);
      }).catch(explainPort(host, port, (free) => `PORT=${free}`));
      parts.push(() => new Promise((resolve) => server.close(() => resolve())));
      const { port: open } = server.address() as AddressInfo;
      hooks.webhooks.forbid({ host, port: open });
      const url = `http://${host}:${open}`;
      output.announce(`The API listens on ${url}`, 'the API is running', { url });
    }
    if (monitoring) {
      const opened = await hooks.monitor(monitoring);
      parts.push(opened.stop);
      output.announce(monitoringLine(opened.url), 'the monitoring port is open', { url: opened.url });
    }
    if (worker) output.announce('The worker is running.', 'the worker is running');
    await new Promise<void>((resolve) => stopped.addEventListener('abort', () => resolve(), { once: true }));
    const stopping = 'requests and deliveries in flight are finished first';
    output.announce(`Stopping: ${stopping}.`, `stopping: ${stopping}`);
  } finally {
    await Promise.all(parts.map((stop) => stop()));
    // A database that doesn't answer must not keep the process from ending.
    await within(CLOSE_MS, hooks.close());
  }
}
