// Says of each node type what the catalog can't: whose its rows are, how they are deleted, which further topics they have.
import type { TableOptions, Tables } from '../../index.js';
import { fieldOf } from '../../sources/prisma/index.js';
import type { NodeDefinition } from './define-node.js';

export function tablesOf(definitions: NodeDefinition[]): Tables {
  return {
    // Our own triggers keep `updatedAt`: any writer counts.
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
