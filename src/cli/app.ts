// Joins the sample product with what its installation says: configuration, keys and log.

import type { App as ServedApp } from '../api/index.js';
import type { Config } from '../runtime/config.js';
import { databaseEndpoint } from '../runtime/database.js';
import type { Logger } from '../runtime/logger.js';
import type { Endpoint, Settings } from '../webhooks/index.js';
import { loadSample, type Sample, type SampleApp } from './sample.js';

export interface AppOptions {
  config: Config;
  databaseUrl: string;
  /** 32-byte keys for secrets at rest, newest first. */
  keys: Buffer[];
  /** Reads the keys again, where one can be added while this process runs. */
  reloadKeys?: () => Promise<Buffer[]>;
  log: Logger;
}

export type App = ServedApp & SampleApp & Pick<Sample, 'first'>;

export async function createApp({ config, databaseUrl, keys, reloadKeys, log }: AppOptions): Promise<App> {
  const { openSample, tabs, first } = await loadSample();
  const sample = await openSample({
    database: databaseUrl,
    databaseSchema: config.databaseSchema,
    keys,
    ...(reloadKeys && { reloadKeys }),
    log,
    queryTimeoutMs: config.queryTimeoutMs,
    settings: settingsOf(config, databaseUrl),
    adminToken: config.adminToken,
    operators: config.operators,
  });
  return { config, log, tabs, first, ...sample };
}

function settingsOf(config: Config, databaseUrl: string): Partial<Settings> {
  return {
    objectUrl: (nodeId) => `${config.baseUrl}/api/v3/graphql/object/${nodeId}`,
    domain: config.domain,
    headerPrefix: config.headerPrefix,
    allowedNetworks: config.allowedNetworks,
    allowedPorts: config.allowedPorts,
    caCertificates: config.caCertificates ?? [],
    sns: { accounts: config.snsAccounts, managedTopics: config.snsManaged },
    ...(config.egressProxy !== null && { egressProxy: config.egressProxy }),
    forbiddenEndpoints: ownEndpoints(config, databaseUrl),
    captureWatchMs: config.captureWatchSeconds * 1000,
    queryLimits: { fields: config.queryMaxFields, depth: config.queryMaxDepth, cost: config.queryMaxCost },
  };
}

/**
 * Where a delivery would meet ourselves. The public address counts by its name alone: behind a load balancer its addresses belong to
 * others, too. A port that the system chooses is added when the API listens.
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
