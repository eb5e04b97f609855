// What `createHookgraph` needs of the place where nodes are read. `sources/prisma` implements it.
import type { GraphQLError } from 'graphql';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Fault, Snapshot } from '../webhooks/index.js';
import type { Reading } from './limited-reader.js';

export interface Source<Reader> {
  /** What the source's own schema says of its models. The catalog completes it. */
  models: SourceModel[];
  open(options: OpenOptions): OpenSource<Reader>;
}

export interface OpenOptions {
  connectionString: string;
  log: Logger;
  /** The greatest number of connections. */
  connections: number;
  /** Milliseconds after which the database ends a statement. */
  queryTimeoutMs: number;
}

export interface SourceModel {
  typename: string;
  table: { schema: string; name: string };
  /** The columns of the primary key, in its order. Empty: the model has none. */
  key: string[];
  /** Column → field. */
  columns: Record<string, string>;
  relations: SourceRelation[];
}

export interface SourceRelation {
  field: string;
  typename: string;
  /** This model's columns, and the other model's in the same order. Empty: a table between the two holds the pairs. */
  columns: string[];
  foreignColumns: string[];
  /** Whether `columns` are the foreign key. */
  holdsKey: boolean;
  isList: boolean;
}

export interface OpenSource<Reader> {
  /** The read-only pool that the readers use. */
  pool: Pool;
  /** Looks owners up: waits for no tenant's share, and knows no snapshots. */
  plain: Reader;
  /** For one execution of a stored query: each read waits for the tenant's share, and a row that is gone is read from its snapshot. */
  reader(execution: { snapshots: Snapshot[]; reading: Reading }): Reader;
  /** Whose fault a resolver's error is; null: the source doesn't know it. */
  faultOf(error: GraphQLError): Fault | null;
  close(): Promise<void>;
}
