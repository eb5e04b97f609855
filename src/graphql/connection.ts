// Turns a page of rows into the value of a connection field. Counts the total only when a query selects it.
import { type Rows, toCursor } from '../webhooks/index.js';

/**
 * The page info of a connection. A class, so that the resolvers that mergeApi adds to a host's PageInfo recognise Hookgraph's values by
 * `instanceof`.
 */
export class PageInfo {
  constructor(
    readonly hasNextPage: boolean,
    readonly hasPreviousPage: boolean,
    readonly startCursor: string | null,
    readonly endCursor: string | null,
  ) {}
}

export interface Connection<T> {
  edges: { cursor: string; node: T }[];
  pageInfo: PageInfo;
  totalCount: () => Promise<number>;
}

export function toConnection<T>(page: Rows<T>, keyOf: (row: T) => string, totalCount: () => Promise<number>): Connection<T> {
  const edges = page.rows.map((node) => ({ cursor: toCursor(keyOf(node)), node }));
  const cursors = [edges[0]?.cursor ?? null, edges.at(-1)?.cursor ?? null] as const;
  return { edges, pageInfo: new PageInfo(page.hasNextPage, page.hasPreviousPage, ...cursors), totalCount };
}
