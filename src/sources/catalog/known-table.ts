// Defines an announced type together with the table that holds its rows.
import type { SourceModel } from '../source.js';
import type { CatalogTable } from './read-catalog.js';
import type { TableOptions } from './table-options.js';

export interface KnownTable {
  typename: string;
  options: TableOptions;
  table: CatalogTable;
  model: SourceModel | undefined;
  /** Maps each column's name to the name of its field. */
  fields: Record<string, string>;
}
