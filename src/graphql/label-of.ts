// Declares how the host names nodes for people, and batches the names of one request.
import DataLoader from 'dataloader';

/** A node to name. `typename` is `null` for a tenant. */
export interface Named {
  typename: string | null;
  key: string;
}

export interface Choice {
  key: string;
  label: string;
}

/** The names that a host gives to nodes, according to the rights of the context's user. */
export interface Labels {
  /** Returns the label of each node, in the same order; `null` for a node without a label, or that this user may not read. */
  of?(nodes: Named[], context: object): Promise<(string | null)[]>;
  /** Returns at most `first` nodes of a type that this user may choose, whose labels contain the text. */
  choices?(asked: { typename: string; search: string | null; first: number }, context: object): Promise<Choice[]>;
}

export type LabelOf = (typename: string | null, key: string) => Promise<string | null>;

/** Creates the function that names nodes in one request. Nodes that concurrent resolvers need are named by one call of the host. */
export function createLabelOf({ of }: Labels, context: object): LabelOf {
  if (!of) return async () => null;
  const loader = new DataLoader<Named, string | null, string>((nodes) => of([...nodes], context), {
    cacheKeyFn: ({ typename, key }) => `${typename ?? ''}:${key}`,
    maxBatchSize: 500,
  });
  return (typename, key) => loader.load({ typename, key });
}
