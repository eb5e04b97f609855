// Defines unrelated host schemas in different styles: each with a query, its answer, and the types that it shares with ours.
import { makeExecutableSchema } from '@graphql-tools/schema';
import SchemaBuilder from '@pothos/core';
import RelayPlugin from '@pothos/plugin-relay';
import {
  buildSchema,
  GraphQLEnumType,
  GraphQLInt,
  GraphQLInterfaceType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLUnionType,
} from 'graphql';

// biome-ignore lint/suspicious/noExplicitAny: the plugin types of the sample, in the same program, require their options of every builder
type Loose = any;

export interface ForeignHost {
  schema: GraphQLSchema;
  rootValue?: unknown;
  query: string;
  answer: unknown;
  /** The host's types that are joined with ours. */
  joined: string[];
}

const BOATS = [
  { id: '1', name: 'Aurora', berth: 7 },
  { id: '2', name: 'Brise', berth: 8 },
];

/** A Pothos schema with Relay: fields are nullable by default, and Pothos encodes the ids. */
function pothosRelay(): ForeignHost {
  const builder: Loose = new SchemaBuilder<{ Scalars: { DateTime: { Input: Date; Output: Date } } }>({
    plugins: [RelayPlugin],
    relay: { encodeGlobalID: (typename: string, id: string) => `${typename}:${id}`, decodeGlobalID: decode },
  } as never);
  builder.scalarType('DateTime', {
    serialize: (value: Date) => value.toISOString(),
    parseValue: (value: string) => new Date(value),
  });
  const Boat = builder.objectRef('Boat');
  builder.node(Boat, {
    id: { resolve: (boat: { id: string }) => boat.id },
    loadOne: (id: string) => BOATS.find((boat) => boat.id === id) ?? null,
    fields: (t: Loose) => ({ name: t.exposeString('name'), built: t.field({ type: 'DateTime', resolve: () => new Date(0) }) }),
  });
  builder.queryType({ fields: (t: Loose) => ({ boats: t.connection({ type: Boat, resolve: () => page(BOATS) }) }) });
  return {
    schema: builder.toSchema(),
    query:
      '{ boats { edges { node { id name built } } pageInfo { hasNextPage endCursor } } nodes(ids: ["Boat:2", "Boat:9"]) { id } node(id: "Boat:1") { __typename ... on Boat { name } } }',
    answer: {
      boats: {
        edges: BOATS.map(({ id, name }) => ({ node: { id: `Boat:${id}`, name, built: '1970-01-01T00:00:00.000Z' } })),
        pageInfo: { hasNextPage: false, endCursor: 'end' },
      },
      nodes: [{ id: 'Boat:2' }, null],
      node: { __typename: 'Boat', name: 'Aurora' },
    },
    joined: ['DateTime', 'Node', 'PageInfo'],
  };
}

function decode(id: string) {
  const [typename = '', key = ''] = id.split(':');
  return { typename, id: key };
}

const page = (rows: object[]) => ({
  edges: rows.map((node) => ({ node, cursor: 'c' })),
  pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: 'start', endCursor: 'end' },
});

/** A Pothos schema with integer ids and its own UserError: fields are non-null by default. */
function pothosNonNull(): ForeignHost {
  const builder: Loose = new SchemaBuilder<{ DefaultFieldNullability: false }>({ plugins: [], defaultFieldNullability: false } as never);
  const Boat = builder
    .objectRef('Boat')
    .implement({ fields: (t: Loose) => ({ id: t.int({ resolve: (boat: { id: string }) => Number(boat.id) }) }) });
  const Mistake = builder.objectRef('UserError').implement({ fields: (t: Loose) => ({ code: t.int({ resolve: () => 7 }) }) });
  builder.queryType({ fields: (t: Loose) => ({ boats: t.field({ type: [Boat], resolve: () => BOATS }) }) });
  builder.mutationType({ fields: (t: Loose) => ({ sink: t.field({ type: Mistake, resolve: () => ({}) }) }) });
  return { schema: builder.toSchema(), query: '{ boats { id } }', answer: { boats: [{ id: 1 }, { id: 2 }] }, joined: [] };
}

const FEDERATED = `
  directive @key(fields: String!) repeatable on OBJECT
  schema { query: RootQuery subscription: Events }
  enum Size { SMALL LARGE }
  "A moment, which this schema doesn't parse."
  scalar DateTime
  type Boat @key(fields: "id") { id: ID! name: String @deprecated size: Size launched(at: DateTime, size: Size = LARGE): DateTime }
  type Dinghy { oars: Int }
  union Craft = Boat | Dinghy
  type RootQuery { boat(id: ID!): Boat crafts: [Craft!]! root: RootQuery }
  type Events { launched: Int! }`;

/** An SDL schema with renamed root types, no mutations, internal enum values, a union, a subscription and federation directives. */
function schemaFirst(): ForeignHost {
  const schema = makeExecutableSchema({
    typeDefs: FEDERATED,
    resolvers: {
      Size: { SMALL: 1, LARGE: 2 },
      RootQuery: { boat: (_root, { id }) => BOATS.find((boat) => boat.id === id), crafts: () => [BOATS[0], { oars: 2 }], root: () => ({}) },
      Boat: { size: ({ berth }) => (berth > 7 ? 2 : 1), launched: (_boat, { size }) => `as ${size}` },
      Craft: { __resolveType: (craft: object) => ('oars' in craft ? 'Dinghy' : 'Boat') },
      Events: {
        launched: {
          async *subscribe() {
            yield { launched: 1 };
          },
        },
      },
    },
  });
  return {
    schema,
    query: '{ root { boat(id: "2") { name size launched } } crafts { ... on Boat { name size } ... on Dinghy { oars } } }',
    answer: {
      root: { boat: { name: 'Brise', size: 'LARGE', launched: 'as 2' } },
      crafts: [{ name: 'Aurora', size: 'SMALL' }, { oars: 2 }],
    },
    joined: [],
  };
}

/** An SDL schema whose resolvers are methods of the root value; the ids of its Node have another name, as in PostGraphile. */
function rootValues(): ForeignHost {
  const schema = buildSchema(`
    interface Node { nodeId: ID! }
    type Boat implements Node { nodeId: ID! name: String }
    type Query implements Node { nodeId: ID! boat(name: String!): Boat node(nodeId: ID!): Node }
    type Mutation { rename(name: String!): Boat }`);
  const rootValue = {
    nodeId: 'query',
    boat: ({ name }: { name: string }) => ({ nodeId: `b-${name}`, name }),
    node: ({ nodeId }: { nodeId: string }) => ({ __typename: 'Boat', nodeId, name: 'found' }),
  };
  return {
    schema,
    rootValue,
    query: '{ nodeId boat(name: "Cygne") { name } node(nodeId: "b-1") { nodeId ... on Boat { name } } }',
    answer: { nodeId: 'query', boat: { name: 'Cygne' }, node: { nodeId: 'b-1', name: 'found' } },
    joined: [],
  };
}

/** A code-first schema in which all shared names have other meanings, with `isTypeOf` and defaults that are internal values. */
function codeFirst(): ForeignHost {
  const DateTime = new GraphQLScalarType({ name: 'DateTime', serialize: Number, parseValue: (value) => new Date(Number(value)) });
  const Json = new GraphQLScalarType({
    name: 'JSON',
    serialize: (value) => JSON.stringify(value),
    parseValue: (text) => JSON.parse(String(text)),
  });
  const Node = new GraphQLInterfaceType({ name: 'Node', fields: { id: { type: new GraphQLNonNull(GraphQLInt) } } });
  const Colour = new GraphQLEnumType({ name: 'Colour', values: { RED: { value: { hue: 0 } } } });
  const Boat = new GraphQLObjectType({
    name: 'Boat',
    interfaces: [Node],
    isTypeOf: (value) => (value as { berth?: number }).berth !== undefined,
    fields: {
      id: { type: new GraphQLNonNull(GraphQLInt) },
      built: { type: DateTime, resolve: () => 5 },
      sails: { type: Json, resolve: () => ({ jib: 1 }) },
    },
  });
  const PageInfo = new GraphQLObjectType({ name: 'PageInfo', fields: { page: { type: GraphQLInt, resolve: () => 3 } } });
  const schema = new GraphQLSchema({
    extensions: { owner: 'harbour' },
    types: [Boat],
    query: new GraphQLObjectType({
      name: 'Query',
      fields: {
        node: {
          type: Node,
          args: { id: { type: new GraphQLNonNull(GraphQLInt) } },
          resolve: (_root, { id }) => BOATS.find((boat) => boat.id === String(id)),
        },
        boats: {
          type: new GraphQLList(new GraphQLUnionType({ name: 'Craft', types: [Boat] })),
          resolve: () => BOATS,
          extensions: { cost: 3 },
        },
        page: { type: PageInfo, resolve: () => ({}) },
        hue: {
          type: GraphQLInt,
          args: { of: { type: Colour, defaultValue: Colour.getValue('RED')?.value } },
          resolve: (_root, { of }) => of.hue,
        },
      },
    }),
  });
  return {
    schema,
    query: '{ node(id: 2) { id ... on Boat { built sails } } boats { ... on Boat { id } } page { page } hue }',
    answer: { node: { id: 2, built: 5, sails: '{"jib":1}' }, boats: [{ id: 1 }, { id: 2 }], page: { page: 3 }, hue: 0 },
    joined: [],
  };
}

/** A schema whose shared types have resolvers that accept only their own values; an ordinary type is called Mutation. */
function ownResolvers(): ForeignHost {
  const schema = makeExecutableSchema({
    typeDefs: `
      schema { query: Query }
      interface Node { id: ID! }
      type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
      type Mutation { text: String }
      type Boat implements Node { id: ID! pages: PageInfo log: Mutation }
      type Query { boat: Boat node(id: ID!, deep: Boolean): Node }`,
    resolvers: {
      PageInfo: {
        hasNextPage: ({ deep }) => deep.next,
        hasPreviousPage: ({ deep }) => deep.next,
        startCursor: ({ deep }) => deep.end,
        endCursor: ({ deep }) => deep.end,
      },
      Node: { __resolveType: ({ kind }: { kind: string }) => kind.toString() },
      Query: {
        boat: () => ({ id: 'x', pages: { deep: { next: false, end: 'e' } }, log: { text: 't' } }),
        node: (_root, { id }) => ({ id, kind: 'Boat' }),
      },
    },
  });
  return {
    schema,
    query: '{ boat { id pages { hasNextPage endCursor } log { text } } node(id: "b") { id __typename } }',
    answer: { boat: { id: 'x', pages: { hasNextPage: false, endCursor: 'e' }, log: { text: 't' } }, node: { id: 'b', __typename: 'Boat' } },
    joined: ['Node', 'PageInfo'],
  };
}

export const HOSTS: Record<string, () => ForeignHost> = {
  'Pothos with Relay, nullable by default': pothosRelay,
  'Pothos without Relay, non-null by default': pothosNonNull,
  'SDL first, a federation, other root types, no mutation': schemaFirst,
  'SDL with a root value, nodeId': rootValues,
  'code first, every shared name with another meaning': codeFirst,
  'resolvers that know their own values alone': ownResolvers,
};
