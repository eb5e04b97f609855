// Adds the mutations that create, update and delete nodes of a type.
import { queryFromInfo } from '@pothos/plugin-prisma';
import type { GraphQLResolveInfo } from 'graphql';
import { announcedWrite, keyName, type Row } from '../../sources/prisma/index.js';
import type { Client } from '../prisma.js';
import type { Context } from './context.js';
import type { NodeDefinition } from './define-node.js';
import { keyOf } from './global-id.js';
import { idsField, writableAttributes, writableRelations } from './mutation-input.js';
import { graphqlType, type SchemaParts } from './node-type.js';
import { type Operation, planStatement, WRITES } from './node-write.js';
import type { Builder } from './schema-types.js';
import type { UserError, UserErrorRef } from './user-error.js';
import { mistakesOf } from './write-errors.js';

interface Payload {
  errors: UserError[];
  row: Row | null;
}
interface Arguments {
  input?: Record<string, Row | null | undefined> | null;
  [node: string]: Row | null | undefined;
}

const OPERATIONS = { create: 'created', update: 'updated', delete: 'deleted' } as const;
const SENTENCES: Record<Operation, string> = { create: 'Create', update: 'Change', delete: 'Delete' };

export function addMutations(parts: SchemaParts, definition: NodeDefinition, userError: UserErrorRef): void {
  const { builder } = parts;
  const { name } = definition.model;
  const node = name.charAt(0).toLowerCase() + name.slice(1);
  const nodeInput = addNodeInput(parts, definition);
  for (const operation of ['create', 'update', 'delete'] as const) {
    const description = operation === 'create' ? `The new ${name}.` : `The ${name}, by its id.`;
    const verb = `${operation.charAt(0).toUpperCase()}${operation.slice(1)}`;
    const input = builder.inputType(`${verb}${name}Input`, {
      description: `The \`input\` argument of \`${operation}${name}\`.`,
      fields: (t) => ({ [node]: t.field({ type: nodeInput, description }) }),
    });
    const payload = addPayload(builder, { name: `${verb}${name}Payload`, node, definition, userError });
    builder.mutationField(`${operation}${name}`, (t) =>
      t.field({
        type: payload as never,
        nullable: true,
        description: `${SENTENCES[operation]} a node of the type ${name}. Pass either of the two arguments.`,
        args: {
          [node]: t.arg({ type: nodeInput, description }),
          input: t.arg({ type: input, description: 'The same arguments as an input object. Use either form.' }),
        },
        resolve: (_root: unknown, args: Arguments, ctx: Context, info: GraphQLResolveInfo) =>
          answer(parts, definition, { operation, node, args, ctx, info }),
      } as never),
    );
  }
}

function addNodeInput({ builder, enums, definitions }: SchemaParts, definition: NodeDefinition) {
  const { name } = definition.model;
  return builder.inputType(`${name}Input`, {
    description: `The fields of the ${name} to save: absent fields stay as they are, \`null\` clears a field.`,
    fields: (t) => ({
      id: t.id({ description: 'The id of the object to change or delete; absent when it is created.' }),
      ...Object.fromEntries(
        writableAttributes(definition).map((field) => {
          const type = graphqlType(field, enums);
          return [field.name, t.field({ type: (field.isList ? [type] : type) as 'String', description: field.documentation })];
        }),
      ),
      ...Object.fromEntries(
        writableRelations(definition, definitions).map((relation) => [
          `${relation.name}Id`,
          t.id({ description: `The id of the ${relation.name}. ${relation.documentation ?? ''}`.trim() }),
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
    description: 'The result of the mutation.',
    fields: (t) => ({
      errors: t.field({
        type: [userError],
        nullable: { list: false, items: false },
        description: 'The mistakes in the input; empty on success.',
        resolve: ({ errors }) => errors,
      }),
      [node]: t.field({
        type: definition.model.name as never,
        nullable: true,
        description: `The ${definition.model.name}; \`null\` when there are errors.`,
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

async function answer(parts: SchemaParts, definition: NodeDefinition, { operation, node, args, ctx, info }: Request): Promise<Payload> {
  const inner = args.input?.[node];
  const path = inner ? ['input', node] : [node];
  const written = inner ?? args[node];
  const fail = (error: Pick<UserError, 'field' | 'message' | 'type'>): Payload => ({
    errors: [{ ...error, path: error.field === 'base' ? path : [...path, error.field] }],
    row: null,
  });
  if (!ctx.viewer) return fail({ field: 'base', message: 'not signed in', type: 'FORBIDDEN' });
  if (definition.adminOnly && !ctx.viewer.admin)
    return fail({
      field: 'base',
      message: `only an admin may ${operation} a node of the type ${definition.model.name}`,
      type: 'FORBIDDEN',
    });
  if (!written) return fail({ field: node, message: "can't be blank", type: 'BLANK' });
  const query = () => queryFromInfo({ context: ctx, info, path: [node] });
  const asked = { parts, definition, written, path, viewer: ctx.viewer, query };
  try {
    const row = await announcedWrite<Row, Client>(ctx, {
      tenant: ctx.viewer.organizationId,
      typename: definition.model.name,
      operation: OPERATIONS[operation],
      cause: JSON.stringify({ actor: { userId: ctx.viewer.userId }, traceparent: ctx.traceparent }),
      plan: () => planStatement(operation, { ...asked, tx: ctx.prisma, seen: null }, ctx.quickWrite),
      write: (tx, seen) => WRITES[operation]({ ...asked, tx, seen }),
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
