// Defines the options of announced tables. With them, a host (an application that adopts Hookgraph) supplies what its
// database's catalog doesn't say.
import type { Operation } from '../../webhooks/index.js';

/**
 * Says how to find a row's tenant: by a column (its own or its field's name), by a relation that leads to the tenant, or
 * by a scalar SQL expression over the row, whose alias is `r`.
 */
export type TenantOption = string | { of: string } | { sql: string };

/**
 * A condition on one field: its new value `{ status: 'paid' }`, or its old and new value `{ status: { from: 'sent', to:
 * 'paid' } }`.
 */
export type When = Record<string, string | { from?: string; to: string; description?: string }>;

export interface TableOptions {
  /**
   * The table, as `name` or `schema.name`. Default: the table of the source's model, else a table whose name matches the
   * type's.
   */
  table?: string;
  /** The part before the slash in the type's topic keys, as in `order/created`. Default: the type's name in snake_case. */
  topic?: string;
  /**
   * How to find the tenant that a row belongs to: a column, an SQL expression, or `of`, which names a relation to a parent
   * row or to child rows. The row then has the tenant of that parent, or of these children.
   */
  tenant?: TenantOption;
  /**
   * For rows that belong to several tenants: the relation to the rows that hold the tenants, e.g. `memberships`. A change
   * causes an event for each of these tenants.
   */
  tenants?: { of: string };
  /** The columns that identify a row. Default: the primary key. */
  key?: string[];
  /** Columns or fields that are never recorded and never sent. */
  omit?: string[];
  /** The column that becomes non-null when a row is soft-deleted. */
  softDelete?: string;
  /** The column that holds the id of a row's environment, such as test or production. A subscription may be limited to environments. */
  environment?: string;
  /** The column that holds the time of a row's creation. Default: `created_at` or `createdAt`. */
  createdAt?: string;
  /** A column whose change alone creates no event. Default: `updated_at` or `updatedAt`. */
  updatedAt?: string;
  /** The operations whose topics are announced. Default: created, updated and deleted. */
  operations?: Operation[];
  /** Additional topics by key, each with the change that causes an event: `'invoice/paid': { status: 'paid' }`. */
  when?: Record<string, When>;
  /**
   * Fields that lead to other rows through rows of a further table, such as `members` through memberships. When a row of that table is
   * added or removed, an update is announced for both rows that it connects, if their type declares a link. An object names each field's
   * table, and if several of its columns refer to this type's rows, the column.
   */
  links?: string[] | Record<string, string | { table: string; column?: string }>;
  /**
   * Whether TRUNCATE of the table is refused (the default) or allowed. TRUNCATE fires no row triggers, so Hookgraph can't
   * record the deletions; allow it only in test databases. A change of this option takes effect at the next `migrate`.
   */
  truncate?: 'refuse' | 'allow';
}

export type TableDefaults = Pick<
  TableOptions,
  'tenant' | 'softDelete' | 'environment' | 'createdAt' | 'updatedAt' | 'omit' | 'truncate'
> & {
  /**
   * Whether Hookgraph sets the `updatedAt` column when a row changes. Default: `false`: the application sets it.
   */
  maintainsUpdatedAt?: boolean;
  /** The Postgres schema of tables named without one. Default: `public`. */
  schema?: string;
};

/**
 * Maps each typename to its table's options; `defaults` apply to all types. A default doesn't apply to tables that lack
 * its column.
 */
export type Tables = { defaults?: TableDefaults } & { [typename: string]: TableOptions | TableDefaults | undefined };

export interface AnnouncementProblem {
  typename: string;
  message: string;
  hint: string;
}
