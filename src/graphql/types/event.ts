// A builder in, WebhookEvent out.

import type { Builder } from '../../sample/graph/builder.js';
import type { VisibleEvent } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Enums } from './enums.js';

export function addEvent(builder: Builder, access: AccessOf, { operation }: Enums) {
  const ref = builder.objectRef<VisibleEvent>('WebhookEvent');
  builder.node(ref, {
    description: 'A change of a node, recorded in the transaction that made it.',
    id: { resolve: (event) => event.id, description: 'For `node(id:)`.' },
    loadOne: (id, ctx) => access(ctx).loaders.event.load(id),
    fields: (t) => ({
      databaseId: t.exposeString('id', { nullable: false, description: "The record's id; a later event has a greater one." }),
      operation: t.field({ type: operation, nullable: false, description: 'What happened.', resolve: (event) => event.operation }),
      occurredAt: t.expose('occurredAt', { type: 'DateTime', nullable: false, description: 'When the row was written.' }),
      nodeType: t.exposeString('typename', { nullable: false, description: 'The type of the node that it happened to.' }),
      nodeId: t.id({
        nullable: false,
        description: 'The id of the node that it happened to.',
        resolve: (event, _args, ctx) => access(ctx).engine.host.toGlobalId(event.typename, event.nodeKey),
      }),
      changedFields: t.stringList({
        nullable: false,
        description: 'The fields whose values changed; of a creation or a deletion none are named.',
        resolve: (event, _args, ctx) => {
          const columns = access(ctx).engine.host.nodes.find((node) => node.typename === event.typename)?.columns ?? {};
          return (event.changed ?? []).map((column) => columns[column] ?? column);
        },
      }),
    }),
  });
  return ref;
}
