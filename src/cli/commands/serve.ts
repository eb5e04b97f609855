// Runs the sample product's API, its worker or both until a signal, and finishes requests and deliveries in progress.
import { type Api, startApi } from '../../api/index.js';
import { type Environment, readConfig } from '../../runtime/config.js';
import { explainPort, refuseTakenPort } from '../../runtime/free-port.js';
import { LATE, within } from '../../runtime/time-limit.js';
import { startWorker } from '../../worker/index.js';
import { shareAddress } from '../address.js';
import type { Cli } from '../command.js';
import { type Installation, openInstallation } from '../installation.js';
import { announcedUrl, announceLocalApi } from '../local-api.js';
import { outlastOutput } from '../outlast-output.js';
import { makeSampleData } from '../sample-data.js';
import type { ServiceOutput } from '../service-output.js';
import { written } from '../terminal.js';
import { emptyWelcome, monitoringLine, welcome } from '../welcome.js';

/** The parts of Hookgraph that the process runs. */
export interface Roles {
  api: boolean;
  worker: boolean;
  /** Migrate the database, and create the sample data in the embedded Postgres on the first start. */
  prepare: boolean;
}

export interface ServeOptions extends Roles {
  /** Port of /healthz, /readyz and /metrics. Default: the configured port. */
  monitoringPort?: number;
  /** Create the sample data in a database of the operator's own, too. */
  sampleData?: boolean;
}

/** Maximum milliseconds to wait for the connections to close after the worker has stopped. */
const CLOSE_MS = 2_000;

interface Part {
  stop(): Promise<void>;
}

export async function serve(
  { monitoringPort, sampleData, ...roles }: ServeOptions,
  { terminal, env }: Pick<Cli, 'terminal' | 'env'>,
  output: ServiceOutput,
): Promise<void> {
  outlastOutput(process.stdout, process.stderr);
  const stopping = nextSignal();
  if (roles.api) await refuseTakenEarly(env);
  const installation = await openInstallation({ prepare: roles.prepare, join: !roles.prepare, env, say: output.say });
  const { app, config, log, postgres } = installation;
  const parts: Part[] = [];
  try {
    const isSeeded = roles.prepare && (postgres !== null || sampleData === true);
    const token = isSeeded ? await makeSampleData(installation) : null;
    if (roles.worker) parts.push(await startWorker(app));
    const api = roles.api ? await openApi(installation, token) : null;
    if (api) parts.push(api, { stop: await announceLocalApi(config, api.url) });
    const endSharing = await shareAddress(installation, { isApi: roles.api, env });
    parts.push({ stop: async () => endSharing() });
    const port = monitoringPort ?? config.monitoringPort;
    if (port !== null) {
      const monitoring = await app.monitor({ host: config.monitoringHost, port });
      parts.push(monitoring);
      output.announce(monitoringLine(monitoring.url), 'the monitoring port is open', { url: monitoring.url });
    }
    if (!api) output.announce('The worker is running.', 'the worker is running');
    else if (await app.hasOrganization()) {
      // The operator's own database serves real users, so the token is shown only on a terminal and never written to a file or journal.
      const shown = postgres !== null || terminal.isTty ? token : null;
      const text = welcome({ url: api.url, config, token: shown, embedded: postgres !== null, first: app.first });
      output.announce(text, 'the API is running', { url: api.url });
    } else {
      const hint = 'There is no organization yet. Create one with `hookgraph create-organization`.';
      output.announce(emptyWelcome(api.url), 'the API is running', { url: api.url, hint });
    }
  } catch (error) {
    await stop(parts, installation);
    throw error;
  }
  const cause = await Promise.race([stopping, postgres?.exited.then(() => 'Postgres') ?? new Promise<never>(() => {})]);
  if (cause === 'Postgres') {
    // Without the database, no attempt can be recorded. The leases of deliveries in progress expire, and the next start of
    // Hookgraph sends these deliveries again.
    log.fatal('the embedded Postgres ended unexpectedly; this process exits');
    await written(process.stdout, process.stderr);
    process.exit(1);
  }
  output.announce(
    'Stopping: requests and deliveries in flight are finished first. Press Ctrl-C again to stop at once.',
    'stopping: requests and deliveries in flight are finished first',
  );
  if ((await within(config.stopTimeoutMs + CLOSE_MS, stop(parts, installation))) === LATE)
    log.error('the process could not close its connections in time; it exits');
  await written(process.stdout, process.stderr);
  process.exit(0);
}

const byPort = (free: number): string => `PORT=${free}`;

/** Refuses a taken port before the slow steps of a first start, unless the Hookgraph of this folder uses it. */
async function refuseTakenEarly(env: Environment): Promise<void> {
  const config = readConfig(env);
  if ((await announcedUrl(config)) === null) await refuseTakenPort(config.host, config.port, byPort);
}

function openApi({ app, config: { host, port }, postgres }: Installation, token: string | null): Promise<Api> {
  return startApi(app, { host, port, localToken: postgres ? token : null }).catch(explainPort(host, port, byPort));
}

async function stop(parts: Part[], installation: Installation): Promise<void> {
  await Promise.all(parts.map((part) => part.stop()));
  await installation.close();
}

/** Resolves at the first signal; a second signal ends the process at once. */
function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    let firstAt: number | null = null;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (firstAt === null) {
          firstAt = Date.now();
          resolve(signal);
          // A second signal within 500 ms is ignored: under npm, one Ctrl-C arrives from the terminal and again from npm.
        } else if (Date.now() - firstAt > 500) process.exit(130);
      });
    }
  });
}
