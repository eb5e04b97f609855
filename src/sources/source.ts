// What the rest of Hookgraph needs to know of the place where a host's nodes are read.
import type { GraphQLError } from 'graphql';
import type { Pool, PoolConfig } from 'pg';
import type { Logger } from '../runtime/logger.js';
import type { Fault, Snapshot } from '../webhooks/index.js';
import type { Reading } from './limited-reader.js';

/** A relation between two models, by columns. */
export interface SourceRelation {
  field: string;
  /** The model on the other side. */
  typename: string;
  /** Columns of this table, and what they equal in the other. Empty for a relation through a join table. */
  columns: string[];
  foreignColumns: string[];
  /** Whether this table holds the foreign key. */
  holdsKey: boolean;
  isList: boolean;
}

/** What a source's own schema, such as Prisma's, says of one model. The catalog of the database says the rest. */
export interface SourceModel {
  typename: string;
  table: { schema: string; name: string };
  /** The columns of the primary key, in its order; empty when the model has none. */
  key: string[];
  /** Column → field. */
  columns: Record<string, string>;
  relations: SourceRelation[];
  /** Of columns with an enum: the name in the schema → the value in the database. */
  enums?: Record<string, Record<string, string>>;
}

export interface OpenOptions {
  /** How to connect: a connection string, or what the host's own pool was opened with. */
  connection: PoolConfig;
  log: Logger;
  /** Greatest number of connections. */
  connections: number;
  /** Greatest time of one statement. */
  queryTimeoutMs: number;
}

export interface Source<Reader> {
  models: SourceModel[];
  /** Opens read-only connections of its own. */
  open(options: OpenOptions): OpenSource<Reader>;
}

export interface OpenSource<Reader> {
  /** The read-only connections. */
  pool: Pool;
  /** Looks owners up; waits for no tenant's turn. */
  plain: Reader;
  /** Reads for one execution of a stored query, in its tenant's turn. Answers from `snapshots` where rows are gone, or not there yet. */
  reader(execution: { snapshots: Snapshot[]; reading: Reading }): Reader;
  /** Whose fault a resolver's error is; `null` when the source doesn't know the error. */
  faultOf(error: GraphQLError): Fault | null;
  close(): Promise<void>;
}
