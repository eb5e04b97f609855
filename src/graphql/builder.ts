// Creates the Pothos builder of Hookgraph's own schema: relay connections, scalars and the interface Node, without the
// host's types or plugins.
import SchemaBuilder from '@pothos/core';
import RelayPlugin, { type RelayPluginOptions } from '@pothos/plugin-relay';
import { type Json, PAGE } from '../webhooks/index.js';
import { DATE_TIME, JSON_VALUE } from './scalars.js';

interface Shape {
  /** The host's context; only `access` of ApiOptions reads it. */
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
  // No root fields `node` and `nodes`: mergeApi extends the host's `node` and `nodes` to find Hookgraph's types.
  nodeQueryOptions: false,
  nodesQueryOptions: false,
  nodesOnConnection: { nullable: NOT_NULL, description: 'The objects of this page.' } as never,
  edgesFieldOptions: { nullable: NOT_NULL, description: 'The objects of this page with their cursors.' },
  pageInfoFieldOptions: { nullable: false, description: 'Where this page is.' },
  nodeFieldOptions: { nullable: false, description: 'The object.' },
  cursorFieldOptions: { nullable: false, description: 'For `after` or `before` of the next page.' },
  pageInfoTypeOptions: { description: 'Where a page is in its connection.' },
  hasNextPageFieldOptions: { description: 'Whether more follow.' },
  hasPreviousPageFieldOptions: { description: 'Whether some precede.' },
  startCursorFieldOptions: { description: 'The cursor of the first object of this page.' },
  endCursorFieldOptions: { description: 'The cursor of the last object of this page.' },
  firstArgOptions: { description: `How many from the beginning: 1–${PAGE.greatest}, usually ${PAGE.usual}.` },
  lastArgOptions: { description: `How many from the end: 1–${PAGE.greatest}.` },
  afterArgOptions: { description: 'Only what follows this cursor.' },
  beforeArgOptions: { description: 'Only what precedes this cursor.' },
};

export function createBuilder(): Builder {
  // Cast, because plugins loaded elsewhere in the same TypeScript program make their options required here.
  const builder = new SchemaBuilder<Shape>({ plugins: [RelayPlugin], relay } as never);
  builder.queryType({ description: 'Everything that can be read.' });
  builder.mutationType({ description: 'Everything that can be changed.' });
  builder.scalarType('DateTime', DATE_TIME);
  builder.scalarType('JSON', JSON_VALUE);
  builder.interfaceType('Node', {
    description: 'An object with an id of its own.',
    fields: (t) => ({ id: t.exposeID('id', { nullable: false, description: 'Its global id: opaque, and safe in a URL path.' }) }),
  });
  return builder;
}
