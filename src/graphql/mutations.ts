// A definition in, its create, update and delete mutations on the builder out, in both published forms.
import { queryFromInfo } from '@pothos/plugin-prisma';
import type { GraphQLResolveInfo } from 'graphql';
import type { Snapshot } from '../webhooks/index.js';
import { announcedWrite } from './announced-write.js';
import type { Context, Viewer } from './context.js';
import { columnFields, keyName, type Model } from './datamodel.js';
import { KEPT_BY_DATABASE, type NodeDefinition, tenantPath, whereTenant } from './define-node.js';
import { type Client, delegateOf, type Row } from './delegate.js';
import { keyOf } from './global-id.js';
import { idsField, readInput, whereGlobalId, writableAttributes, writableRelations } from './mutation-input.js';
import { graphqlType, type Workshop } from './node-type.js';
import type { Builder } from './schema-types.js';
import { rowOfSnapshot } from './snapshot-row.js';
import { type UserError, type UserErrorRef, UserMistake } from './user-error.js';
import { mistakesOf } from './write-errors.js';

type Operation = 'create' | 'update' | 'delete';
interface Payload {
  errors: UserError[];
  row: Row | null;
}
interface Arguments {
  input?: Record<string, Row | null | undefined> | null;
  [node: string]: Row | null | undefined;
}

const OPERATIONS = { create: 'created', update: 'updated', delete: 'deleted' } as const;
const SENTENCES: Record<Operation, string> = { create: 'Makes', update: 'Changes', delete: 'Deletes' };

export function addMutations(shop: Workshop, definition: NodeDefinition, userError: UserErrorRef): void {
  const { builder } = shop;
  const { name } = definition.model;
  const node = name.charAt(0).toLowerCase() + name.slice(1);
  const nodeInput = addNodeInput(shop, definition);
  for (const operation of ['create', 'update', 'delete'] as const) {
    const verb = `${operation.charAt(0).toUpperCase()}${operation.slice(1)}`;
    const input = builder.inputType(`${verb}${name}Input`, {
      description: `The newer form of the argument of ${operation}${name}.`,
      fields: (t) => ({ [node]: t.field({ type: nodeInput, description: `The ${name}.` }) }),
    });
    const payload = addPayload(builder, { name: `${verb}${name}Payload`, node, definition, userError });
    builder.mutationField(`${operation}${name}`, (t) =>
      t.field({
        type: payload as never,
        nullable: true,
        description: `${SENTENCES[operation]} a ${name}. Give the argument in one of the two forms.`,
        args: {
          [node]: t.arg({ type: nodeInput, description: `The ${name}${operation === 'create' ? '' : ', by its id'}.` }),
          input: t.arg({ type: input, description: 'The same in the newer form.' }),
        },
        resolve: (_root: unknown, args: Arguments, ctx: Context, info: GraphQLResolveInfo) =>
          answer(shop, definition, { operation, node, args, ctx, info }),
      } as never),
    );
  }
}

function addNodeInput({ builder, enums, definitions }: Workshop, definition: NodeDefinition) {
  const { name } = definition.model;
  return builder.inputType(`${name}Input`, {
    description: `What a user says about a ${name}: what is absent stays as it is, null clears.`,
    fields: (t) => ({
      id: t.id({ description: 'Which one, where it is changed or deleted.' }),
      ...Object.fromEntries(
        writableAttributes(definition).map((field) => {
          const type = graphqlType(field, enums);
          return [field.name, t.field({ type: (field.isList ? [type] : type) as 'String', description: field.documentation })];
        }),
      ),
      ...Object.fromEntries(
        writableRelations(definition, definitions).map((relation) => [
          `${relation.name}Id`,
          t.id({ description: `The id of: ${relation.documentation ?? relation.name}` }),
        ]),
      ),
      ...Object.fromEntries(
        definition.writableConnections.map((connection) => [
          idsField(connection),
          t.idList({ description: `The ids of all ${connection}.` }),
        ]),
      ),
    }),
  });
}

function addPayload(
  builder: Builder,
  { name, node, definition, userError }: { name: string; node: string; definition: NodeDefinition; userError: UserErrorRef },
) {
  return builder.objectRef<Payload>(name).implement({
    description: 'What came of it.',
    fields: (t) => ({
      errors: t.field({
        type: [userError],
        nullable: { list: false, items: false },
        description: 'What is wrong with the input; empty when all is well.',
        resolve: ({ errors }) => errors,
      }),
      [node]: t.field({
        type: definition.model.name as never,
        nullable: true,
        description: `The ${definition.model.name}; null where there are errors.`,
        resolve: ({ row }) => row as never,
      }),
    }),
  });
}

interface Request {
  operation: Operation;
  node: string;
  args: Arguments;
  ctx: Context;
  info: GraphQLResolveInfo;
}

async function answer(shop: Workshop, definition: NodeDefinition, { operation, node, args, ctx, info }: Request): Promise<Payload> {
  const inner = args.input?.[node];
  const path = inner ? ['input', node] : [node];
  const written = inner ?? args[node];
  const fail = (error: Pick<UserError, 'field' | 'message' | 'type'>): Payload => ({
    errors: [{ ...error, path: error.field === 'base' ? path : [...path, error.field] }],
    row: null,
  });
  if (!ctx.viewer) return fail({ field: 'base', message: 'not signed in', type: 'FORBIDDEN' });
  if (definition.adminOnly && !ctx.viewer.admin)
    return fail({ field: 'base', message: `only an admin may ${operation} a ${definition.model.name}`, type: 'FORBIDDEN' });
  if (!written) return fail({ field: node, message: "can't be blank", type: 'BLANK' });
  const query = queryFromInfo({ context: ctx, info, path: [node] });
  const viewer = ctx.viewer;
  try {
    const row = await announcedWrite(ctx, {
      typename: definition.model.name,
      operation: OPERATIONS[operation],
      path,
      write: (tx, seen) => WRITES[operation]({ shop, definition, written, path, viewer, tx, query, seen }),
      keyOf: (row) => keyOf(definition.model, row),
    });
    if (operation === 'create' && definition.tenant === keyName(definition.model))
      ctx.createdOrganizations.add(String(row[definition.tenant]));
    return { errors: [], row };
  } catch (error) {
    const errors = mistakesOf(error, { definition, path });
    if (!errors) throw error;
    return { errors, row: null };
  }
}

interface Write {
  shop: Workshop;
  definition: NodeDefinition;
  written: Row;
  path: string[];
  viewer: Viewer;
  tx: Client;
  /** What the payload asks for. */
  query: object;
  /** The row that before-hooks were shown. */
  seen: Snapshot | null;
}

const WRITES: Record<Operation, (write: Write) => Promise<Row>> = {
  async create({ shop, definition, written, path, viewer, tx, query, seen }) {
    const { model, tenant, complete } = definition;
    const source = { definition, definitions: shop.definitions, organizationId: viewer.organizationId, tx, path };
    const data = await readInput(written, 'create', source);
    const belongs = tenant === 'organizationId' ? { organizationId: viewer.organizationId } : {};
    const completed = complete ? await complete(data, { tx, viewer }) : {};
    const shown = seen ? shownValues(model, completed, seen) : {};
    return delegateOf(tx, model.name).create({ ...query, data: { ...completed, ...shown, ...data, ...belongs } });
  },
  async update({ shop, definition, written, path, viewer, tx, query }) {
    const where = whereWritten(shop, definition, { written, path, viewer });
    const source = { definition, definitions: shop.definitions, organizationId: viewer.organizationId, tx, path };
    const data = await readInput(written, 'update', source);
    return delegateOf(tx, definition.model.name).update({ ...query, where, data });
  },
  async delete({ shop, definition, written, path, viewer, tx, query }) {
    const where = whereWritten(shop, definition, { written, path, viewer });
    const delegate = delegateOf(tx, definition.model.name);
    const row = await delegate.findUnique({ ...query, where });
    if (!row) throw notFound(path);
    await delegate.delete({ where, select: { [Object.keys(where)[0] as string]: true } });
    return row;
  },
};

/** What the user didn't say, as before-hooks were shown it: the key above all. */
function shownValues(model: Model, completed: Row, seen: Snapshot): Row {
  const row = rowOfSnapshot(model, seen);
  const fields = columnFields(model).filter(
    ({ name, type, hasDefaultValue }) =>
      (hasDefaultValue || name in completed) && !KEPT_BY_DATABASE.includes(name) && !(type === 'Json' && row[name] === null),
  );
  return Object.fromEntries(fields.map(({ name }) => [name, row[name]]));
}

/** The row that the user names, if it belongs to the viewer's organization. */
function whereWritten(
  shop: Workshop,
  definition: NodeDefinition,
  { written, path, viewer }: Pick<Write, 'written' | 'path' | 'viewer'>,
): Row {
  if (written.id === undefined || written.id === null)
    throw new UserMistake([{ field: 'id', message: "can't be blank", path: [...path, 'id'], type: 'BLANK' }]);
  const where = whereGlobalId(String(written.id), definition.model);
  if (!where) throw notFound(path);
  return { ...where, AND: [whereTenant(tenantPath(definition, shop.definitions), viewer.organizationId)] };
}

function notFound(path: string[]): UserMistake {
  return new UserMistake([{ field: 'id', message: 'not found', path: [...path, 'id'], type: 'NOT_FOUND' }]);
}
