// What every stage is handed: the host, the database, the keys and the installation's settings.
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Host } from './model.js';
import type { Vault } from './vault.js';

export interface Settings {
  /** Public address of the API, without a trailing slash; the stem of object URLs. */
  baseUrl: string;
  /** `X-Scope-Domain`. */
  domain: string;
  /** The prefix of our headers, e.g. `X-Scope-`. */
  headerPrefix: string;
  /** CIDRs that deliveries may reach although they are not public; `http:` is accepted only there. */
  allowedNetworks: string[];
  /** Limits of a stored query, fragments expanded. */
  queryLimits: { fields: number; depth: number };
}

export interface Engine {
  pool: Pool;
  host: Host;
  vault: Vault;
  settings: Settings;
  log: Logger;
  /** 0 ≤ x < 1; the jitter of retries. */
  random: () => number;
}
