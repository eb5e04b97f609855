// What a host announces of one node type: its table, its columns, whose its rows are.

export type Operation = 'created' | 'updated' | 'deleted';

/** A topic that fires when a column of an updated row changes to a value. */
export interface Lifecycle {
  /** The topic's key, e.g. `scenario_session/paused`. */
  topic: string;
  column: string;
  to: string;
  /** The value before; absent: any other. */
  from?: string;
  description?: string;
}

/** Rows of another announced type, which point to a row: `columns` are theirs, in the order of the row's key. */
export interface PointingRows {
  typename: string;
  columns: string[];
}

/**
 * Where a row's tenant is read. `parent`: on the announced node that the column points to; `sql`: a scalar expression over the row alias
 * `r`; `children`: on the rows that the row is made of; `several`: on the rows that say whose it is, of any number of tenants. The last
 * two are settled when the transaction has committed, and each distinct tenant gets an event of its own.
 */
export type TenantSource =
  | { column: string }
  | { parent: { column: string; typename: string } }
  | { sql: string }
  | { children: PointingRows }
  | { several: PointingRows };

/** What the host announces of one node type; nothing here depends on an ORM. */
export interface AnnouncedNode {
  typename: string;
  /** The stem of its topics; default: the typename in snake_case. */
  topic?: string;
  table: { schema: string; name: string };
  /** The primary key's columns. One column: the key is its text; several: a JSON array of their texts. */
  key: string[];
  /** Column → GraphQL field. Only these are compared and recorded. */
  columns: Record<string, string>;
  tenant: TenantSource;
  environment?: { column: string };
  /** A column that turns non-null when the row is deleted softly. */
  softDelete?: { column: string };
  /** The column with the time of a row's creation, best with an index behind the tenant's: by it a test finds the last node. */
  createdAt?: string;
  /** The column with the time of a row's last change; its change alone is none. */
  updatedAt?: string;
  /** Whether a trigger of ours sets that column when a declared column changed. Default: true. */
  setsUpdatedAt?: boolean;
  /** Whether TRUNCATE, which makes no events, goes through. Default: false. */
  allowsTruncate?: boolean;
  /** Which of the three topics are announced; default: all. */
  operations?: Operation[];
  lifecycle?: Lifecycle[];
}
