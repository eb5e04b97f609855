// Adds the GraphQL type WebhookTopic (a kind of event, such as `user/created`) and its connection.

import type { Topic } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder } from '../builder.js';
import type { Connection } from '../connection.js';
import { idField } from '../own-nodes.js';
import type { Enums } from './enums.js';

export function addTopic(builder: Builder, access: AccessOf, { operation }: Enums) {
  const ref = builder.objectRef<Topic>('WebhookTopic');
  builder.objectType(ref, {
    description: 'A kind of event that you can subscribe to, e.g. `user/created`.',
    interfaces: ['Node'],
    fields: (t) => ({
      id: idField(t, access, 'The global id of the topic, for `webhookTopic(id:)` and for `topic: { id: … }` of a subscription.'),
      databaseId: t.exposeString('id', { nullable: false, description: 'The id of the topic in the database.' }),
      key: t.exposeString('key', { nullable: false, description: 'The key of the topic, e.g. `user/created`.' }),
      version: t.exposeString('version', { nullable: false, description: 'The version of the payload, e.g. `1.1`.' }),
      nodeType: t.exposeString('typename', { nullable: false, description: 'The type of the node that changes.' }),
      operation: t.field({
        type: operation,
        nullable: false,
        description: 'Whether the topic is about nodes that are created, updated or deleted.',
        resolve: (topic) => topic.operation,
      }),
      description: t.exposeString('description', { nullable: false, description: 'A description of the event, for people.' }),
      createdAt: t.expose('createdAt', {
        type: 'DateTime',
        nullable: false,
        description: 'The time at which the topic was first announced.',
      }),
      updatedAt: t.expose('updatedAt', { type: 'DateTime', nullable: false, description: 'The time at which the topic was last changed.' }),
    }),
  });
  const edge = builder.edgeObject({ name: 'WebhookTopicEdge', description: 'A topic in a list.', type: ref, nodeNullable: false });
  const connection = builder.connectionObject(
    {
      name: 'WebhookTopicConnection',
      description: 'A list of topics, sorted by key and version.',
      type: ref,
      fields: (t) => ({
        totalCount: t.int({ nullable: false, description: 'The number of objects on all pages.', resolve: totalOf }),
      }),
    },
    edge,
  );
  return { ref, connection, edge };
}

export type TopicRef = ReturnType<typeof addTopic>['ref'];

/** Resolves `totalCount` of a connection. The cast is needed because Pothos' types lack the method `totalCount`. */
export function totalOf(connection: object): Promise<number> {
  return (connection as Connection<unknown>).totalCount();
}
