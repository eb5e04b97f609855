// Creates the Pothos builder of Hookgraph's own schema, with relay connections, scalars and the interface Node.
import SchemaBuilder from '@pothos/core';
import RelayPlugin, { type RelayPluginOptions } from '@pothos/plugin-relay';
import { type Json, PAGE } from '../webhooks/index.js';
import { DATE_TIME, JSON_VALUE } from './scalars.js';

interface Shape {
  /** The host's context object. Only the option `access` of createApi reads its properties. */
  Context: object;
  Interfaces: { Node: { id: string } };
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date };
    JSON: { Input: Json; Output: Json };
  };
  DefaultInputFieldRequiredness: false;
  DefaultEdgesNullability: { list: false; items: false };
  DefaultNodeNullability: false;
}

export type Types = PothosSchemaTypes.ExtendDefaultTypes<Shape>;
export type Builder = PothosSchemaTypes.SchemaBuilder<Types>;

const NOT_NULL = { list: false, items: false } as const;

const relay: RelayPluginOptions<Types> = {
  cursorType: 'String',
  clientMutationId: 'omit',
  // Omits the root fields `node` and `nodes`: mergeApi extends the host's fields of these names to find Hookgraph's objects, too.
  nodeQueryOptions: false,
  nodesQueryOptions: false,
  nodesOnConnection: { nullable: NOT_NULL, description: 'The objects of this page.' } as never,
  edgesFieldOptions: { nullable: NOT_NULL, description: 'The objects of this page, each with its cursor.' },
  pageInfoFieldOptions: { nullable: false, description: 'The position of this page in the list.' },
  nodeFieldOptions: { nullable: false, description: 'The object at this position of the list.' },
  cursorFieldOptions: { nullable: false, description: 'The cursor of this object, for the arguments `after` and `before`.' },
  pageInfoTypeOptions: { description: 'The position of a page in its list.' },
  hasNextPageFieldOptions: { description: 'Whether objects follow this page.' },
  hasPreviousPageFieldOptions: { description: 'Whether objects precede this page.' },
  startCursorFieldOptions: { description: 'The cursor of the first object of this page.' },
  endCursorFieldOptions: { description: 'The cursor of the last object of this page.' },
  firstArgOptions: {
    description: `The maximum number of objects, from the beginning of the list: 1–${PAGE.greatest}. Default: ${PAGE.usual}.`,
  },
  lastArgOptions: { description: `The maximum number of objects, from the end of the list: 1–${PAGE.greatest}.` },
  afterArgOptions: { description: 'Only objects after this cursor.' },
  beforeArgOptions: { description: 'Only objects before this cursor.' },
};

export function createBuilder(): Builder {
  // The cast is needed because Pothos plugins loaded elsewhere in the same TypeScript program make their options required here.
  const builder = new SchemaBuilder<Shape>({ plugins: [RelayPlugin], relay } as never);
  builder.queryType({ description: 'All queries.' });
  builder.mutationType({ description: 'All mutations.' });
  builder.scalarType('DateTime', DATE_TIME);
  builder.scalarType('JSON', JSON_VALUE);
  builder.interfaceType('Node', {
    description: 'An object with a global id.',
    fields: (t) => ({
      id: t.exposeID('id', { nullable: false, description: 'The global id of the object: opaque, and safe in a URL path.' }),
    }),
  });
  return builder;
}
