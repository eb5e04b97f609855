// Loads all pages of topics, so that the form can search all topics, and finds the topics that can share a query.
import { useQuery } from '@tanstack/react-query';
import { send } from '../../app/api';
import type { ResultOf } from '../../app/graphql';
import type { Draft } from './draft.js';
import { MORE_TOPICS } from './operations';

type Page = NonNullable<ResultOf<typeof MORE_TOPICS>['webhookTopics']>;
export type Topic = Page['nodes'][number];

/** Returns all topics; `null` while they load. */
export function useAllTopics(first: Page | undefined): Topic[] | null {
  const after = first?.pageInfo.hasNextPage ? first.pageInfo.endCursor : null;
  const more = useQuery({
    queryKey: ['more-topics', after],
    queryFn: () => loadFrom(after ?? ''),
    enabled: after !== null,
    staleTime: 60_000,
  });
  if (!first) return null;
  // While the further pages are missing, the topics of the first page can be chosen.
  return [...first.nodes, ...(more.data ?? [])];
}

async function loadFrom(cursor: string): Promise<Topic[]> {
  const found: Topic[] = [];
  for (let after: string | null = cursor; after; ) {
    const { webhookTopics }: { webhookTopics: Page } = await send(MORE_TOPICS, { after });
    found.push(...webhookTopics.nodes);
    after = webhookTopics.pageInfo.hasNextPage ? (webhookTopics.pageInfo.endCursor ?? null) : null;
  }
  return found;
}

/** The other topics of the same node type, each in its newest version: one query and one template fit all of them. */
export function siblingsOf(topics: readonly Topic[], id: string): Topic[] {
  const chosen = topics.find((topic) => topic.id === id);
  if (!chosen?.nodeType) return [];
  const newest = new Map(topics.filter(({ nodeType }) => nodeType === chosen.nodeType).map((topic) => [topic.key, topic]));
  newest.delete(chosen.key);
  return [...newest.values()];
}

/** The ids of the chosen topic and of its siblings that are ticked. */
export function allTopics({ topic, moreTopics }: Pick<Draft, 'topic' | 'moreTopics'>, topics: readonly Topic[]): string[] {
  return [topic, ...siblingsOf(topics, topic).flatMap(({ id }) => (moreTopics.includes(id) ? [id] : []))];
}
