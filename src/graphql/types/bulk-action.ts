// Adds the GraphQL type WebhookBulkAction (many deliveries that are resent, or many errors that are deleted), and its list.
import { type BulkAction, countBulkActions, listBulkActions } from '../../webhooks/index.js';
import { type AccessOf, pageOf } from '../access.js';
import type { Builder } from '../builder.js';
import { toConnection } from '../connection.js';
import { idField } from '../own-nodes.js';
import { totalOf } from './topic.js';

export function addBulkAction(builder: Builder, access: AccessOf) {
  const state = builder.enumType('WebhookBulkActionState', {
    description: 'The state of an action on many deliveries or errors.',
    values: {
      RUNNING: { description: 'A worker carries the action out. Resending waits while its subscription is disabled.' },
      DONE: { description: 'The action has ended.' },
      CANCELLED: { description: 'The action was cancelled. What it had changed stays changed.' },
    } as const,
  });
  const kind = builder.enumType('WebhookBulkActionKind', {
    description: 'The kind of an action on many deliveries or errors.',
    values: {
      RESEND: { description: 'Resends deliveries: a further attempt of each.' },
      RESEND_AS_NEW: { description: 'Resends deliveries as new ones.' },
      DELETE_ERRORS: { description: 'Deletes errors. Their attempts are kept.' },
    } as const,
  });
  const ref = builder.objectRef<BulkAction>('WebhookBulkAction');
  builder.objectType(ref, {
    description: 'An action on many deliveries or errors, which workers carry out step by step.',
    interfaces: ['Node'],
    fields: (t) => ({
      id: idField(t, access, 'The global id of the action, for `webhookBulkAction(id:)` and `cancelWebhookBulkAction`.'),
      databaseId: t.exposeString('id', { nullable: false, description: 'The id of the action in the database.' }),
      kind: t.field({ type: kind, nullable: false, description: 'The kind of the action.', resolve: (action) => action.kind }),
      state: t.field({ type: state, nullable: false, description: 'The state of the action.', resolve: (action) => action.state }),
      matchedCount: t.exposeInt('total', {
        nullable: false,
        description: 'The number of deliveries or errors that matched when the action was started.',
      }),
      doneCount: t.exposeInt('done', {
        nullable: false,
        description:
          'The number of deliveries or errors that the action has changed. Those that stopped matching meanwhile stay as they are.',
      }),
      progress: t.exposeFloat('progress', { nullable: false, description: 'The finished share of the action, from 0 to 1.' }),
      createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false, description: 'The time at which the action was started.' }),
      finishedAt: t.field({
        type: 'DateTime',
        description: 'The time at which the action ended or was cancelled; `null` while it runs.',
        resolve: (action) => (action.state === 'RUNNING' ? null : action.updatedAt),
      }),
    }),
  });
  const edge = builder.edgeObject({ name: 'WebhookBulkActionEdge', description: 'An action in a list.', type: ref, nodeNullable: false });
  const connection = builder.connectionObject(
    {
      name: 'WebhookBulkActionConnection',
      description: 'A list of actions, newest first.',
      type: ref,
      fields: (t) => ({ totalCount: t.int({ nullable: false, description: 'The number of objects on all pages.', resolve: totalOf }) }),
    },
    edge,
  );
  builder.queryField('webhookBulkActions', (t) =>
    t.connection(
      {
        type: ref,
        nullable: false,
        description: 'List your actions on many deliveries or errors, newest first.',
        args: { state: t.arg({ type: state, description: 'Only actions in this state.' }) },
        resolve: async (_root, args, ctx) => {
          const { reading, actor } = access(ctx);
          const wanted = args.state ?? null;
          return toConnection(
            await listBulkActions(reading.pool, actor, wanted, pageOf(args)),
            (row) => row.id,
            () => countBulkActions(reading.pool, actor, wanted),
          );
        },
      },
      connection,
      edge,
    ),
  );
  return { ref };
}
