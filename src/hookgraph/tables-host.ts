// Serves hosts without a GraphQL schema: makes one of the announced tables, and reads rows as the context may.
import { GraphQLError, type GraphQLSchema } from 'graphql';
import type { Pool } from 'pg';
import type { Turns } from '../runtime/fair-share.js';
import type { Completed } from '../sources/catalog/complete.js';
import { createRowReader, type RowReader } from '../sources/catalog/rows.js';
import { createTablesSchema, type TablesSchema } from '../sources/catalog/tables-schema.js';
import { fencedPool, startReading } from '../sources/limited-reader.js';
import type { Actor, AnnouncedNode } from '../webhooks/index.js';
import type { StoredContext } from './sign-in.js';

export interface TablesHost {
  /** What was made of the announcement; `undefined` before it was read. */
  current(): TablesSchema | undefined;
  /** Makes the schema anew. */
  rebuild(completed: Completed): void;
  /** Lets a stored query's context read as its owner. */
  register(context: object, as: StoredContext): void;
}

export interface TablesHostOptions {
  /** Read-only connections. */
  pool: Pool;
  turns: Turns;
  queryTimeoutMs: number;
  /** Who asks our API; `null` when nobody is signed in. */
  actor(context: object): Actor | null;
  merge(tables: GraphQLSchema): GraphQLSchema;
}

export function createTablesHost({ pool, turns, queryTimeoutMs, actor, merge }: TablesHostOptions): TablesHost {
  const readers = new WeakMap<object, RowReader>();
  let nodes: AnnouncedNode[] = [];
  let current: TablesSchema | undefined;

  /** Of a request to the API: made when it first reads a row. */
  function readerOf(context: object): RowReader {
    const known = readers.get(context);
    if (known) return known;
    const asking = actor(context);
    if (!asking) throw new GraphQLError('Sign in first: nobody is signed in.', { extensions: { code: 'UNAUTHENTICATED' } });
    const reading = startReading({ visit: turns.visit(asking.tenant), timeoutMs: queryTimeoutMs });
    const reader = createRowReader({ pool: fencedPool(pool, reading), nodes, tenant: asking.tenant, snapshots: [] });
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
      readers.set(context, createRowReader({ pool, nodes, tenant, snapshots }));
    },
  };
}
