// What a host says of each type that the catalog of its database can't say.
import type { Operation } from '../../webhooks/index.js';

/** A column or a field of it, a relation that leads to the tenant, or a scalar SQL expression over the row alias `r`. */
export type TenantOption = string | { of: string } | { sql: string };

/** One value of one field: `{ status: 'paid' }`, or with the value before: `{ status: { from: 'sent', to: 'paid' } }`. */
export type When = Record<string, string | { from?: string; to: string; description?: string }>;

export interface TableOptions {
  /** `name` or `schema.name`; default: the source's table, else the one whose name fits the type's. */
  table?: string;
  /** The first part of its topics' keys; default: the type's name in snake_case. */
  topic?: string;
  /** Whose row it is. `of`: the relation to a parent that knows, or to children that do. */
  tenant?: TenantOption;
  /** Whose row it is, where it may be several's: the relation to the rows that say so, e.g. `memberships`. Each gets an event. */
  tenants?: { of: string };
  /** The columns that find a row; default: the primary key. */
  key?: string[];
  /** Columns or fields that are never recorded and never sent. */
  omit?: string[];
  /** The column that turns non-null when a row is deleted softly. */
  softDelete?: string;
  /** The column that says in which environment a row lives. */
  environment?: string;
  createdAt?: string;
  /** A column whose change alone is none; default: `updated_at` or `updatedAt`. */
  updatedAt?: string;
  /** Which of the three topics are announced; default: all. */
  operations?: Operation[];
  /** Further topics: `'invoice/paid': { status: 'paid' }`. */
  when?: Record<string, When>;
  /** TRUNCATE tells nobody what it deletes, so it is refused. `allow`: for test databases. Counts from the next migrate on. */
  truncate?: 'refuse' | 'allow';
}

export type TableDefaults = Pick<
  TableOptions,
  'tenant' | 'softDelete' | 'environment' | 'createdAt' | 'updatedAt' | 'omit' | 'truncate'
> & {
  /** Whether Hookgraph sets the column of `updatedAt` when a row changes. Default `false`: it belongs to the application. */
  maintainsUpdatedAt?: boolean;
  /** The Postgres schema of tables whose own isn't said; default `public`. */
  schema?: string;
};

/** By the type's name; `defaults` for all. A default that a table lacks the column for doesn't apply to it. */
export type Tables = { defaults?: TableDefaults } & { [typename: string]: TableOptions | TableDefaults | undefined };

export interface AnnouncementProblem {
  typename: string;
  message: string;
  hint: string;
}
