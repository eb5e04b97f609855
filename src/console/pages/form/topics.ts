// Loads the topics beyond the first page, so that the form can search in all of them.
import { useQuery } from '@tanstack/react-query';
import { send } from '../../app/api';
import type { ResultOf } from '../../app/graphql';
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
  // Without the further pages, those of the first can still be chosen.
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
