// Defines the options of createHookgraph(). Required: the database, the keys, the tables, `signIn` and `actor`.
import type { GraphQLError, GraphQLSchema } from 'graphql';
import type { Pool } from 'pg';
import type { Logger } from '../runtime/logger.js';
import type { Tables } from '../sources/catalog/table-options.js';
import type { Source } from '../sources/source.js';
import { type Actor, type Fault, type Owner, type Settings, WebhooksError } from '../webhooks/index.js';

export interface HookgraphOptions<Context extends object, Reader> {
  /** A connection string, or the host's own pool, which stays open when Hookgraph closes. */
  database: string | Pool;
  /**
   * The schema of Hookgraph's own tables. Default: `hookgraph`. The worker's schema has the same name with the suffix
   * `_worker`. Choose another name when a second application uses Hookgraph on the same database.
   */
  databaseSchema?: string;
  /** Encryption keys for secrets at rest, newest first: buffers of 32 bytes, or a text with the base64 of each, separated by commas. */
  keys: string | Buffer[];
  /** The host's schema. Absent: a schema is generated from the tables. */
  schema?: GraphQLSchema;
  /** The source that the host's resolvers read from: `fromPrisma(…)`. Absent: a read-only pool. */
  source?: Source<Reader>;
  /** The announced tables, by typename. */
  tables: Tables;
  /** Maps each typename to the root field that finds a node by its key: `{ Space: 'space(id: $id)' }`. */
  find?: Record<string, string>;
  /**
   * Returns the context in which an owner's stored query runs; `null` when the owner no longer exists or has lost access.
   * To look the owner up once for several executions, return a function, which Hookgraph calls for each execution.
   */
  signIn(owner: Owner, reader: Reader): Promise<Context | ((reader: Reader) => Context) | null>;
  /** Returns the actor of a request's context; `null` when nobody is signed in. */
  actor(context: Context): Actor | null;
  /**
   * Whether the signed-in user operates the installation. Only operators may use `webhookCheck`,
   * `webhookEventsWithoutTenant` and `assignWebhookEvents`, which concern all tenants. Without this option these fields
   * don't exist.
   */
  operator?(context: Context): boolean;
  /** Creates the context of a request to `handler`. */
  context?(request: Request): Context | Promise<Context>;
  /**
   * The host's typenames of owners, integrations and environments. Without a name, the fields about that type don't
   * exist.
   */
  types?: { owner?: string; integration?: string; environment?: string };
  /**
   * Names nodes for people, in lists and forms about webhooks. `of` names nodes that concern the user's webhooks; `typename` is `null` for
   * a tenant. `choices` lists the integrations or environments that the user may choose. Both must heed the rights of the context's user.
   */
  labels?: {
    of?(nodes: { typename: string | null; key: string }[], context: Context): Promise<(string | null)[]>;
    choices?(
      asked: { typename: string; search: string | null; first: number },
      context: Context,
    ): Promise<{ key: string; label: string }[]>;
  };
  /** The host's global ids. Default: base64url of `Type:key`. */
  ids?: GlobalIds;
  /** Prefix for Hookgraph's type and field names that collide with the host's. */
  prefix?: string;
  /** Whether presets (body formats of well-known systems) are offered. Default: `false`. */
  presets?: boolean;
  /**
   * The typenames whose writes the host passes through `gate`: `['Order']`, or `() => gate.gatedTypes` of gatePrisma().
   * Only these writes call before-hooks, so saving a before-hook for another type is refused. Default: none.
   */
  gatedTypes?: Iterable<string> | (() => Iterable<string>);
  /**
   * Names of arguments that set a page's size in the host's schema. Default: first, last, limit, take, pageSize,
   * perPage.
   */
  pageArguments?: string[];
  /**
   * The payload of a subscription without a query. `LINK`: the node's id and URL. `ROW`: the node's row. Default: `LINK`
   * with a schema, else `ROW`.
   */
  defaultPayload?: 'LINK' | 'ROW';
  /**
   * Whether the host's resolvers may refuse single fields of a node that the owner can find. If `false`, templates may read
   * `event` in a subscription without a query. Default: `true` with a schema, else `false`.
   */
  fieldRights?: boolean;
  /** Decides who is at fault for a resolver's error; returns `null` to use Hookgraph's own decision. */
  faultOf?(error: GraphQLError): Fault | null;
  log?: Logger;
  /** Maximum number of read-only connections for stored queries. Default: 20. */
  queryConnections?: number;
  /** Maximum total time of one stored query's SQL statements, in milliseconds. `settings.limits.queryMs` overrides it. Default: 5,000. */
  queryTimeoutMs?: number;
  /**
   * Maximum cost of one request to `handler`: its fields, each multiplied by the page sizes above it. Default: 100,000.
   */
  apiMaxCost?: number;
  /** Returns the current encryption keys. Only needed when a key can be added while this process runs. */
  reloadKeys?(): Promise<Buffer[]>;
  settings?: Partial<Settings>;
}

export interface GlobalIds {
  encode(typename: string, key: string): string;
  /** Returns the typename and the key in an id; `null` when the text isn't an id. */
  decode(id: string): { typename: string; key: string } | null;
}

/** The default ids are unambiguous and safe in a URL path. */
export const DEFAULT_IDS: GlobalIds = {
  encode: (typename, key) => Buffer.from(`${typename}:${key}`).toString('base64url'),
  decode: (id) => {
    const match = /^([A-Za-z_]\w*):(.+)$/s.exec(Buffer.from(id, 'base64url').toString('utf8'));
    // Only the canonical text of an id is accepted: no padding, alternative spellings or broken UTF-8.
    if (!match || DEFAULT_IDS.encode(match[1] as string, match[2] as string) !== id) return null;
    return { typename: match[1] as string, key: match[2] as string };
  },
};

export function decodeKeys(keys: string | Buffer[]): Buffer[] {
  const decoded =
    typeof keys === 'string'
      ? keys
          .split(/[\s,]+/)
          .filter(Boolean)
          .map((key) => Buffer.from(key, 'base64'))
      : keys;
  if (decoded.length > 0 && decoded.every((key) => key.length === 32)) return decoded;
  throw new WebhooksError(
    'KEYS_INVALID',
    '`keys` of createHookgraph() must be a comma-separated list of keys, newest first; each key is the base64 of 32 bytes.',
    'Create a key with `openssl rand -base64 32`, and store it safely.',
  );
}
