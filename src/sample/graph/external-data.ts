// Converts a filter on `externalData`, a JSON column of some nodes, to Prisma's `where`.

import { GraphQLError } from 'graphql';
import pg from 'pg';
import { type ExactNumber, stringifyJson } from '../../index.js';
import { fieldOf, keyFields, type Row, toMarked } from '../../sources/prisma/index.js';
import type { Context } from './context.js';
import type { NodeDefinition } from './define-node.js';

export interface ExternalDataFilter {
  type?: string | null;
  key?: string | null;
  value?: string | number | ExactNumber | null;
}

/**
 * Maximum number of matching rows to look up by the index. If more rows match, Prisma's own filter finds a page of them quickly without the
 * index.
 */
const FOUND_BY_INDEX = 1000;

export function hasExternalData({ model }: NodeDefinition): boolean {
  return model.fields.some(({ name, type }) => name === 'externalData' && type === 'Json');
}

/**
 * Returns Prisma's own filter for rows whose `externalData` matches.
 * @throws GraphQLError for an invalid filter
 */
export function whereExternalData({ type, key, value }: ExternalDataFilter): Row {
  if (!key || value === null || value === undefined) throw new GraphQLError('externalData needs a type, a key and a value.');
  if (type === 'MATCH') return { externalData: { path: [key], equals: toMarked(value) } };
  if (type === 'CONTAINS') return { externalData: { path: [key], array_contains: toMarked([value]) } };
  throw new GraphQLError(`externalData.type is ${JSON.stringify(type)}, but it must be "MATCH" or "CONTAINS".`);
}

/**
 * Finds the matching rows by the GIN index, which Prisma's own filter never uses. Returns a `where` with their keys, to combine with that
 * filter by AND; it is empty, which restricts nothing, when more than FOUND_BY_INDEX rows match.
 */
export async function narrowByExternalData(
  { model, tenant }: NodeDefinition,
  { filter, ctx }: { filter: ExternalDataFilter | null | undefined; ctx: Context },
): Promise<Row> {
  const [key, ...more] = keyFields(model);
  const owner = fieldOf(model, tenant);
  if (!filter?.key || !ctx.viewer || !key || more.length > 0 || owner.kind === 'object') return {};
  const held = stringifyJson({ [filter.key]: filter.type === 'CONTAINS' ? [filter.value] : filter.value });
  const [id, table, data, organization] = [key.column, model.table, fieldOf(model, 'externalData').column, owner.column].map(
    pg.escapeIdentifier,
  );
  const found = await ctx.prisma.$queryRawUnsafe<{ id: unknown }[]>(
    `SELECT ${id} AS id FROM ${pg.escapeIdentifier(model.schema)}.${table} WHERE ${data} @> $1::jsonb AND ${organization}::text = $2 LIMIT ${FOUND_BY_INDEX + 1}`,
    held,
    ctx.viewer.organizationId,
  );
  return found.length > FOUND_BY_INDEX ? {} : { [key.name]: { in: found.map((row) => row.id) } };
}
