// Defines a host with its own `Node`, `node` and `nodes`, in which every requested user and thing exists.
import { makeExecutableSchema } from '@graphql-tools/schema';
import { DEFAULT_IDS } from '../../src/hookgraph/options.js';

const find = (id: string) => {
  const { typename = '', key } = DEFAULT_IDS.decode(id) ?? {};
  return ['User', 'Thing'].includes(typename) ? { __typename: typename, id: key } : null;
};
const ofType = (typename: string) => ({
  id: ({ id }: { id: string }) => DEFAULT_IDS.encode(typename, id),
  name: ({ id }: { id: string }) => `${typename} ${id}`,
});
export const NODE_HOST = makeExecutableSchema({
  typeDefs: `interface Node { id: ID! } type User implements Node { id: ID! name: String } type Thing implements Node { id: ID! name: String }
    type Query { node(id: ID!): Node nodes(ids: [ID!]!): [Node]! }`,
  resolvers: {
    Query: {
      node: (_root: unknown, { id }: { id: string }) => find(id),
      nodes: (_root: unknown, { ids }: { ids: string[] }) => ids.map(find),
    },
    User: ofType('User'),
    Thing: ofType('Thing'),
  },
});
