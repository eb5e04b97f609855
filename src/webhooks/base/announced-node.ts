// Declares how a host announces a node type: its table, its columns and the tenant of each row.

export type Operation = 'created' | 'updated' | 'deleted';

/** A topic that fires when an update changes a column to a certain value (`to`). */
export interface Lifecycle {
  /** The topic's key, e.g. `scenario_session/paused`. */
  topic: string;
  column: string;
  to: string;
  /** The value that the column must have had before the update. Absent: any value other than `to`. */
  from?: string;
  description?: string;
}

/**
 * Rows of another announced type (`typename`) that reference this row. `columns` are the referencing columns, in the order of this row's
 * key.
 */
export interface PointingRows {
  typename: string;
  columns: string[];
}

/**
 * Declares how the tenant of a row is found.
 * `column`: this column of the row contains it. `parent`: it is the tenant of the announced node that the column references.
 * `sql`: a scalar SQL expression over the row returns it; the row's alias is `r`.
 * `children`: rows that reference this row and are parts of it contain it, e.g. the lines of an order.
 * `several`: each row that references this row assigns it to one tenant, e.g. memberships.
 * `none`: the rows are links and have no tenant; their changes make no events.
 * `children` and `several` are resolved after the transaction commits; each distinct tenant gets an event.
 */
export type TenantSource =
  | { column: string }
  | { parent: { column: string; typename: string } }
  | { sql: string }
  | { children: PointingRows }
  | { several: PointingRows }
  | { none: true };

/**
 * A field whose value comes from link rows in another table, such as memberships. When a link row of a node is added or removed, the node
 * is announced as updated.
 */
export interface Link {
  /** The name of the GraphQL field, which the event lists in `changed`. */
  field: string;
  table: { schema: string; name: string };
  /** The primary key of the link table. */
  key: string[];
  /** The columns of the link table that contain the key of the node's row, in the order of that key. */
  columns: string[];
  /** The columns of the link table that contain the key of the other linked row. */
  otherColumns: string[];
  /**
   * The keys of which one must be set: a row with a null in each of them links nothing. Default: one key, of all `otherColumns`. If it is
   * empty, each row is a link.
   */
  otherEnds?: string[][];
}

/** A field that returns rows of another announced type, related by equal columns: one row, or the rows that reference this node. */
export interface Relation {
  /** The GraphQL field. */
  field: string;
  typename: string;
  /** Columns of this row; `otherColumns` are the columns of the other rows that equal them, in the same order. */
  columns: string[];
  otherColumns: string[];
}

/** One node type as the host announces it; independent of any ORM. */
export interface AnnouncedNode {
  typename: string;
  /** The first part of the node's topic keys, e.g. `space` in `space/created`. Default: the typename in snake_case. */
  topic?: string;
  table: { schema: string; name: string };
  /** The columns of the primary key. A one-column key is written as the text of its value, a longer key as a JSON array of such texts. */
  key: string[];
  /** Column name → GraphQL field name. Only these columns are compared and recorded. */
  columns: Record<string, string>;
  tenant: TenantSource;
  environment?: { column: string };
  /** The column that marks a row as deleted when it is not null. */
  softDelete?: { column: string };
  /**
   * The column with the creation time. A test notification uses the newest node by this column, so an index on the tenant column and
   * this column makes tests fast.
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
  links?: Link[];
  /** Fields that return rows of other announced types. With `relatedChanges`, changes of such rows are sent as updates of the node. */
  relations?: Relation[];
}
