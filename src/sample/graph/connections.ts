// Defines the arguments of connections, and converts them to Prisma's `where` and `orderBy`.
import type { ArgBuilder } from '@pothos/core';
import { GraphQLError } from 'graphql';
import { type Field, fieldOf, keyFields, type Model, type Row } from '../../sources/prisma/index.js';
import type { Builder, Types } from './builder.js';
import type { Context } from './context.js';
import { attributesOf, type NodeDefinition, relationsOf, whereTenant } from './define-node.js';
import { type ExternalDataFilter, hasExternalData, whereExternalData } from './external-data.js';
import { decodeGlobalId, whereKey } from './global-id.js';
import { PAGE } from './page.js';

export interface ConnectionArguments {
  first?: number | null;
  last?: number | null;
  orderBy?: { attribute?: string | null; direction?: 'ASC' | 'DESC' | null } | null;
  createdAtMin?: Date | null;
  createdAtMax?: Date | null;
  updatedAtMin?: Date | null;
  updatedAtMax?: Date | null;
  fullText?: string | null;
  externalData?: ExternalDataFilter | null;
  [foreignKey: string]: unknown;
}

/** Adds the input types that all connections share. */
export function addConnectionInputs(builder: Builder) {
  const direction = builder.enumType('OrderDirection', {
    description: 'The direction of an order.',
    values: { ASC: { description: 'Smallest value first.' }, DESC: { description: 'Greatest value first.' } } as const,
  });
  const orderBy = builder.inputType('OrderBy', {
    description: 'The order of a list.',
    fields: (t) => ({
      attribute: t.string({ description: 'An attribute of the objects, e.g. `createdAt`.' }),
      direction: t.field({ type: direction, description: 'Default: ASC.' }),
    }),
  });
  const externalData = builder.inputType('ExternalDataFilter', {
    description: 'A condition on the external data.',
    fields: (t) => ({
      type: t.string({ description: '`MATCH`: the key has this value; `CONTAINS`: the key has a list that contains this value.' }),
      key: t.string({ description: 'The key in the external data.' }),
      value: t.field({ type: 'Alphanumeric', description: 'The value to compare with.' }),
    }),
  });
  return { orderBy, externalData };
}

export type ConnectionInputs = ReturnType<typeof addConnectionInputs>;

export function connectionArgs(
  arg: ArgBuilder<Types>,
  definition: NodeDefinition,
  { inputs, definitions, enums }: { inputs: ConnectionInputs; definitions: NodeDefinition[]; enums: Map<string, unknown> },
) {
  const time = (description: string) => arg({ type: 'DateTime', description });
  return {
    orderBy: arg({ type: inputs.orderBy, description: 'The order of the objects. Default: oldest first.' }),
    createdAtMin: time('Only objects created at this time or later.'),
    createdAtMax: time('Only objects created at this time or earlier.'),
    updatedAtMin: time('Only objects updated at this time or later.'),
    updatedAtMax: time('Only objects updated at this time or earlier.'),
    ...(definition.fullText.length > 0 && {
      fullText: arg.string({ description: `Only objects whose ${definition.fullText.join(', ')} contain all of these words.` }),
    }),
    ...(hasExternalData(definition) && {
      externalData: arg({ type: inputs.externalData, description: 'Only objects whose external data meets this condition.' }),
    }),
    ...Object.fromEntries(
      Object.entries(definition.anyOf).map(([name, attribute]) => [
        name,
        arg({
          type: [enums.get(fieldOf(definition.model, attribute).type)] as unknown as ['String'],
          description: `Only objects whose ${attribute} is one of these values.`,
        }),
      ]),
    ),
    ...Object.fromEntries(
      foreignKeys(definition, definitions).map(({ name, type }) => [
        `${name}Id`,
        arg.id({ description: `Only objects whose ${name} is this ${type}.` }),
      ]),
    ),
  };
}

/**
 * Returns the relations by which a connection can be filtered: all relations with a foreign key, except the relation to the tenant, which
 * is always the viewer's.
 */
function foreignKeys(definition: NodeDefinition, definitions: NodeDefinition[]) {
  return relationsOf(definition, definitions).filter(
    ({ relationFromFields }) => relationFromFields?.length && !relationFromFields.includes(definition.tenant),
  );
}

/**
 * Converts the arguments of a connection to Prisma's `where` and `orderBy`.
 * @throws GraphQLError for invalid arguments
 */
export function connectionQuery(
  definition: NodeDefinition,
  { args, ctx, path, definitions }: { args: ConnectionArguments; ctx: Context; path: string[]; definitions: NodeDefinition[] },
): { where: Row; orderBy: Row[] } {
  refusePage(args);
  const conditions: Row[] = [ctx.viewer ? whereTenant(path, ctx.viewer.organizationId) : whereNothing(definition.model)];
  for (const field of ['createdAt', 'updatedAt']) {
    const [min, max] = [args[`${field}Min`], args[`${field}Max`]];
    if (min || max) conditions.push({ [field]: { ...(min ? { gte: min } : {}), ...(max ? { lte: max } : {}) } });
  }
  for (const word of args.fullText?.split(/\s+/).filter(Boolean) ?? [])
    conditions.push({ OR: definition.fullText.map((field) => ({ [field]: { contains: word, mode: 'insensitive' } })) });
  for (const [name, attribute] of Object.entries(definition.anyOf)) if (args[name]) conditions.push({ [attribute]: { in: args[name] } });
  if (args.externalData) conditions.push(whereExternalData(args.externalData));
  for (const { name, type, relationFromFields } of foreignKeys(definition, definitions)) {
    const id = args[`${name}Id`];
    if (id === undefined) continue;
    const foreignKey = relationFromFields?.[0] as string;
    const where = id === null ? { [foreignKey]: null } : whereForeignKey(String(id), { name, type, definitions });
    conditions.push(where ?? whereNothing(definition.model));
  }
  return { where: { AND: conditions }, orderBy: orderOf(definition, args.orderBy) };
}

function whereForeignKey(
  id: string,
  { name, type, definitions }: { name: string; type: string; definitions: NodeDefinition[] },
): Row | null {
  const decoded = decodeGlobalId(id);
  const model = definitions.find((definition) => definition.model.name === type)?.model;
  const where = decoded?.typename === type && model ? whereKey(model, decoded.key) : null;
  return where && { [name]: where };
}

/**
 * Returns a `where` that matches no row. `OR: []` can't be used, because inside an AND Prisma treats it as matching
 * every row.
 */
export function whereNothing(model: Model): Row {
  return { [(keyFields(model)[0] as Field).name]: { in: [] } };
}

export function refusePage({ first, last }: ConnectionArguments): void {
  for (const [name, size] of Object.entries({ first, last }))
    if (typeof size === 'number' && (size < 1 || size > PAGE.greatest))
      throw new GraphQLError(`${name} is ${size}, but it must be from 1 to ${PAGE.greatest}.`);
}

/** Returns the order of a list: by the chosen attribute, then by the key. */
export function orderOf(definition: NodeDefinition, orderBy: ConnectionArguments['orderBy']): Row[] {
  const direction = orderBy?.direction === 'DESC' ? 'desc' : 'asc';
  const attribute = orderBy?.attribute ?? 'createdAt';
  const fields = definition.orderBy[attribute] ?? [attribute];
  const known = orderableFields(definition);
  if (!fields.every((field) => known.includes(field))) {
    const choice = [...known, ...Object.keys(definition.orderBy)].sort().join(', ');
    throw new GraphQLError(`orderBy.attribute is ${JSON.stringify(attribute)}, but it must be one of ${choice}.`);
  }
  const key = definition.model.primaryKey?.fields ?? definition.model.fields.filter(({ isId }) => isId).map(({ name }) => name);
  // Sorts by the key last, so that rows with equal attributes keep their order from page to page.
  return [...new Set([...fields, ...key])].map((field) => ({ [field]: direction }));
}

function orderableFields(definition: NodeDefinition): string[] {
  return attributesOf(definition)
    .filter(({ type, isList }) => type !== 'Json' && type !== 'Bytes' && !isList)
    .map(({ name }) => name);
}
