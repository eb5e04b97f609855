// Creates the sample product's application from an installation's configuration, keys and log.

import type { App as ServedApp } from '../api/index.js';
import { API_PATH } from '../runtime/api-path.js';
import type { Config } from '../runtime/config.js';
import { databaseEndpoint } from '../runtime/database.js';
import type { Logger } from '../runtime/logger.js';
import type { DestinationOptions, Endpoint, Settings } from '../webhooks/index.js';
import { loadSample, type Sample, type SampleApp } from './sample.js';

export interface AppOptions {
  config: Config;
  databaseUrl: string;
  /** Keys of 32 bytes for secrets at rest, newest first. */
  keys: Buffer[];
  /** Reads the keys again, when a key can be added while this process runs. */
  reloadKeys?: () => Promise<Buffer[]>;
  log: Logger;
  /** The installation's options of each kind of destination. */
  destinations?: Partial<DestinationOptions>;
}

export type App = ServedApp & SampleApp & Pick<Sample, 'first'>;

export async function createApp({ config, databaseUrl, keys, reloadKeys, log, destinations }: AppOptions): Promise<App> {
  const { openSample, tabs, first } = await loadSample();
  const sample = await openSample({
    database: databaseUrl,
    databaseSchema: config.databaseSchema,
    keys,
    ...(reloadKeys && { reloadKeys }),
    log,
    queryTimeoutMs: config.queryTimeoutMs,
    settings: { ...settingsOf(config, databaseUrl), ...destinations },
    adminToken: config.adminToken,
    operators: config.operators,
  });
  return { config, log, tabs, first, ...sample };
}

function settingsOf(config: Config, databaseUrl: string): Partial<Settings> {
  return {
    objectUrl: (nodeId) => `${config.baseUrl}${API_PATH}/object/${nodeId}`,
    domain: config.domain,
    headerPrefix: config.headerPrefix,
    allowedNetworks: config.allowedNetworks,
    allowedPorts: config.allowedPorts,
    caCertificates: config.caCertificates ?? [],
    ...(config.egressProxy !== null && { egressProxy: config.egressProxy }),
    forbiddenEndpoints: ownEndpoints(config, databaseUrl),
    attemptLog: config.logAttempts === null ? null : { level: config.logAttemptsLevel, share: config.logAttempts },
    captureWatchMs: config.captureWatchSeconds * 1000,
    limits: {
      requestMs: config.requestTimeoutMs,
      connectMs: config.connectTimeoutMs,
      inProgress: config.maxInProgress,
      perSubscription: config.maxPerSubscription,
      perOrigin: config.maxPerOrigin,
    },
    queryLimits: { fields: config.queryMaxFields, depth: config.queryMaxDepth, cost: config.queryMaxCost },
  };
}

/**
 * Returns the endpoints of this installation, which deliveries must not reach. The public host is matched by its name
 * only, because behind a load balancer its addresses may also belong to other hosts. A port chosen by the system is
 * added when the API listens.
 */
function ownEndpoints({ host, port, baseUrl }: Config, databaseUrl: string): Endpoint[] {
  const database = databaseEndpoint(databaseUrl);
  const { hostname, port: basePort, protocol } = new URL(baseUrl);
  return [
    ...(database ? [database] : []),
    ...(port === 0 ? [] : [{ host, port }]),
    { host: hostname, port: Number(basePort || (protocol === 'https:' ? 443 : 80)), byName: true },
  ];
}
