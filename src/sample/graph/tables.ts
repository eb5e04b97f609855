// Converts node definitions to Hookgraph's options for tables: tenant, environment, soft deletion and additional topics.
import type { TableOptions, Tables } from '../../index.js';
import { fieldOf } from '../../sources/prisma/index.js';
import type { NodeDefinition } from './define-node.js';

export function tablesOf(definitions: NodeDefinition[]): Tables {
  return {
    // Lets Hookgraph's triggers set `updatedAt` at each change of a row.
    defaults: { maintainsUpdatedAt: true },
    ...Object.fromEntries(definitions.map((definition) => [definition.model.name, tableOf(definition)])),
  };
}

function tableOf({ model, tenant, environment, softDelete, when }: NodeDefinition): TableOptions {
  return {
    tenant: fieldOf(model, tenant).kind === 'object' ? { of: tenant } : tenant,
    ...(environment && { environment }),
    ...(softDelete && { softDelete }),
    when,
  };
}
