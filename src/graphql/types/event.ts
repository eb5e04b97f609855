// Adds the GraphQL type WebhookEvent: a recorded change of a node.

import type { VisibleEvent } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder } from '../builder.js';
import { idField } from '../own-nodes.js';
import type { Enums } from './enums.js';

export function addEvent(builder: Builder, access: AccessOf, { operation }: Enums) {
  const ref = builder.objectRef<VisibleEvent>('WebhookEvent');
  builder.objectType(ref, {
    description: 'A change of a node, recorded in the transaction that made it.',
    interfaces: ['Node'],
    fields: (t) => ({
      id: idField(t, access, 'The global id of the event, for `webhookEvent(id:)`.'),
      databaseId: t.exposeString('id', {
        nullable: false,
        description: 'The id of the event in the database; later events have greater ids.',
      }),
      operation: t.field({
        type: operation,
        nullable: false,
        description: 'Whether the node was created, updated or deleted.',
        resolve: (event) => event.operation,
      }),
      occurredAt: t.expose('occurredAt', {
        type: 'DateTime',
        nullable: false,
        description: 'The time at which the change was written, before its transaction committed.',
      }),
      nodeType: t.exposeString('typename', { nullable: false, description: 'The type of the changed node.' }),
      nodeId: t.id({
        nullable: false,
        description: 'The id of the changed node.',
        resolve: (event, _args, ctx) => access(ctx).engine.host.toGlobalId(event.typename, event.nodeKey),
      }),
      before: t.field({
        type: 'JSON',
        description:
          'The values before the change, as an object of the fields that you may read; `null` when the node was created, or you may not read it.',
        resolve: async ({ id }, _args, ctx) => (await access(ctx).loaders.eventContent.load(id))?.before ?? null,
      }),
      after: t.field({
        type: 'JSON',
        description:
          'The values after the change, as an object of the fields that you may read; `null` when the node was deleted, or you may not read it.',
        resolve: async ({ id }, _args, ctx) => (await access(ctx).loaders.eventContent.load(id))?.after ?? null,
      }),
      actor: t.field({
        type: 'JSON',
        description: 'The user who made the change, as the application recorded it; `null` when it recorded no user.',
        resolve: async ({ id }, _args, ctx) => (await access(ctx).loaders.eventContent.load(id))?.actor ?? null,
      }),
      changedFields: t.stringList({
        nullable: false,
        description: 'The fields whose values or links changed; empty when the node was created or deleted.',
        resolve: (event, _args, ctx) => {
          const columns = access(ctx).engine.host.nodes.find((node) => node.typename === event.typename)?.columns ?? {};
          return (event.changed ?? []).map((column) => columns[column] ?? column);
        },
      }),
    }),
  });
  const edge = builder.edgeObject({ name: 'WebhookEventEdge', description: 'An event in a list.', type: ref, nodeNullable: false });
  const connection = builder.connectionObject(
    {
      name: 'WebhookEventConnection',
      description: 'A list of events, newest first. A page may be empty although a next page follows: go on with its `endCursor`.',
      type: ref,
    },
    edge,
  );
  return { ref, connection, edge };
}
