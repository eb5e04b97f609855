// Declares how a host announces a node type: its table, its columns and the tenant of each row.

export type Operation = 'created' | 'updated' | 'deleted';

/** A topic that fires when an update changes a column to one value. */
export interface Lifecycle {
  /** The topic's key, e.g. `scenario_session/paused`. */
  topic: string;
  column: string;
  to: string;
  /** Fires only if this was the value before the update. Absent: any other value. */
  from?: string;
  description?: string;
}

/** Rows of another announced type that reference this row. `columns` are the referencing columns, in the order of this row's key. */
export interface PointingRows {
  typename: string;
  columns: string[];
}

/**
 * Tells where to read the tenant of a row:
 * `column`: in this column of the row. `parent`: on the announced node that the column references.
 * `sql`: by a scalar SQL expression over the row, whose alias is `r`.
 * `children`: on the rows that the row consists of. `several`: on the rows that assign it to any number of tenants. `children` and
 * `several` are resolved after the transaction commits; each distinct tenant gets its own event.
 */
export type TenantSource =
  | { column: string }
  | { parent: { column: string; typename: string } }
  | { sql: string }
  | { children: PointingRows }
  | { several: PointingRows };

/** One node type as the host announces it; independent of any ORM. */
export interface AnnouncedNode {
  typename: string;
  /** The first part of its topic keys, e.g. `space` in `space/created`. Default: the typename in snake_case. */
  topic?: string;
  table: { schema: string; name: string };
  /** The primary key's columns. A key of one column is written as its text, a key of several as a JSON array of their texts. */
  key: string[];
  /** Column name → GraphQL field name. Only these columns are compared and recorded. */
  columns: Record<string, string>;
  tenant: TenantSource;
  environment?: { column: string };
  /** The column that marks a row as deleted when it is not null. */
  softDelete?: { column: string };
  /**
   * The column with the creation time, by which a test notification finds the newest node. Best indexed together with the tenant column.
   */
  createdAt?: string;
  /** The column with a row's last change time. An update that changes only this column makes no event. */
  updatedAt?: string;
  /** Whether a Hookgraph trigger sets `updatedAt` whenever a declared column changes. Default: true. */
  setsUpdatedAt?: boolean;
  /** Whether TRUNCATE is permitted although it makes no events. Default: false, so that TRUNCATE fails. */
  allowsTruncate?: boolean;
  /** The operations that get a topic. Default: created, updated and deleted. */
  operations?: Operation[];
  lifecycle?: Lifecycle[];
}
