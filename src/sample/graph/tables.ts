// Converts node definitions to Hookgraph's options for tables: tenant, environment, soft deletion and additional topics.
import type { TableOptions, Tables } from '../../index.js';
import { type Field, fieldOf } from '../../sources/prisma/index.js';
import type { NodeDefinition } from './define-node.js';

export function tablesOf(definitions: NodeDefinition[]): Tables {
  return {
    // Lets Hookgraph's triggers set `updatedAt` at each change of a row.
    defaults: { maintainsUpdatedAt: true },
    ...Object.fromEntries(definitions.map((definition) => [definition.model.name, tableOf(definition, definitions)])),
  };
}

function tableOf({ model, tenant, environment, softDelete, when }: NodeDefinition, definitions: NodeDefinition[]): TableOptions {
  const links = Object.fromEntries(
    model.fields.map((field) => joinTableOf(model.name, field, definitions)).filter((pair) => pair !== null),
  );
  return {
    tenant: fieldOf(model, tenant).kind === 'object' ? { of: tenant } : tenant,
    ...(environment && { environment }),
    ...(softDelete && { softDelete }),
    when,
    links,
  };
}

/**
 * Returns the field's name and the join table of a relation that is a list on both sides, such as groups and members. Returns `null` for
 * other relations. Prisma names the table after the relation, and its columns A and B by the order of the models' names:
 * https://www.prisma.io/docs/orm/prisma-schema/data-model/relations/many-to-many-relations
 */
function joinTableOf(
  typename: string,
  { kind, isList, type, relationName, name }: Field,
  definitions: NodeDefinition[],
): [string, { table: string; column: string }] | null {
  if (kind !== 'object' || !isList || type === typename) return null;
  const other = definitions.find(({ model }) => model.name === type)?.model;
  const hasList = other?.fields.some((field) => field.relationName === relationName && field.isList);
  return hasList ? [name, { table: `_${relationName}`, column: typename < type ? 'A' : 'B' }] : null;
}
