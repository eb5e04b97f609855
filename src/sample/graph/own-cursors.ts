// Makes the cursors of root lists independent of their rows. Makes other connections refuse a cursor (the position after which a page
// begins) whose row was deleted or belongs to another organization.
import { parsePrismaCursor } from '@pothos/plugin-prisma';
import { defaultFieldResolver, GraphQLError, type GraphQLSchema, getNamedType, isObjectType } from 'graphql';
import { delegateOf, keyName, type Row } from '../../sources/prisma/index.js';
import { type ConnectionArguments, orderOf } from './connections.js';
import type { Context } from './context.js';
import { type NodeDefinition, tenantPath, whereTenant } from './define-node.js';
import { whereKey } from './global-id.js';
import { isKeyset, keysetCursor } from './keyset.js';

/**
 * Returns the error for a cursor whose row was deleted or belongs to another organization. Prisma would accept both: the
 * page after another organization's row would reveal that row's position in the order, and the page after a deleted row
 * would be empty, so that a client would miss the remaining rows.
 */
export function cursorIsGone(): GraphQLError {
  return new GraphQLError('The object of this cursor was deleted: start again from the first page, or continue with createdAtMin.');
}

export function ownCursors(schema: GraphQLSchema, definitions: NodeDefinition[]): GraphQLSchema {
  const byConnection = new Map(definitions.map((definition) => [`${definition.model.name}Connection`, definition]));
  for (const type of Object.values(schema.getTypeMap()).filter(isObjectType))
    for (const field of Object.values(type.getFields())) {
      const definition = byConnection.get(getNamedType(field.type).name);
      if (!definition) continue;
      const path = tenantPath(definition, definitions);
      const { resolve = defaultFieldResolver } = field;
      const isRoot = type === schema.getQueryType();
      const list = async (...asked: Parameters<typeof resolve>) => {
        const page = (await resolve(...asked)) as Page | null;
        return page && isRoot ? withKeysets(page, definition, asked[1]) : page;
      };
      field.resolve = (source, args, ctx: Context, info) => {
        const cursors = [args.after, args.before].filter((cursor): cursor is string => typeof cursor === 'string');
        const rows = isRoot ? cursors.filter((cursor) => !isKeyset(cursor)) : cursors;
        if (rows.length === 0 || !ctx.viewer) return isRoot ? list(source, args, ctx, info) : resolve(source, args, ctx, info);
        return Promise.all(rows.map((cursor) => isOwn(cursor, { definition, path, ctx }))).then((own) => {
          if (own.includes(false)) throw cursorIsGone();
          return list(source, args, ctx, info);
        });
      };
    }
  return schema;
}

interface Page {
  edges: { cursor: string; node: Row }[];
  pageInfo: { startCursor: string | null; endCursor: string | null };
}

/** Replaces the cursors of a page, which contain keys of rows, by cursors that contain the values by which the list is sorted. */
function withKeysets(page: Page, definition: NodeDefinition, { orderBy }: ConnectionArguments): Page {
  const order = orderOf(definition, orderBy);
  for (const edge of page.edges) edge.cursor = keysetCursor(definition.model, order, edge.node) ?? edge.cursor;
  const [first, last] = [page.edges[0], page.edges.at(-1)];
  Object.assign(page.pageInfo, { startCursor: first?.cursor ?? null, endCursor: last?.cursor ?? null });
  return page;
}

const asked = new WeakMap<Context, Map<string, Promise<boolean>>>();

interface Asked {
  definition: NodeDefinition;
  path: string[];
  ctx: Context;
}

/**
 * Whether the cursor's row belongs to the viewer's organization. Checks each cursor once in a request. Returns `true` for
 * a cursor that can't be parsed, because Pothos throws an error for it.
 */
function isOwn(cursor: string, { definition: { model }, path, ctx }: Asked): Promise<boolean> {
  const known = asked.get(ctx) ?? new Map<string, Promise<boolean>>();
  asked.set(ctx, known);
  const name = `${model.name} ${cursor}`;
  const answer = known.get(name) ?? check();
  known.set(name, answer);
  return answer;

  async function check(): Promise<boolean> {
    let key: unknown;
    try {
      key = parsePrismaCursor(cursor);
    } catch {
      return true;
    }
    const where = whereKey(model, Array.isArray(key) ? JSON.stringify(key.map(String)) : String(key));
    const own = whereTenant(path, ctx.viewer?.organizationId ?? '');
    const select = model.primaryKey ? undefined : { [keyName(model)]: true };
    return where !== null && (await delegateOf(ctx.prisma, model.name).findFirst({ where: { AND: [where, own] }, select })) !== null;
  }
}
