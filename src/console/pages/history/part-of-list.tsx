// Joins the parts of a page whose search ended before the page was full, and says when nothing was found yet.
import { Empty } from '../../kit/loaded';

interface Part<Node> {
  nodes: readonly Node[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null; startCursor?: string | null };
}

/** Returns the variables that load the rest of the page; `null` when the page is full or nothing is left. */
export function restOf({ nodes, pageInfo }: Part<unknown>, size: number): { first: number; after: string | null } | null {
  return pageInfo.hasNextPage && nodes.length < size ? { first: size - nodes.length, after: pageInfo.endCursor } : null;
}

export function joined<Node, P extends Part<Node>>(part: P, rest: P): P {
  const startCursor = part.pageInfo.startCursor ?? rest.pageInfo.startCursor;
  return { ...rest, nodes: [...part.nodes, ...rest.nodes], pageInfo: { ...rest.pageInfo, startCursor } };
}

export function NothingYet() {
  return (
    <Empty title="Nothing found yet">
      <p>Much else happened in this time, and all that was looked at doesn’t match. The next page looks further back.</p>
    </Empty>
  );
}
