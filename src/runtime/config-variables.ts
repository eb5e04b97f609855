// Lists every environment variable with its name, meaning, parser and default.
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import { readCertificates } from './certificates.js';
import {
  attemptShare,
  databaseUrl,
  isDecodable,
  keys,
  list,
  networks,
  origins,
  orNull,
  url,
  type Variable,
  wholeNumber,
} from './config-texts.js';
import { DELIVERY_VARIABLES, type DeliveryConfig } from './delivery-variables.js';
import { HISTORY_VARIABLES, type HistoryConfig } from './history-variables.js';
import { loopbackAddress } from './loopback.js';
import { parsePorts, USUAL_PORTS } from './ports.js';
import { DEFAULT_SCHEMA, isSchemaName } from './schema-name.js';

export interface Config extends DeliveryConfig, HistoryConfig {
  port: number;
  host: string;
  /** The port of the health probes and metrics; `null`: the port isn't opened. */
  monitoringPort: number | null;
  monitoringHost: string;
  /** The URL of the database; `null`: Hookgraph runs the embedded Postgres. */
  databaseUrl: string | null;
  /** The Postgres schema of Hookgraph's own tables. */
  databaseSchema: string;
  /** The absolute path of the data folder. */
  dataDir: string;
  /** The public URL of the API, without a trailing slash. */
  baseUrl: string;
  domain: string;
  headerPrefix: string;
  /** The API token of the sample data's admin; `null`: a token is generated when the sample data is created. */
  adminToken: string | null;
  /** Ids of the users who may use the API fields that concern all tenants. */
  operators: string[];
  allowedNetworks: string[];
  /** The ports that deliveries may use: ports and ranges, with exceptions after `!`, e.g. `443,8000-8999,!8500`. */
  allowedPorts: string;
  /** Additional trusted CA certificates, one PEM text each; `null`: only the certificates that Node ships. */
  caCertificates: string[] | null;
  egressProxy: string | null;
  /** Keys of 32 bytes, newest first; `null`: a key file in the data folder is used. */
  encryptionKeys: Buffer[] | null;
  /** Maximum number of requests per second for each token; 0: no limit. */
  rateLimit: number;
  trustedProxies: string[];
  apiMaxCost: number;
  captureWatchSeconds: number;
  corsOrigins: string[];
  /**
   * Share (0 to 1) of the successful and skipped attempts to log at `logAttemptsLevel`; the rest is logged at `debug`. Failed attempts are
   * always logged at `logAttemptsLevel`. `null`: no attempt is logged.
   */
  logAttempts: number | null;
  /** Log level of the attempts that `logAttempts` selects. */
  logAttemptsLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  /**
   * URL of the Hookgraph server that the command line uses; `null`: the server of `hookgraph login`, else the local server.
   */
  url: string | null;
  token: string | null;
  /**
   * The header in which the command line sends its token; `null`: the header of the login, else `Authorization: Token
   * token=…`.
   */
  authHeader: string | null;
}

const hostName = z.string().regex(/^[\w.:-]+$/, 'must be a host name or an address');

export const VARIABLES: { [K in keyof Config]: Variable<Config[K]> } = {
  port: { name: 'PORT', meaning: 'port of the API; 0: any free port', parse: wholeNumber(0, 65535), fallback: '4000' },
  host: {
    name: 'HOST',
    meaning: 'address on which the API listens; 0.0.0.0: all addresses of this machine',
    parse: hostName,
    fallback: () => loopbackAddress(),
  },
  monitoringPort: {
    name: 'HOOKGRAPH_MONITORING_PORT',
    meaning: 'port of /healthz, /readyz and /metrics for operators, opened by API and worker; 0: any free port; absent: not opened',
    parse: orNull(wholeNumber(0, 65535)),
    fallback: null,
  },
  monitoringHost: {
    name: 'HOOKGRAPH_MONITORING_HOST',
    meaning:
      'address on which the monitoring port listens; it needs no authentication, so make it reachable only for Prometheus and your orchestrator',
    parse: hostName,
    fallback: () => loopbackAddress(),
  },
  databaseUrl: {
    name: 'DATABASE_URL',
    meaning: 'URL of a Postgres 15 or newer; absent: the embedded Postgres',
    parse: orNull(databaseUrl),
    fallback: null,
    secret: true,
  },
  databaseSchema: {
    name: 'HOOKGRAPH_DATABASE_SCHEMA',
    meaning: "Postgres schema of Hookgraph's own tables; two installations on one database need different schemas",
    parse: z
      .string()
      .refine(isSchemaName, 'must consist of letters, digits, spaces, hyphens and underscores, at most 56 bytes, and must not be public'),
    fallback: DEFAULT_SCHEMA,
  },
  dataDir: {
    name: 'HOOKGRAPH_DATA_DIR',
    meaning: 'folder of the embedded Postgres and of generated keys',
    parse: z.string().transform((path) => resolve(path)),
    fallback: '.hookgraph',
  },
  baseUrl: {
    name: 'HOOKGRAPH_BASE_URL',
    meaning:
      'public URL of the API; URLs of objects in payloads begin with this URL; the API stores it, and a worker that has none reads it',
    parse: url(['http:', 'https:'], 'https://hooks.example.com').transform((text) => text.replace(/\/+$/, '')),
    fallback: ({ PORT, HOST }) => `http://${reachable(HOST as string)}:${PORT}`,
  },
  domain: {
    name: 'HOOKGRAPH_DOMAIN',
    meaning: 'value of the header X-Scope-Domain in every notification; default: the host of HOOKGRAPH_BASE_URL',
    parse: z.string().regex(/^[\x21-\x7e]+$/, 'must be a domain name'),
    fallback: ({ HOOKGRAPH_BASE_URL }) =>
      URL.canParse(HOOKGRAPH_BASE_URL ?? '') ? new URL(HOOKGRAPH_BASE_URL as string).hostname : hostname(),
  },
  headerPrefix: {
    name: 'HOOKGRAPH_HEADER_PREFIX',
    meaning: "prefix of Hookgraph's headers in notifications",
    parse: z.string().regex(/^[A-Za-z][A-Za-z0-9-]*-$/, 'must be a prefix of a header name that ends with a hyphen, like X-Scope-'),
    fallback: 'X-Scope-',
  },
  adminToken: {
    name: 'HOOKGRAPH_ADMIN_TOKEN',
    meaning: 'API token of the admin of the sample data, or of `create-organization`; absent: generated, and shown once',
    parse: orNull(z.string().regex(/^[^\s",]+$/, 'must have no spaces, commas or quotes')),
    fallback: null,
    secret: true,
  },
  operators: {
    name: 'HOOKGRAPH_OPERATORS',
    meaning:
      'ids (`databaseId`) of the operators: users who may use the API fields that concern all organizations (`webhookCheck`, `webhookEventsWithoutTenant`, `assignWebhookEvents`)',
    parse: z
      .string()
      .refine((text) => list(text).every((id) => /^[0-9a-f-]{36}$/.test(id)), 'must be ids of users, separated by commas')
      .transform(list),
    fallback: '',
    emptyCounts: true,
  },
  allowedNetworks: {
    name: 'HOOKGRAPH_ALLOWED_NETWORKS',
    meaning:
      'private networks (CIDR) that deliveries may reach, over http: too; default: none, or loopback when the embedded Postgres is used',
    parse: networks,
    fallback: ({ DATABASE_URL }) => (DATABASE_URL === null ? '127.0.0.0/8,::1/128' : ''),
    emptyCounts: true,
  },
  allowedPorts: {
    name: 'HOOKGRAPH_ALLOWED_PORTS',
    meaning:
      'ports and ranges of ports that deliveries may use; a ! excludes a port; default: 80, 443 and all unprivileged ports except those of databases and similar services',
    parse: z.string().refine((text) => parsePorts(text) !== null, 'must be a list of ports like 443,8000-8999,!8500'),
    fallback: USUAL_PORTS,
  },
  caCertificates: {
    name: 'HOOKGRAPH_CA_FILE',
    meaning: 'file with PEM certificates of authorities that deliveries trust in addition to the authorities built into Node',
    parse: orNull(z.string().transform(readCertificates)),
    fallback: null,
  },
  egressProxy: {
    name: 'HOOKGRAPH_EGRESS_PROXY',
    meaning:
      'HTTP proxy through which all deliveries are tunnelled (CONNECT), as http://user:password@host:port or https://…; absent: no proxy',
    parse: orNull(
      url(['http:', 'https:'], 'http://user:password@proxy.example.com:3128').refine(
        (text) => /^https?:\/\/[^/?#]+\/?$/i.test(text) && isDecodable(text),
        'must be a URL without path or query, like http://user:password@proxy.example.com:3128',
      ),
    ),
    fallback: null,
    secret: true,
  },
  encryptionKeys: {
    name: 'HOOKGRAPH_ENCRYPTION_KEYS',
    meaning:
      'keys that encrypt stored secrets, newest first, each the base64 of 32 bytes; absent: a key is generated once in HOOKGRAPH_DATA_DIR',
    parse: orNull(keys),
    fallback: null,
    secret: true,
  },
  rateLimit: {
    name: 'HOOKGRAPH_RATE_LIMIT',
    meaning:
      'maximum number of requests per second of each token in each process; in each minute, bursts may exceed it by 60 times this number of requests; 0: no limit',
    parse: wholeNumber(0, 1_000_000),
    fallback: '100',
  },
  trustedProxies: {
    name: 'HOOKGRAPH_TRUSTED_PROXIES',
    meaning: 'networks (CIDR) of reverse proxies whose X-Forwarded-For header is trusted as the client address',
    parse: networks,
    fallback: '',
  },
  ...DELIVERY_VARIABLES,
  apiMaxCost: {
    name: 'HOOKGRAPH_API_MAX_COST',
    meaning: 'maximum cost of a request to the API: the number of its fields, each multiplied by the sizes of the pages and lists above it',
    parse: wholeNumber(1, 1_000_000_000),
    fallback: '100000',
  },
  captureWatchSeconds: {
    name: 'HOOKGRAPH_CAPTURE_WATCH_SECONDS',
    meaning: 'seconds between two checks that the changes of the announced tables are recorded',
    parse: wholeNumber(1, 3600),
    fallback: '60',
  },
  ...HISTORY_VARIABLES,
  corsOrigins: {
    name: 'HOOKGRAPH_CORS_ORIGINS',
    meaning: 'origins whose web pages may call the API from a browser (CORS), like https://app.example.com; default: none',
    parse: origins,
    fallback: '',
    emptyCounts: true,
  },
  logAttempts: {
    name: 'HOOKGRAPH_LOG_ATTEMPTS',
    meaning:
      'delivery attempts to log at HOOKGRAPH_LOG_ATTEMPTS_LEVEL: `failures`, `all`, or all failures and a share of the other attempts, like 0.01; the remaining attempts are logged at debug; `off`: none is logged',
    parse: attemptShare,
    fallback: 'failures',
  },
  logAttemptsLevel: {
    name: 'HOOKGRAPH_LOG_ATTEMPTS_LEVEL',
    meaning: 'log level of the attempts that HOOKGRAPH_LOG_ATTEMPTS selects: trace, debug, info, warn or error',
    parse: z.enum(['trace', 'debug', 'info', 'warn', 'error'], 'must be trace, debug, info, warn or error') as z.ZodType<
      Config['logAttemptsLevel'],
      string
    >,
    fallback: 'info',
  },
  logLevel: {
    name: 'HOOKGRAPH_LOG_LEVEL',
    meaning: 'lowest level of log lines to print: trace, debug, info, warn, error, fatal or silent',
    parse: z.enum(
      ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
      'must be trace, debug, info, warn, error, fatal or silent',
    ) as z.ZodType<Config['logLevel'], string>,
    fallback: 'info',
  },
  url: {
    name: 'HOOKGRAPH_URL',
    meaning: 'URL of the Hookgraph server that the command line uses; absent: the URL of `hookgraph login`, or else the local API',
    parse: orNull(url(['http:', 'https:'], 'https://hooks.example.com')),
    fallback: null,
  },
  token: {
    name: 'HOOKGRAPH_TOKEN',
    meaning: 'API token that the command line sends; absent: the token of `hookgraph login`, or else the token of the local admin',
    parse: orNull(z.string().regex(/^[^\s",]+$/, 'must have no spaces, commas or quotes')),
    fallback: null,
    secret: true,
  },
  authHeader: {
    name: 'HOOKGRAPH_AUTH_HEADER',
    meaning:
      'header in which the command line sends its token, like `X-Api-Key: {token}`; absent: the header of `hookgraph login`, or else `Authorization: Token token={token}`',
    parse: orNull(z.string().regex(/^[^\s:]+:.*\{token\}/, 'must be a header with `{token}` in it')),
    fallback: null,
  },
};

function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
