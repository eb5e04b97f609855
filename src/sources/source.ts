// Defines the interface of a source, which reads nodes (rows) of the host's database for stored queries.
import type { GraphQLError } from 'graphql';
import type { Pool, PoolConfig } from 'pg';
import type { Logger } from '../runtime/logger.js';
import type { Fault, Snapshot } from '../webhooks/index.js';
import type { Reading } from './limited-reader.js';

/** A relation between two models, by columns. */
export interface SourceRelation {
  field: string;
  /** The typename of the model on the other side. */
  typename: string;
  /**
   * Columns of this table, and the columns that they equal in the other table. Empty for a relation through a join
   * table.
   */
  columns: string[];
  foreignColumns: string[];
  /** Whether this table holds the foreign key. */
  holdsKey: boolean;
  isList: boolean;
}

/**
 * A model as a source's own schema, such as Prisma's, describes it. Column types and foreign keys come from the
 * database's catalog.
 */
export interface SourceModel {
  typename: string;
  table: { schema: string; name: string };
  /** The columns of the primary key, in the key's order; empty when the model has none. */
  key: string[];
  /** Maps each column's name to the name of its field. */
  columns: Record<string, string>;
  relations: SourceRelation[];
  /** For each enum column: maps the value's name in the schema to the value in the database. */
  enums?: Record<string, Record<string, string>>;
}

export interface OpenOptions {
  /** The options of the host's own pool, or only a `connectionString`. */
  connection: PoolConfig;
  log: Logger;
  /** Maximum number of connections. */
  connections: number;
  /** Maximum duration of one statement, in milliseconds. */
  queryTimeoutMs: number;
  /** Milliseconds without a byte from Postgres after which a connection is checked. */
  silenceMs?: number;
}

export interface Source<Reader> {
  models: SourceModel[];
  /** Opens the source's own read-only connections. */
  open(options: OpenOptions): OpenSource<Reader>;
}

export interface OpenSource<Reader> {
  /** The read-only connections. */
  pool: Pool;
  /** Reads the owners of subscriptions. Its reads don't count towards a tenant's share of the connections, and don't wait for one. */
  plain: Reader;
  /**
   * Creates the reader for one execution of a stored query; `reading` limits it to its tenant's share of the connections.
   * `snapshots`: rows that the database no longer, or not yet, contains; a source may ignore them, as poolSource does.
   */
  reader(execution: { snapshots: Snapshot[]; reading: Reading }): Reader;
  /** Returns who is at fault for a resolver's error; `null` when neither this source nor its database threw the error. */
  faultOf(error: GraphQLError): Fault | null;
  close(): Promise<void>;
}
