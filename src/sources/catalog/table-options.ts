// Defines what a host says about each type beyond what its database's catalog holds.
import type { Operation } from '../../webhooks/index.js';

/** A column or its field, a relation that leads to the tenant, or a scalar SQL expression over the row alias `r`. */
export type TenantOption = string | { of: string } | { sql: string };

/**
 * A condition on one field: its new value `{ status: 'paid' }`, or its old and new value `{ status: { from: 'sent', to:
 * 'paid' } }`.
 */
export type When = Record<string, string | { from?: string; to: string; description?: string }>;

export interface TableOptions {
  /** `name` or `schema.name`. Default: the source's table, else a table whose name fits the type's. */
  table?: string;
  /** The first part of the topics' keys. Default: the type's name in snake_case. */
  topic?: string;
  /**
   * The tenant that a row belongs to. `of`: a relation to a parent that has the tenant, or to children that have it.
   */
  tenant?: TenantOption;
  /**
   * For rows of several tenants: the relation to the rows that hold the tenants, e.g. `memberships`. Each tenant gets
   * an event.
   */
  tenants?: { of: string };
  /** The columns that identify a row. Default: the primary key. */
  key?: string[];
  /** Columns or fields that are never recorded and never sent. */
  omit?: string[];
  /** The column that becomes non-null when a row is soft-deleted. */
  softDelete?: string;
  /** The column that holds a row's environment. */
  environment?: string;
  createdAt?: string;
  /** A column whose change alone creates no event. Default: `updated_at` or `updatedAt`. */
  updatedAt?: string;
  /** The operations whose topics are announced. Default: all three. */
  operations?: Operation[];
  /** Additional topics: `'invoice/paid': { status: 'paid' }`. */
  when?: Record<string, When>;
  /**
   * TRUNCATE fires no row triggers, so its deletions can't be recorded and it is refused. `allow` is meant for test
   * databases. A change takes effect with the next migrate.
   */
  truncate?: 'refuse' | 'allow';
}

export type TableDefaults = Pick<
  TableOptions,
  'tenant' | 'softDelete' | 'environment' | 'createdAt' | 'updatedAt' | 'omit' | 'truncate'
> & {
  /**
   * Whether Hookgraph sets the `updatedAt` column when a row changes. Default: `false`, because the application does.
   */
  maintainsUpdatedAt?: boolean;
  /** The Postgres schema of tables named without one. Default: `public`. */
  schema?: string;
};

/** Options by typename; `defaults` apply to all types. A default doesn't apply to tables that lack its column. */
export type Tables = { defaults?: TableDefaults } & { [typename: string]: TableOptions | TableDefaults | undefined };

export interface AnnouncementProblem {
  typename: string;
  message: string;
  hint: string;
}
