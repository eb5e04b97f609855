// The definition of a node type in, what the engine is told of it out: tables and columns, nothing of Prisma.

import { columnFields, fieldOf, keyFields, type Model, relationOfColumn } from '../../sources/prisma/datamodel.js';
import type { AnnouncedNode, TenantSource } from '../../webhooks/index.js';
import type { NodeDefinition } from './define-node.js';

export function announceNode({ model, tenant, environment, softDelete, lifecycle }: NodeDefinition): AnnouncedNode {
  const column = (field: string) => fieldOf(model, field).column;
  const createdAt = model.fields.find(({ name }) => name === 'createdAt');
  const updatedAt = model.fields.find(({ name }) => name === 'updatedAt');
  return {
    typename: model.name,
    table: { schema: model.schema, name: model.table },
    key: keyFields(model).map((field) => field.column),
    columns: Object.fromEntries(
      columnFields(model).map((field) => [field.column, relationOfColumn(model, field.name)?.name ?? field.name]),
    ),
    tenant: tenantSource(model, tenant),
    ...(environment && { environment: { column: column(environment) } }),
    ...(softDelete && { softDelete: { column: column(softDelete) } }),
    ...(createdAt && { createdAt: createdAt.column }),
    ...(updatedAt && { updatedAt: updatedAt.column }),
    ...(lifecycle.length > 0 && { lifecycle: lifecycle.map(({ field, ...rest }) => ({ ...rest, column: column(field) })) }),
  };
}

function tenantSource(model: Model, name: string): TenantSource {
  const field = fieldOf(model, name);
  if (field.kind !== 'object') return { column: field.column };
  const foreignKey = field.relationFromFields?.[0];
  if (!foreignKey) throw new Error(`${model.name}.${name} can't lead to the tenant: its foreign key is on ${field.type}`);
  return { parent: { column: fieldOf(model, foreignKey).column, typename: field.type } };
}
