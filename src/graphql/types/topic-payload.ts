// Adds the fields `payloadSchema` and `example` of topics, which describe what a subscription gets.
import { GraphQLError } from 'graphql';
import { describePayload, type Json } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder } from '../builder.js';
import type { TopicRef } from './topic.js';

export function addTopicPayload(builder: Builder, access: AccessOf, topic: TopicRef): void {
  builder.objectFields(topic, (t) => ({
    payloadSchema: t.field({
      type: 'JSON',
      nullable: false,
      description: 'The JSON Schema of the data of a notification, before a template changes it: an object with the field `data`.',
      args: { query: t.arg.string({ description: 'The GraphQL query that makes the data. Default: the default payload.' }) },
      resolve: ({ typename, key }, { query }, ctx) => {
        const described = describePayload(access(ctx).engine, { typename, key }, query ?? null);
        if ('schema' in described) return described.schema as Json;
        const [problem] = described.problems;
        throw new GraphQLError(problem?.message ?? 'The query is not valid.', {
          extensions: { code: 'QUERY_INVALID', place: problem?.place ?? null },
        });
      },
    }),
    example: t.field({
      type: 'JSON',
      description:
        "The default payload for the newest node of the topic's type that you may read; for a `deleted` topic, the node deleted last. `null` when there is none.",
      resolve: (of, _args, ctx) => access(ctx).loaders.example.load(of) as Promise<Json>,
    }),
  }));
}
