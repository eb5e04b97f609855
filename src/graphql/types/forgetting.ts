// Adds the GraphQL type WebhookForgetting (a request to forget a node), its list, and the mutation that starts one.
import type { ObjectRef } from '@pothos/core';
import { GraphQLError } from 'graphql';
import { countForgettings, type Forgetting, type Forgotten, forgetNode, listForgettings } from '../../webhooks/index.js';
import { type AccessOf, pageOf } from '../access.js';
import type { Builder, Types } from '../builder.js';
import { toConnection } from '../connection.js';
import { type Answered, errorsOf, type UserErrorRef } from '../user-error.js';
import { totalOf } from './topic.js';

export function addForgetting(builder: Builder, access: AccessOf, userError: UserErrorRef): void {
  const state = builder.enumType('WebhookForgettingState', {
    description: 'The state of a request to forget a node.',
    values: {
      RUNNING: { description: 'A worker blanks what is stored, step by step. It waits for changes and attempts that are in progress.' },
      DONE: { description: 'Everything is blanked.' },
    } as const,
  });
  const ref = builder.objectRef<Forgetting>('WebhookForgetting').implement({
    description: 'A request to forget a node. It is kept, as a record of who asked for it, when, and how much was blanked.',
    fields: (t) => ({
      databaseId: t.exposeString('id', { nullable: false, description: 'The id of the request in the database.' }),
      nodeId: t.id({
        nullable: false,
        description: 'The id of the node.',
        resolve: ({ typename, nodeKey }, _args, ctx) => access(ctx).engine.host.toGlobalId(typename, nodeKey),
      }),
      requestedBy: t.exposeString('requestedBy', { nullable: false, description: 'The id of the user who asked for it.' }),
      state: t.field({ type: state, nullable: false, description: 'The state of the request.', resolve: (row) => row.state }),
      eventCount: t.exposeInt('events', { nullable: false, description: 'The number of events whose values were blanked so far.' }),
      attemptCount: t.exposeInt('attempts', {
        nullable: false,
        description: 'The number of attempts whose message, request and response were blanked so far.',
      }),
      cancelledCount: t.exposeInt('cancelled', {
        nullable: false,
        description: 'The number of open deliveries that were cancelled so far.',
      }),
      createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false, description: 'The time of the request.' }),
      finishedAt: t.field({
        type: 'DateTime',
        description: 'The time at which everything was blanked; `null` while the request runs.',
        resolve: (row) => (row.state === 'RUNNING' ? null : row.updatedAt),
      }),
    }),
  });
  const edge = builder.edgeObject({
    name: 'WebhookForgettingEdge',
    description: 'A request to forget a node in a list.',
    type: ref,
    nodeNullable: false,
  });
  const connection = builder.connectionObject(
    {
      name: 'WebhookForgettingConnection',
      description: 'A list of requests to forget nodes, newest first.',
      type: ref,
      fields: (t) => ({ totalCount: t.int({ nullable: false, description: 'The number of objects on all pages.', resolve: totalOf }) }),
    },
    edge,
  );
  builder.queryField('webhookForgettings', (t) =>
    t.connection(
      {
        type: ref,
        nullable: false,
        description: 'List the requests to forget nodes of your organization, newest first. Only admins may read it.',
        resolve: async (_root, args, ctx) => {
          const { reading, actor } = access(ctx);
          if (!actor.canManageWebhooks)
            throw new GraphQLError('You are not allowed to manage webhooks.', { extensions: { code: 'FORBIDDEN' } });
          return toConnection(
            await listForgettings(reading.pool, actor.tenant, pageOf(args)),
            (row) => row.id,
            () => countForgettings(reading.pool, actor.tenant),
          );
        },
      },
      connection,
      edge,
    ),
  );
  addForget(builder, access, { ref, userError });
}

function addForget(
  builder: Builder,
  access: AccessOf,
  { ref, userError }: { ref: ObjectRef<Types, Forgetting>; userError: UserErrorRef },
): void {
  const payload = builder.objectRef<Forgotten & Answered>('ForgetWebhookNodePayload').implement({
    description: 'The result of `forgetWebhookNode`.',
    fields: (t) => ({
      errors: t.field(errorsOf(userError, 'The reasons why nothing is forgotten; empty on success.')),
      webhookForgetting: t.field({
        type: ref,
        description: 'The request, which a worker carries out; `null` when there are errors.',
        resolve: ({ forgetting }) => forgetting,
      }),
    }),
  });
  const wrapped = builder.inputType('ForgetWebhookNodeInput', {
    description: 'The `input` argument of `forgetWebhookNode`.',
    fields: (t) => ({ nodeId: t.id({ description: 'The id of the node, which may be deleted.' }) }),
  });
  builder.mutationField('forgetWebhookNode', (t) =>
    t.field({
      type: payload,
      nullable: false,
      description:
        'Forget a node: blank the values that events recorded of it, and the messages, requests and responses of attempts to notify anybody in your organization of it; cancel notifications of it that are not sent yet. Its id and the times stay. Delete or blank the row first: later changes are recorded again. Events of other nodes that mention it stay as they are.',
      args: {
        nodeId: t.arg.id({ description: 'The id of the node, which may be deleted.' }),
        input: t.arg({ type: wrapped, description: 'The same arguments as an input object. Use either form.' }),
      },
      resolve: async (_root, { nodeId: plain, input }, ctx) => {
        const { engine, actor } = access(ctx);
        const id = plain ?? input?.nodeId;
        const path = plain == null && input ? ['input'] : [];
        if (id == null)
          return { problems: [{ field: 'nodeId', message: "can't be blank", type: 'BLANK' as const }], forgetting: null, path };
        return { ...(await forgetNode(engine, actor, String(id))), path };
      },
    }),
  );
}
