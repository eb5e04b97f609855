// Turns a page of rows into the value of a connection field. Counts the total only when a query selects it.
import { type PartOfRows, type Rows, toCursor } from '../webhooks/index.js';

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

/** Like toConnection, for a page that may end before it is full. Its end cursor is the position from which the next page continues. */
export function toPartialConnection<T extends { id: string }>(
  { readUpTo, ...page }: PartOfRows<T>,
  { last }: { last?: number | null },
  totalCount: () => Promise<number>,
): Connection<T> {
  const connection = toConnection(page, ({ id }) => id, totalCount);
  if (readUpTo === null) return connection;
  const { hasNextPage, hasPreviousPage, startCursor, endCursor } = connection.pageInfo;
  const [start, end] = last == null ? [startCursor, toCursor(readUpTo)] : [toCursor(readUpTo), endCursor];
  return { ...connection, pageInfo: new PageInfo(hasNextPage, hasPreviousPage, start, end) };
}
