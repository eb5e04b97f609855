// Lists every environment variable with its name, meaning, parser and default.
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import { readCertificates } from './certificates.js';
import { attemptShare, isDecodable, keys, list, networks, origins, orNull, url, type Variable, wholeNumber } from './config-texts.js';
import { DELIVERY_VARIABLES, type DeliveryConfig } from './delivery-variables.js';
import { parsePorts, USUAL_PORTS } from './ports.js';
import { DEFAULT_SCHEMA, isSchemaName } from './schema-name.js';

export interface Config extends DeliveryConfig {
  port: number;
  host: string;
  /** `null`: no port for health and metrics is opened. */
  monitoringPort: number | null;
  monitoringHost: string;
  /** `null`: use the embedded Postgres. */
  databaseUrl: string | null;
  /** The Postgres schema of Hookgraph's own tables. */
  databaseSchema: string;
  /** An absolute path. */
  dataDir: string;
  /** The public URL of the API, without a trailing slash. */
  baseUrl: string;
  domain: string;
  headerPrefix: string;
  /** `null`: a token is generated when the sample data is created. */
  adminToken: string | null;
  /** Ids of the users who may read what belongs to all tenants. */
  operators: string[];
  allowedNetworks: string[];
  /** Ports and ranges, with exceptions after `!`: `443,8000-8999,!8500`. */
  allowedPorts: string;
  /** Additional trusted CA certificates, one PEM text each; `null`: only those that Node ships. */
  caCertificates: string[] | null;
  egressProxy: string | null;
  /** Keys of 32 bytes, newest first; `null`: a key file in the data folder is used. */
  encryptionKeys: Buffer[] | null;
  /** Requests a second for each token; 0: no limit. */
  rateLimit: number;
  trustedProxies: string[];
  /** AWS account ids. An id followed by `:<organization id>` is for that organization only. */
  snsAccounts: string[];
  /** ARN prefix under which SNS topics are created for subscriptions; `null`: none are created. */
  snsManaged: string | null;
  apiMaxCost: number;
  captureWatchSeconds: number;
  corsOrigins: string[];
  /** Share of successful attempts to log beside the failures, from 0 to 1; `null`: no attempt is logged. */
  logAttempts: number | null;
  /** Level of the lines about attempts. */
  logAttemptsLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  /**
   * The Hookgraph server that the command line talks to; `null`: the server of `hookgraph login`, else the local one.
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
  port: { name: 'PORT', meaning: 'port of the API; 0: any that is free', parse: wholeNumber(0, 65535), fallback: '4000' },
  host: {
    name: 'HOST',
    meaning: 'address that the API listens on; 0.0.0.0 for all',
    parse: hostName,
    fallback: '127.0.0.1',
  },
  monitoringPort: {
    name: 'HOOKGRAPH_MONITORING_PORT',
    meaning: 'port of /healthz, /readyz and /metrics for operators, on API and worker; 0: any that is free; absent: none',
    parse: orNull(wholeNumber(0, 65535)),
    fallback: null,
  },
  monitoringHost: {
    name: 'HOOKGRAPH_MONITORING_HOST',
    meaning: 'address that it listens on; whoever reaches it may read, so let only your Prometheus and your orchestrator',
    parse: hostName,
    fallback: '127.0.0.1',
  },
  databaseUrl: {
    name: 'DATABASE_URL',
    meaning: 'Postgres 15 or newer; absent: the embedded one',
    parse: orNull(url(['postgres:', 'postgresql:'], 'postgres://user:password@host:5432/database')),
    fallback: null,
    secret: true,
  },
  databaseSchema: {
    name: 'HOOKGRAPH_DATABASE_SCHEMA',
    meaning: "schema of Hookgraph's own tables; a second installation on one database needs another",
    parse: z.string().refine(isSchemaName, 'must be letters, digits, spaces, hyphens and underscores, 56 bytes at most, and not public'),
    fallback: DEFAULT_SCHEMA,
  },
  dataDir: {
    name: 'HOOKGRAPH_DATA_DIR',
    meaning: 'where the embedded Postgres and generated keys live',
    parse: z.string().transform((path) => resolve(path)),
    fallback: '.hookgraph',
  },
  baseUrl: {
    name: 'HOOKGRAPH_BASE_URL',
    meaning: 'public address of the API, the stem of object URLs',
    parse: url(['http:', 'https:'], 'https://hooks.example.com').transform((text) => text.replace(/\/+$/, '')),
    fallback: ({ PORT, HOST }) => `http://${reachable(HOST as string)}:${PORT}`,
  },
  domain: {
    name: 'HOOKGRAPH_DOMAIN',
    meaning: 'X-Scope-Domain of every notification; default: the host of the base URL',
    parse: z.string().regex(/^[\x21-\x7e]+$/, 'must be a domain name'),
    fallback: ({ HOOKGRAPH_BASE_URL }) =>
      URL.canParse(HOOKGRAPH_BASE_URL ?? '') ? new URL(HOOKGRAPH_BASE_URL as string).hostname : hostname(),
  },
  headerPrefix: {
    name: 'HOOKGRAPH_HEADER_PREFIX',
    meaning: 'beginning of our headers in notifications',
    parse: z.string().regex(/^[A-Za-z][A-Za-z0-9-]*-$/, 'must be the beginning of a header name and end with a hyphen, like X-Scope-'),
    fallback: 'X-Scope-',
  },
  adminToken: {
    name: 'HOOKGRAPH_ADMIN_TOKEN',
    meaning: "API token of the sample organization's admin; absent: generated once and printed",
    parse: orNull(z.string().regex(/^[^\s",]+$/, 'must have no spaces, commas or quotes')),
    fallback: null,
    secret: true,
  },
  operators: {
    name: 'HOOKGRAPH_OPERATORS',
    meaning: 'ids (`databaseId`) of the users who may ask what belongs to all organizations: `webhookCheck`, `webhookEventsWithoutTenant`',
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
      'networks (CIDR) that deliveries may reach although they are private, and where http: is accepted; default on the embedded Postgres: loopback',
    parse: networks,
    fallback: ({ DATABASE_URL }) => (DATABASE_URL === null ? '127.0.0.0/8,::1/128' : ''),
    emptyCounts: true,
  },
  allowedPorts: {
    name: 'HOOKGRAPH_ALLOWED_PORTS',
    meaning:
      'ports and ranges of ports that deliveries may use, without those after a !; default: web ports and unprivileged ones, but those of other services',
    parse: z.string().refine((text) => parsePorts(text) !== null, 'must be a list of ports like 443,8000-8999,!8500'),
    fallback: USUAL_PORTS,
  },
  caCertificates: {
    name: 'HOOKGRAPH_CA_FILE',
    meaning: 'file of PEM certificates of authorities that deliveries trust beside those that Node brings',
    parse: orNull(z.string().transform(readCertificates)),
    fallback: null,
  },
  egressProxy: {
    name: 'HOOKGRAPH_EGRESS_PROXY',
    meaning: 'proxy whose CONNECT tunnels all deliveries take, http://user:password@host:port or https://…; absent: none',
    parse: orNull(
      url(['http:', 'https:'], 'http://user:password@proxy.example.com:3128').refine(
        (text) => /^https?:\/\/[^/?#]+\/?$/i.test(text) && isDecodable(text),
        'must be a URL of a host and port alone, like http://user:password@proxy.example.com:3128',
      ),
    ),
    fallback: null,
    secret: true,
  },
  encryptionKeys: {
    name: 'HOOKGRAPH_ENCRYPTION_KEYS',
    meaning: 'keys for secrets at rest, newest first, base64 of 32 bytes each; absent: generated once into the data folder',
    parse: orNull(keys),
    fallback: null,
    secret: true,
  },
  rateLimit: {
    name: 'HOOKGRAPH_RATE_LIMIT',
    meaning: 'requests a second of one token in one process, with bursts of a minute’s worth; 0: no limit',
    parse: wholeNumber(0, 1_000_000),
    fallback: '100',
  },
  trustedProxies: {
    name: 'HOOKGRAPH_TRUSTED_PROXIES',
    meaning: 'networks (CIDR) of proxies whose X-Forwarded-For tells from where a request comes',
    parse: networks,
    fallback: '',
  },
  snsAccounts: {
    name: 'HOOKGRAPH_SNS_ACCOUNTS',
    meaning:
      "AWS accounts whose SNS topics and roles subscriptions may use with this process' own AWS credentials: 123456789012, or 123456789012:organization-id",
    parse: z
      .string()
      .refine((text) => list(text).every((item) => /^\d{12}(:\S+)?$/.test(item)), 'must be a list of accounts like 123456789012')
      .transform(list),
    fallback: '',
  },
  snsManaged: {
    name: 'HOOKGRAPH_SNS_MANAGED',
    meaning: "where SNS topics are made for subscriptions, with this process' own AWS credentials; absent: nowhere",
    parse: orNull(z.string().regex(/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}$/, 'must be like arn:aws:sns:eu-central-1:123456789012')),
    fallback: null,
  },
  ...DELIVERY_VARIABLES,
  apiMaxCost: {
    name: 'HOOKGRAPH_API_MAX_COST',
    meaning: 'the same of a request to the API: its fields, each times the sizes of the pages and lists above it',
    parse: wholeNumber(1, 1_000_000_000),
    fallback: '100000',
  },
  captureWatchSeconds: {
    name: 'HOOKGRAPH_CAPTURE_WATCH_SECONDS',
    meaning: 'seconds between two looks at whether the changes of the announced tables are recorded',
    parse: wholeNumber(1, 3600),
    fallback: '60',
  },
  corsOrigins: {
    name: 'HOOKGRAPH_CORS_ORIGINS',
    meaning: 'origins whose pages may use the API in a browser, like https://app.example.com; none: closed',
    parse: origins,
    fallback: '',
    emptyCounts: true,
  },
  logAttempts: {
    name: 'HOOKGRAPH_LOG_ATTEMPTS',
    meaning: 'which attempts get a log line: `failures`, `all`, `off`, or the share of the others beside all failures, like 0.01',
    parse: attemptShare,
    fallback: 'failures',
  },
  logAttemptsLevel: {
    name: 'HOOKGRAPH_LOG_ATTEMPTS_LEVEL',
    meaning: 'level of these lines: trace, debug, info, warn or error; lines about all other attempts are debug',
    parse: z.enum(['trace', 'debug', 'info', 'warn', 'error'], 'must be trace, debug, info, warn or error') as z.ZodType<
      Config['logAttemptsLevel'],
      string
    >,
    fallback: 'info',
  },
  logLevel: {
    name: 'HOOKGRAPH_LOG_LEVEL',
    meaning: 'trace, debug, info, warn, error, fatal or silent',
    parse: z.enum(
      ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
      'must be trace, debug, info, warn, error, fatal or silent',
    ) as z.ZodType<Config['logLevel'], string>,
    fallback: 'info',
  },
  url: {
    name: 'HOOKGRAPH_URL',
    meaning: 'which Hookgraph the command line asks; absent: the one of `hookgraph login`, else the local one',
    parse: orNull(url(['http:', 'https:'], 'https://hooks.example.com')),
    fallback: null,
  },
  token: {
    name: 'HOOKGRAPH_TOKEN',
    meaning: 'API token that the command line asks with; absent: the one of `hookgraph login`, else the local admin’s',
    parse: orNull(z.string().regex(/^[^\s",]+$/, 'must have no spaces, commas or quotes')),
    fallback: null,
    secret: true,
  },
  authHeader: {
    name: 'HOOKGRAPH_AUTH_HEADER',
    meaning:
      'how the command line sends its token, like `X-Api-Key: {token}`; absent: that of the login, else `Authorization: Token token={token}`',
    parse: orNull(z.string().regex(/^[^\s:]+:.*\{token\}/, 'must be a header with `{token}` in it')),
    fallback: null,
  },
};

function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
