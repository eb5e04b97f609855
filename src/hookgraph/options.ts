// What a host says to createHookgraph(). Everything but the database, the keys, the tenants and who somebody is has a default.
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
   * The schema of Hookgraph's own tables. Default `hookgraph`. Its worker's schema has the same name and `_worker`. On a database that
   * another application with Hookgraph uses, take one of your own.
   */
  databaseSchema?: string;
  /** Keys for secrets at rest, newest first: base64 of 32 bytes each, separated by commas. */
  keys: string | Buffer[];
  /** The host's schema. Absent: the types are made of the tables. */
  schema?: GraphQLSchema;
  /** Where the host's resolvers read from: `fromPrisma(…)`. Absent: a read-only pool. */
  source?: Source<Reader>;
  /** What is announced, by typename. */
  tables: Tables;
  /** The root field that finds a node of a type, by the parts of its key: `Space: 'space(id: $id)'`. */
  find?: Record<string, string>;
  /**
   * Answers the context that a stored query of this owner runs with; `null` when the owner no longer exists or may not read any more.
   * A function is called for each execution, so that the owner is looked up once for many.
   */
  signIn(owner: Owner, reader: Reader): Promise<Context | ((reader: Reader) => Context) | null>;
  /** Who asks our API, by the context of the request; `null` when nobody is signed in. */
  actor(context: Context): Actor | null;
  /**
   * Whether who asks runs the installation, and may see what belongs to all tenants: `webhookCheck`, `webhookEventsWithoutTenant`,
   * `assignWebhookEvents`. Without it these fields don't exist.
   */
  operator?(context: Context): boolean;
  /** Makes the context of a request to `handler`. */
  context?(request: Request): Context | Promise<Context>;
  /** The host's typenames of what our API refers to. Without them, the fields about them don't exist. */
  types?: { owner?: string; integration?: string; environment?: string };
  /** The host's own global ids. Default: base64url of `Type:key`. */
  ids?: GlobalIds;
  /** Put before those of our type and field names that the host's schema uses for something else. */
  prefix?: string;
  /** Presets of other firms' webhook formats. Default `false`. */
  presets?: boolean;
  /**
   * The types whose writes pass the gate: `['Order']`, or `() => gate.gatedTypes` of gatePrisma(). A before-hook for any other type is
   * refused when it is saved. Default: none.
   */
  gatedTypes?: Iterable<string> | (() => Iterable<string>);
  /** Arguments of the host's fields that give the size of a page. Default: first, last, limit, take, pageSize, perPage. */
  pageArguments?: string[];
  /** What a subscription without a query sends: the node's id with its URL, or its row. Default: `ROW` without a schema, else `LINK`. */
  defaultPayload?: 'LINK' | 'ROW';
  /** `false`: no resolver refuses a field to an owner who finds the node, so templates read `event` without a query. Default: `true` with a schema. */
  fieldRights?: boolean;
  /** Whose fault a resolver's error is; `null` for the default. */
  faultOf?(error: GraphQLError): Fault | null;
  log?: Logger;
  /** Greatest number of read-only connections for stored queries. Default 20. */
  queryConnections?: number;
  /** Greatest time that the statements of one stored query take in all. Default 5,000. */
  queryTimeoutMs?: number;
  /** Limits of one request to `handler`: fields times page sizes. Default 100,000. */
  apiMaxCost?: number;
  /** Reads the keys again, where one can be added while this process runs. */
  reloadKeys?(): Promise<Buffer[]>;
  settings?: Partial<Settings>;
}

export interface GlobalIds {
  encode(typename: string, key: string): string;
  /** `null` for a text that is no id. */
  decode(id: string): { typename: string; key: string } | null;
}

/** Unambiguous and safe in a URL path. */
export const DEFAULT_IDS: GlobalIds = {
  encode: (typename, key) => Buffer.from(`${typename}:${key}`).toString('base64url'),
  decode: (id) => {
    const match = /^([A-Za-z_]\w*):(.+)$/s.exec(Buffer.from(id, 'base64url').toString('utf8'));
    // A text that doesn't encode back was never handed out: padding, a second spelling, broken UTF-8.
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
    '`keys` of createHookgraph() must be the base64 of 32 bytes each, separated by commas, newest first.',
    'Make one with `openssl rand -base64 32`, and keep it.',
  );
}
