// Adds WebhookTopic and its connection.

import type { Topic } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder } from '../builder.js';
import type { Connection } from '../connection.js';
import { idField } from '../own-nodes.js';
import type { Enums } from './enums.js';

export function addTopic(builder: Builder, access: AccessOf, { operation }: Enums) {
  const ref = builder.objectRef<Topic>('WebhookTopic');
  builder.objectType(ref, {
    description: 'Something that can happen to a node of one type, which subscriptions name.',
    interfaces: ['Node'],
    fields: (t) => ({
      id: idField(t, access, 'Its global id: for `webhookTopic(id:)`, and for `topic: { id: … }` of a subscription.'),
      databaseId: t.exposeString('id', { nullable: false, description: "The record's id." }),
      key: t.exposeString('key', { nullable: false, description: 'E.g. `user/created`.' }),
      version: t.exposeString('version', { nullable: false, description: 'Of its payload, e.g. `1.1`.' }),
      nodeType: t.exposeString('typename', { nullable: false, description: 'The type of the node that it happens to.' }),
      operation: t.field({
        type: operation,
        nullable: false,
        description: 'What happens to the node.',
        resolve: (topic) => topic.operation,
      }),
      description: t.exposeString('description', { nullable: false, description: 'What it means, for people.' }),
      createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false, description: 'When the topic was first announced.' }),
      updatedAt: t.expose('updatedAt', { type: 'DateTime', nullable: false, description: 'When the topic was last changed.' }),
    }),
  });
  const edge = builder.edgeObject({ name: 'WebhookTopicEdge', description: 'A topic in a list.', type: ref, nodeNullable: false });
  const connection = builder.connectionObject(
    {
      name: 'WebhookTopicConnection',
      description: 'A list of topics.',
      type: ref,
      fields: (t) => ({
        totalCount: t.int({ nullable: false, description: 'How many there are on all pages.', resolve: totalOf }),
      }),
    },
    edge,
  );
  return { ref, connection, edge };
}

export type TopicRef = ReturnType<typeof addTopic>['ref'];

/** Pothos' connection types lack the method `totalCount` that this schema's connections have, so it is cast. */
export function totalOf(connection: object): Promise<number> {
  return (connection as Connection<unknown>).totalCount();
}
