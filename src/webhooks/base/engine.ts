// What every stage is handed: the host, the database, the keys and the installation's settings.
import type { LookupAddress } from 'node:dns';
import type { Pool } from 'pg';
import type { Logger } from '../../runtime/logger.js';
import type { NoticedFinding } from './capture-finding.js';
import type { Host } from './model.js';
import type { Endpoint, Guard } from './network/guard.js';
import type { ConfiguredLimits } from './query/query-limits.js';
import type { Vault } from './secrets/vault.js';
import type { Renderer } from './templates/renderer.js';

export interface Settings {
  /** Where a node can be looked at, for notifications of subscriptions without a query; absent or `null`: they have its id alone. */
  objectUrl?: (nodeId: string) => string | null;
  /** `X-Scope-Domain`. */
  domain: string;
  /** The prefix of our headers, e.g. `X-Scope-`. */
  headerPrefix: string;
  /** CIDRs that deliveries may reach although they are not public; `http:` is accepted only there. */
  allowedNetworks: string[];
  /** Ports that deliveries may use, as `443,8000-8999,!8500`; default: USUAL_PORTS of runtime/ports.ts. */
  allowedPorts?: string;
  /** Our own parts, which no delivery reaches, even in an allowed network. */
  forbiddenEndpoints?: Endpoint[];
  /** PEM of authorities that are trusted beside those that Node brings. */
  caCertificates?: string[];
  /** Every delivery goes through a CONNECT tunnel of this proxy: `http://user:password@host:port`, or https. */
  egressProxy?: string;
  /** All addresses of a name; default: what the system's resolver answers. */
  lookup?: (hostname: string) => Promise<readonly LookupAddress[]>;
  /** What subscriptions may do with the installation's own AWS credentials; absent: nothing. */
  sns?: {
    /** Accounts whose topics they may publish to and whose roles they may assume: `123456789012`, or `123456789012:tenant`. */
    accounts: string[];
    /** Where topics of ours are made, as the beginning of their ARN: `arn:aws:sns:eu-central-1:123456789012`; null: nowhere. */
    managedTopics: string | null;
  };
  /** Limits of a stored query, fragments expanded. */
  queryLimits: ConfiguredLimits;
  /** Milliseconds after which the execution of a stored query is given up, whatever it waits for; default 8,000. */
  queryDeadlineMs?: number;
  /** Milliseconds between two looks at whether the announced tables are captured; default 60,000. */
  captureWatchMs?: number;
}

export interface Engine {
  pool: Pool;
  host: Host;
  vault: Vault;
  renderer: Renderer;
  settings: Settings;
  /** Every connection that a subscription causes goes through this one. */
  guard: Guard;
  log: Logger;
  /** Whether the announced tables are captured. */
  capture: { findings(): Promise<NoticedFinding[]> };
  /** 0 ≤ x < 1; the jitter of retries. */
  random: () => number;
}
