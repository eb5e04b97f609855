// Creates the sample product's application from an installation's configuration, keys and log.

import type { App as ServedApp } from '../api/index.js';
import { API_PATH } from '../runtime/api-path.js';
import type { Config } from '../runtime/config.js';
import { databaseEndpoints } from '../runtime/database.js';
import type { Logger } from '../runtime/logger.js';
import type { ApiAddress, DestinationOptions, Endpoint, Retention, Settings } from '../webhooks/index.js';
import { loadSample, type Sample, type SampleApp } from './sample.js';

export interface AppOptions {
  config: Config;
  databaseUrl: string;
  /** Keys that encrypt the secrets in the database: 32 bytes each, newest first. */
  keys: Buffer[];
  /** Reads the key file again. Absent when the keys come from an environment variable, which can't change. */
  reloadKeys?: () => Promise<Buffer[]>;
  log: Logger;
  /** The operator's options for each kind of destination, such as the AWS accounts that subscriptions may use. */
  destinations?: Partial<DestinationOptions>;
}

export interface App extends ServedApp, SampleApp, Pick<Sample, 'first'> {
  /** Uses another address of the API in payloads and headers from now on. */
  moveTo(address: ApiAddress): void;
}

export async function createApp({ config, databaseUrl, keys, reloadKeys, log, destinations }: AppOptions): Promise<App> {
  const { openSample, tabs, first } = await loadSample();
  const address = { baseUrl: config.baseUrl };
  const sample = await openSample({
    database: databaseUrl,
    databaseSchema: config.databaseSchema,
    keys,
    ...(reloadKeys && { reloadKeys }),
    log,
    queryTimeoutMs: config.queryTimeoutMs,
    settings: {
      ...settingsOf(config, databaseUrl),
      objectUrl: (nodeId) => `${address.baseUrl}${API_PATH}/object/${nodeId}`,
      ...destinations,
    },
    adminToken: config.adminToken,
    operators: config.operators,
  });
  const moveTo = ({ baseUrl, domain }: ApiAddress) => {
    address.baseUrl = baseUrl;
    sample.webhooks.engine.settings.domain = domain;
    sample.webhooks.forbid(publicEndpoint(baseUrl));
  };
  return { config, log, tabs, first, ...sample, moveTo };
}

/** Returns how long the installation keeps history. */
export function retentionOf(config: Config): Retention {
  const days = (count: number) => (count === 0 ? null : count);
  return {
    bodies: days(config.keepBodiesDays),
    attempts: days(config.keepAttemptsDays),
    errors: days(config.keepErrorsDays),
    events: days(config.keepEventsDays),
    bytes: config.keepGigabytes === 0 ? null : config.keepGigabytes * 1e9,
  };
}

function settingsOf(config: Config, databaseUrl: string): Partial<Settings> {
  return {
    domain: config.domain,
    headerPrefix: config.headerPrefix,
    allowedNetworks: config.allowedNetworks,
    allowedPorts: config.allowedPorts,
    caCertificates: config.caCertificates ?? [],
    ...(config.egressProxy !== null && { egressProxy: config.egressProxy }),
    forbiddenEndpoints: ownEndpoints(config, databaseUrl),
    attemptLog: config.logAttempts === null ? null : { level: config.logAttemptsLevel, share: config.logAttempts },
    captureWatchMs: config.captureWatchSeconds * 1000,
    retention: retentionOf(config),
    limits: {
      requestMs: config.requestTimeoutMs,
      connectMs: config.connectTimeoutMs,
      inProgress: config.maxInProgress,
      perSubscription: config.maxPerSubscription,
      perOrigin: config.maxPerOrigin,
      silenceMs: config.databaseSilenceMs,
      stallMs: config.loopStallMs,
      stopMs: config.stopTimeoutMs,
      subscriptionsPerTopic: config.maxSubscriptionsPerTopic,
    },
    queryLimits: { fields: config.queryMaxFields, depth: config.queryMaxDepth, cost: config.queryMaxCost },
  };
}

/**
 * Returns the host and port of this installation's database and API, which deliveries must not reach. The API's public
 * host is matched by its name only, because behind a load balancer its addresses may also belong to other hosts. With
 * port 0, the API's port is added once the API listens on it.
 */
function ownEndpoints({ host, port, baseUrl }: Config, databaseUrl: string): Endpoint[] {
  return [...databaseEndpoints(databaseUrl), ...(port === 0 ? [] : [{ host, port }]), publicEndpoint(baseUrl)];
}

function publicEndpoint(baseUrl: string): Endpoint {
  const { hostname, port, protocol } = new URL(baseUrl);
  return { host: hostname, port: Number(port || (protocol === 'https:' ? 443 : 80)), byName: true };
}
