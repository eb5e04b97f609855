// Serves hosts without a GraphQL schema: generates a schema from the announced tables, and reads rows with the
// context's rights.
import { GraphQLError, type GraphQLSchema } from 'graphql';
import type { Pool } from 'pg';
import type { FairShare } from '../runtime/fair-share.js';
import type { Completed } from '../sources/catalog/complete.js';
import { createRowReader, type RowReader } from '../sources/catalog/rows.js';
import { createTablesSchema, type TablesSchema } from '../sources/catalog/tables-schema.js';
import { limitedReaderPool, startReading } from '../sources/limited-reader.js';
import type { Actor, AnnouncedNode } from '../webhooks/index.js';
import type { StoredContext } from './sign-in.js';

export interface TablesHost {
  /** The generated schema; `undefined` before the catalog was read. */
  current(): TablesSchema | undefined;
  /** Generates the schema from the completed tables. */
  rebuild(completed: Completed): void;
  /** Makes resolvers with this context read the rows of the owner's tenant, and deleted rows as they were at the event. */
  register(context: object, as: StoredContext): void;
}

export interface TablesHostOptions {
  /** Read-only connections. */
  pool: Pool;
  fairShare: FairShare;
  queryTimeoutMs: number;
  /** The actor of the context; `null` when nobody is signed in. */
  actor(context: object): Actor | null;
  merge(tables: GraphQLSchema): GraphQLSchema;
  /** Reads the catalog again, and calls `rebuild`. */
  refresh(): Promise<unknown>;
}

/**
 * Thrown when a column or table was dropped or renamed since the catalog was read. The catalog has been read again, so
 * a retry may succeed.
 */
class StaleCatalog extends Error {
  override name = 'StaleCatalog';
}

/** SQLSTATE codes of an undefined column, table or type. */
const GONE = new Set(['42703', '42P01', '42704']);

export function createTablesHost({ pool, fairShare, queryTimeoutMs, actor, merge, refresh }: TablesHostOptions): TablesHost {
  const readers = new WeakMap<object, RowReader>();
  let nodes: AnnouncedNode[] = [];
  let current: TablesSchema | undefined;
  let refreshing: Promise<unknown> | undefined;

  /** Reads the catalog again after an error with a code in GONE, because the application's migrations may run at any time. */
  function watched(reading: Pick<Pool, 'query'>): Pick<Pool, 'query'> {
    const query = async (...args: unknown[]) => {
      try {
        return await (reading.query as (...args: unknown[]) => Promise<unknown>)(...args);
      } catch (cause) {
        if (!GONE.has(String((cause as { code?: unknown } | null)?.code))) throw cause;
        refreshing ??= refresh().finally(() => {
          refreshing = undefined;
        });
        await refreshing;
        throw new StaleCatalog(`Reading the tables failed because they changed: ${(cause as Error).message}.`, { cause });
      }
    };
    return { query } as Pick<Pool, 'query'>;
  }

  /** Returns the row reader of an API request, and creates it when the request first reads a row. */
  function readerOf(context: object): RowReader {
    const known = readers.get(context);
    if (known) return known;
    const viewer = actor(context);
    if (!viewer) throw new GraphQLError('You are not signed in. Sign in first.', { extensions: { code: 'UNAUTHENTICATED' } });
    const reading = startReading({ execution: fairShare.begin(viewer.tenant), timeoutMs: queryTimeoutMs });
    const reader = createRowReader({ pool: watched(limitedReaderPool(pool, reading)), nodes, tenant: viewer.tenant, snapshots: [] });
    readers.set(context, reader);
    return reader;
  }

  return {
    current: () => current,
    rebuild(completed) {
      nodes = completed.nodes;
      const made = createTablesSchema({ ...completed, readerOf });
      current = { ...made, schema: merge(made.schema) };
    },
    register(context, { actor: { tenant }, pool, snapshots }) {
      readers.set(context, createRowReader({ pool: watched(pool), nodes, tenant, snapshots }));
    },
  };
}
