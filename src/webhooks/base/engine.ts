// Declares the engine, the object that every stage receives: host, database, encryption keys and settings.
import type { LookupAddress } from 'node:dns';
import type { Pool } from 'pg';
import type { Level, Logger } from '../../runtime/logger.js';
import type { NoticedFinding } from './capture-finding.js';
import type { Deadlines, Limits } from './deadlines.js';
import type { Loops } from './loops.js';
import type { Meter } from './meter.js';
import type { Host } from './model.js';
import type { Endpoint, Guard } from './network/guard.js';
import type { ConfiguredLimits } from './query/query-limits.js';
import type { Vault } from './secrets/vault.js';
import type { Retention } from './store/retention-limits.js';
import type { Renderer } from './templates/renderer.js';

/** One field for each kind of destination, with the installation's settings. Each folder of `destinations/` adds the field of its kind. */
// biome-ignore lint/suspicious/noEmptyInterface: kinds of destinations add their fields by declaration merging.
export interface DestinationOptions {}

export interface AttemptLogSettings {
  /**
   * Level of the log lines of failed attempts, and of the sampled successful and skipped attempts (see `share`). Other attempts are logged
   * at `debug`.
   */
  level: Level;
  /** Share of the deliveries whose successful and skipped attempts are logged at `level`, from 0 to 1. */
  share: number;
}

export interface Settings extends Partial<DestinationOptions> {
  /**
   * Returns the URL of a node, for the payload of subscriptions without a query. If the function is absent or returns `null`, that payload
   * contains only the node's id.
   */
  objectUrl?: (nodeId: string) => string | null;
  /** The value of the header `<headerPrefix>Domain`, e.g. `X-Scope-Domain`. */
  domain: string;
  /** The prefix of Hookgraph's own headers, e.g. `X-Scope-`. */
  headerPrefix: string;
  /** CIDRs of networks that deliveries may reach although they are not public. `http:` is accepted only for these. */
  allowedNetworks: string[];
  /** Ports that deliveries may use, e.g. `443,8000-8999,!8500`. Default: USUAL_PORTS of runtime/ports.ts. */
  allowedPorts?: string;
  /** Hookgraph's own endpoints, such as its database. No delivery reaches them, even in an allowed network. */
  forbiddenEndpoints?: Endpoint[];
  /** PEM certificates of authorities to trust in addition to those of Node. */
  caCertificates?: string[];
  /** The proxy through which every delivery is tunnelled (CONNECT), e.g. `http://user:password@host:port` or an https URL. */
  egressProxy?: string;
  /** Resolves a host name to all its addresses. Default: uses DNS queries and the system's other sources, such as /etc/hosts. */
  lookup?: (hostname: string) => Promise<readonly LookupAddress[]>;
  /** Limits of a stored query, counted with its fragments expanded. */
  queryLimits: ConfiguredLimits;
  /** Deadlines and limits of deliveries; defaults and bounds are in base/deadlines.ts. */
  limits?: Partial<Limits>;
  /**
   * How attempts are logged; `null`: not at all. Default: failures at `info`, other attempts at `debug`. See docs/logs-and-traces.md.
   */
  attemptLog?: AttemptLogSettings | null;
  /** Milliseconds between two checks whether triggers record the changes of the announced tables. Default: 60,000. */
  captureWatchMs?: number;
  /** How long history is kept. Default: `DEFAULT_RETENTION` in base/store/retention-limits.ts. */
  retention?: Partial<Retention>;
}

export interface Engine {
  pool: Pool;
  host: Host;
  vault: Vault;
  renderer: Renderer;
  settings: Settings;
  deadlines: Deadlines;
  /** Every connection made for a subscription must go through this guard. */
  guard: Guard;
  log: Logger;
  /** Receives counts and durations for the metrics. */
  meter: Meter;
  /** Keeps the progress of each loop of the worker in this process; empty while no worker runs here. */
  loops: Loops;
  /** Returns the faults of the announced tables' triggers, by which changes are lost or recorded in another form than announced. */
  capture: { findings(): Promise<NoticedFinding[]> };
  /** Returns a random number 0 ≤ x < 1, for the jitter of retry delays. */
  random: () => number;
}
