// Adds the field `recentNodes` of topics: the nodes with which a subscription can be previewed or tested.
import { type FoundNode, recentNodes } from '../../webhooks/index.js';
import { type AccessOf, pageOf } from '../access.js';
import type { Builder } from '../builder.js';
import type { TopicRef } from './topic.js';

export function addRecentNodes(builder: Builder, access: AccessOf, topic: TopicRef): void {
  const node = builder.objectRef<FoundNode>('WebhookRecentNode').implement({
    description: 'A node with which a subscription can be previewed or tested.',
    fields: (t) => ({
      nodeId: t.id({
        nullable: false,
        description: 'The id of the node.',
        resolve: ({ typename, nodeKey }, _args, ctx) => access(ctx).engine.host.toGlobalId(typename, nodeKey),
      }),
      nodeLabel: t.string({
        description: 'The name of the node for people; `null` when the application gives none.',
        resolve: ({ typename, nodeKey }, _args, ctx) => access(ctx).label(typename, nodeKey),
      }),
    }),
  });
  builder.objectField(topic, 'recentNodes', (t) =>
    t.field({
      type: [node],
      nullable: { list: false, items: false },
      description: "The newest nodes of the topic's type that you may read; for a `deleted` topic, the nodes deleted last.",
      args: { first: t.arg.int({ description: 'The maximum number of nodes: 1–100. Default: 25.' }) },
      resolve: (of, { first }, ctx) => {
        const { reading, actor } = access(ctx);
        return recentNodes(reading, actor, of, pageOf({ first }).limit);
      },
    }),
  );
}
