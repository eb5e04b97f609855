// Converts node definitions to table options: tenant, environment, soft deletion and additional topics.
import type { TableOptions, Tables } from '../../index.js';
import { fieldOf } from '../../sources/prisma/index.js';
import type { NodeDefinition } from './define-node.js';

export function tablesOf(definitions: NodeDefinition[]): Tables {
  return {
    // Hookgraph's triggers set `updatedAt` at each change.
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
