// Counts the updates that touched nothing that a subscription reads, so that `skipUnread` is offered where it helps.
import { type DocumentNode, GraphQLError, parse } from 'graphql';
import type { Engine } from '../base/engine.js';
import type { Owner, Subscription } from '../base/model.js';
import { announcedNode } from '../base/own-node.js';
import { readColumns } from '../base/query/read-columns.js';
import { subscriptionsByIds } from '../base/store/subscriptions.js';
import { topicsByIds } from '../base/store/topics.js';
import { countUnread, type UnreadUpdates } from '../base/store/unread-updates.js';
import { isUpdates, readTemplates, templatesOf } from '../compile-definition.js';

/**
 * Counts unread updates of the owner's subscriptions. Leaves out a subscription if it got no update yet, its topic is not about every
 * update of a node, or it is unknown which columns decide the content of its notifications.
 */
export async function unreadUpdatesOf(engine: Engine, owner: Owner, ids: readonly string[]): Promise<Map<string, UnreadUpdates>> {
  const subscriptions = [...(await subscriptionsByIds(engine.pool, owner, ids)).values()];
  const topics = await topicsByIds(engine.pool, [...new Set(subscriptions.map(({ topicId }) => topicId))]);
  const read = await Promise.all(
    subscriptions.map(async (one) => {
      const topic = topics.get(one.topicId);
      const columns = topic && isUpdates(topic) && !one.definition.before ? await columnsOf(engine, one, topic.typename) : null;
      return columns === null ? [] : ([[one.id, columns]] as const);
    }),
  );
  return countUnread(engine.pool, new Map(read.flat()));
}

/** Returns the columns that decide, as compileDefinition() determines them; `null` when they are unknown. */
async function columnsOf(engine: Engine, { id, tenant, definition }: Subscription, typename: string): Promise<ReadonlySet<string> | null> {
  const { host } = engine;
  const document = parsed(definition.query);
  if (document === null) return null;
  const read = await readTemplates(engine, { tenant, key: id }, templatesOf(definition));
  if ('mistake' in read) return null;
  return readColumns(host.schema(), { node: announcedNode(host, typename), nodes: host.nodes, document, eventPaths: read.paths });
}

function parsed(query: string | null): DocumentNode | null {
  try {
    return query === null ? null : parse(query);
  } catch (error) {
    // The syntax of a stored query was checked when it was saved, but perhaps by another version of GraphQL.
    if (error instanceof GraphQLError) return null;
    throw error;
  }
}
