// Provides the parts of the sample product that need no database: its schema, and its types with their tables.
import { createHooks } from '../../src/sample/hookgraph.js';
import * as listed from '../../src/sample/nodes/list.js';
import { fieldOf, keyFields } from '../../src/sources/prisma/index.js';

/** The URL is a placeholder: no connection is opened before the first query. */
export const { schema } = createHooks({ database: 'postgres://nobody@localhost/none', keys: [Buffer.alloc(32)] });

export const nodes = Object.values(listed).map(({ model, tenant }) => ({
  typename: model.name,
  table: { schema: model.schema, name: model.table },
  key: keyFields(model).map(({ column }) => column),
  tenant: { column: fieldOf(model, tenant).column },
}));
