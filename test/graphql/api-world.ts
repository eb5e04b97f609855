// Runs the API over an engine on a separate database, in any host schema and as any actor.
import { type GraphQLSchema, graphql } from 'graphql';
import { type ApiOptions, createApi } from '../../src/graphql/index.js';
import type { Actor } from '../../src/webhooks/index.js';
import { owner, type ThingEngine, thingEngine } from '../webhooks/operations/save/thing-engine.js';

export interface ApiWorld extends ThingEngine {
  api(options?: Partial<ApiOptions>): ReturnType<typeof createApi>;
  /** Saves the first subscription in this schema. Throws when the save is refused. */
  save(schema: GraphQLSchema): Promise<{ id: string; databaseId: string; createdAt: string }>;
}

// biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of the answer that it queries
export type Answer = { data: any; errors?: { message: string }[] };

export function ask(
  schema: GraphQLSchema,
  source: string,
  { actor = owner, rootValue }: { actor?: Actor | null; rootValue?: unknown } = {},
) {
  return graphql({ schema, source, rootValue, contextValue: { actor } }) as Promise<Answer>;
}

/** `field`: the mutation's name in the merged schema. */
export const saveBy = (field: string) => `mutation { saved: ${field}(webhookSubscription: {
  topic: { key: "thing/created" } callbackUrl: "https://8.8.8.8/hook" headers: [{ name: "X-A", value: "b" }] }) {
    errors { field message fullMessage path type } webhookSubscription { __typename id databaseId createdAt createdById topic { key createdAt } } } }`;

export async function apiWorld(): Promise<ApiWorld> {
  const world = await thingEngine();
  Object.assign(world.engine.host, {
    toGlobalId: (typename: string, key: string) => `${typename}:${key}`,
    fromGlobalId: (id: string) => {
      const [typename, key] = id.split(':');
      return typename && key ? { typename, key } : null;
    },
  });
  return {
    ...world,
    api: (options) =>
      createApi({ access: (context) => ({ engine: world.engine, actor: (context as { actor: Actor | null }).actor }), ...options }),
    async save(schema) {
      const { data, errors } = await ask(schema, saveBy('createWebhookSubscription'));
      if (errors || data.saved.errors.length > 0) throw new Error(JSON.stringify(errors ?? data.saved.errors));
      return data.saved.webhookSubscription;
    },
  };
}
