// Adds the GraphQL types of a node: its object type, its connection type and the root field that lists its objects.

import {
  delegateOf,
  type Enum,
  type Field,
  fieldOf,
  isRemembered,
  isSometimesUnsayable,
  keyName,
  type Model,
  type Row,
  toGraphqlValue,
} from '../../sources/prisma/index.js';
import { readAsOf } from './as-of.js';
import type { Builder, Types } from './builder.js';
import { type ConnectionArguments, type ConnectionInputs, connectionArgs, connectionQuery, whereNothing } from './connections.js';
import type { Context } from './context.js';
import { attributesOf, definitionOf, type NodeDefinition, relationsOf, tenantPath, whereTenant } from './define-node.js';
import { narrowByExternalData } from './external-data.js';
import { keyOf, whereKey } from './global-id.js';
import { whereBeyond } from './keyset.js';

/** The builder, with the definitions and types of all nodes. */
export interface SchemaParts {
  builder: Builder;
  definitions: NodeDefinition[];
  inputs: ConnectionInputs;
  /** Enum types by the model's enum name. */
  enums: Map<string, unknown>;
  /** The types of each node, by typename; filled by addNodeType and addConnectionTypes. */
  refs: Map<string, { type: unknown; connection?: unknown; edge?: unknown }>;
}

const SCALARS: Record<string, string> = { DateTime: 'DateTime', Json: 'JSON', BigInt: 'BigInt', Decimal: 'String', Bytes: 'String' };

const DESCRIPTIONS: Record<string, string> = {
  createdAt: 'The time at which the object was created.',
  updatedAt: 'The time at which an attribute of the object last changed.',
};

export function addEnum(builder: Builder, { name, values, documentation }: Enum): unknown {
  const entries = values.map((value) => [value.name, { description: value.documentation }]);
  return builder.enumType(name, { description: documentation, values: Object.fromEntries(entries) });
}

/** Returns the GraphQL type of a column. */
export function graphqlType({ kind, type }: Field, enums: Map<string, unknown>): unknown {
  return kind === 'enum' ? enums.get(type) : (SCALARS[type] ?? type);
}

type FieldsOf = PothosSchemaTypes.PrismaObjectFieldBuilder<Types, Types['PrismaTypes']['User']>;

export function addNodeType(parts: SchemaParts, definition: NodeDefinition): void {
  const { builder, definitions } = parts;
  const { model } = definition;
  const path = tenantPath(definition, definitions);
  const type = builder.prismaNode(
    model.name as 'User',
    {
      id: { field: keyName(model), description: 'The global id of the object: opaque, and safe in a URL path.' },
      findUnique: (key: string, ctx: Context) => whereOwn(model, path, { key: String(key), ctx }),
      // `node` returns null for a missing row instead of an error.
      nullable: true,
      description: model.documentation,
      ...(path.length > 1 && { include: includePath(path) }),
      // Returns a boolean instead of the name of an authorization rule, because this function runs for each row of a page and must be fast.
      authScopes: (row: Row, ctx: Context) => isRemembered(row) || isOwn(tenantOf(row, path), ctx),
      fields: (t: FieldsOf) => ({
        databaseId: t.string({
          nullable: false,
          description: 'The id of the object in the database.',
          resolve: (row) => keyOf(model, row as Row),
        }),
        ...Object.fromEntries(attributesOf(definition).map((field) => [field.name, exposeAttribute(t, field, { parts, definition })])),
        ...Object.fromEntries(
          relationsOf(definition, definitions).map(({ name }) => [
            name,
            t.relation(name as never, { nullable: true, deprecationReason: definition.deprecated[name] } as never),
          ]),
        ),
        ...Object.fromEntries(definition.connections.map((name) => [name, relatedConnection(t, { of: name }, { parts, definition })])),
        ...Object.fromEntries(
          Object.entries(definition.furtherConnections).map(([name, view]) => [name, relatedConnection(t, view, { parts, definition })]),
        ),
        ...definition.fields?.(t as never),
      }),
    } as never,
  );
  parts.refs.set(model.name, { type });
}

/**
 * Returns the `where` that finds a row by its key, if the row belongs to the viewer's organization.
 */
function whereOwn(model: Model, path: string[], { key, ctx }: { key: string; ctx: Context }): Row {
  const where = whereKey(model, key);
  if (!ctx.viewer || !where) return { ...where, AND: [whereNothing(model)] };
  if (ctx.createdOrganizations.has(key)) return where;
  const [field, ...further] = path as [string];
  const { organizationId } = ctx.viewer;
  // Uses a plain equality if possible, because Prisma batches look-ups that have only equalities.
  return further.length === 0 && !(field in where)
    ? { ...where, [field]: organizationId }
    : { ...where, AND: [whereTenant(path, organizationId)] };
}

function tenantOf(row: Row, path: string[]): unknown {
  let value: unknown = row;
  for (const name of path) value = (value as Row | null | undefined)?.[name];
  return value;
}

function isOwn(organizationId: unknown, { viewer, createdOrganizations }: Context): boolean {
  return typeof organizationId === 'string' && (viewer?.organizationId === organizationId || createdOrganizations.has(organizationId));
}

function refsOf({ refs }: SchemaParts, { model }: NodeDefinition) {
  return refs.get(model.name) ?? { type: undefined };
}

function exposeAttribute(t: FieldsOf, field: Field, { parts, definition }: { parts: SchemaParts; definition: NodeDefinition }): unknown {
  const { name, isList, isRequired, documentation } = field;
  const exposed = graphqlType(field, parts.enums);
  return t.field({
    type: isList ? [exposed] : exposed,
    nullable: !isRequired || isSometimesUnsayable(field),
    description: documentation ?? DESCRIPTIONS[name],
    deprecationReason: definition.deprecated[name],
    resolve: (row: Row) => toGraphqlValue(field, row[name]),
  } as never);
}

function includePath([relation, ...rest]: string[]): Row {
  return { [relation as string]: rest.length > 1 ? { include: includePath(rest) } : true };
}

function relatedConnection(
  t: FieldsOf,
  { of, where, description }: NodeDefinition['furtherConnections'][string],
  { parts, definition }: { parts: SchemaParts; definition: NodeDefinition },
): unknown {
  const relation = fieldOf(definition.model, of);
  const target = definitionOf(relation.type, parts.definitions);
  const path = tenantPath(target, parts.definitions);
  const { connection, edge } = refsOf(parts, target);
  return t.relatedConnection(
    of as never,
    {
      cursor: keyName(target.model),
      totalCount: true,
      nullable: true,
      description: description ?? relation.documentation,
      args: connectionArgs(t.arg, target, parts),
      query: (args: ConnectionArguments, ctx: Context) => {
        const query = connectionQuery(target, { args, ctx, path, definitions: parts.definitions });
        return where ? { ...query, where: { AND: [where, query.where] } } : query;
      },
    } as never,
    connection as never,
    edge as never,
  );
}

export function addRootConnection(parts: SchemaParts, definition: NodeDefinition): void {
  const { builder, definitions } = parts;
  const path = tenantPath(definition, definitions);
  const { model, plural } = definition;
  const { connection, edge } = refsOf(parts, definition);
  const queryOf = async (args: ConnectionArguments, ctx: Context) => {
    const { where, orderBy } = connectionQuery(definition, { args, ctx, path, definitions });
    return { where: { AND: [await narrowByExternalData(definition, { filter: args.externalData, ctx }), where] }, orderBy };
  };
  builder.queryField(plural, (t) =>
    t.prismaConnection(
      {
        type: model.name as 'User',
        cursor: keyName(model) as 'id',
        nullable: true,
        description: `List the ${model.name} objects of the viewer's organization. ${model.documentation ?? ''}`.trim(),
        args: connectionArgs(t.arg, definition, parts),
        totalCount: async (_root: unknown, args: ConnectionArguments, ctx: Context) =>
          delegateOf(ctx.prisma, model.name).count({ where: (await queryOf(args, ctx)).where }),
        resolve: async (query: { select?: Row }, _root: unknown, args: ConnectionArguments, ctx: Context) => {
          const { where, orderBy } = await queryOf(args, ctx);
          const cursor = args.after ?? args.before;
          const beyond = typeof cursor === 'string' ? whereBeyond(model, orderBy, cursor, args.before != null) : null;
          const position = beyond && { cursor: undefined, skip: 0 };
          // Selects the values by which the list is sorted, even if the request doesn't, because a cursor contains them.
          const select = query.select && { select: { ...query.select, ...selectOf(orderBy) } };
          const all = { ...query, ...select, ...position, where: { AND: [...where.AND, ...(beyond ? [beyond] : [])] }, orderBy };
          return delegateOf(ctx.prisma, model.name).findMany(all);
        },
      } as never,
      connection as never,
      edge as never,
    ),
  );
}

const selectOf = (orderBy: Row[]): Row => Object.fromEntries(orderBy.flatMap((part) => Object.keys(part).map((name) => [name, true])));

/** Adds the connection and edge types of a node type, which all its connections share, so that a fragment fits each of them. */
export function addConnectionTypes({ builder, refs }: SchemaParts, { model }: NodeDefinition): void {
  const type = refs.get(model.name)?.type as never;
  const edge = builder.edgeObject({
    type,
    name: `${model.name}Edge`,
    description: `A node of the type ${model.name} in a connection.`,
  } as never);
  const connection = builder.connectionObject(
    {
      type,
      name: `${model.name}Connection`,
      description: `A page of ${model.name} objects.`,
    } as never,
    edge as never,
  );
  builder.objectField(connection as never, 'totalCount', (t) =>
    t.int({
      nullable: false,
      description: 'The number of objects on all pages.',
      extensions: { pothosPrismaTotalCount: true },
      // The connection of a root field has a function that counts its rows; other connections already have the number.
      resolve: ({ totalCount }: { totalCount: number | (() => Promise<number>) }) =>
        typeof totalCount === 'function' ? totalCount() : totalCount,
    } as never),
  );
  builder.objectField(connection as never, 'asOf', (t) =>
    t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'The time to pass as the next `updatedAtMin`, so that a synchronization misses no object: no open transaction can commit an object with an earlier `updatedAt`. `null` when it can not be determined now; then keep the time from the previous page.',
      resolve: (_page: unknown, _args: unknown, ctx: Context) => readAsOf(ctx),
    } as never),
  );
  refs.set(model.name, { type, connection, edge });
}
