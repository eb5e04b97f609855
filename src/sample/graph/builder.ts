// Creates the Pothos builder of the sample schema, with its scalars, global ids and authorization rules.
import SchemaBuilder from '@pothos/core';
import PrismaPlugin from '@pothos/plugin-prisma';
import RelayPlugin from '@pothos/plugin-relay';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import { type GraphQLSchema, isObjectType } from 'graphql';
import type { Model } from '../../sources/prisma/index.js';
import { datamodel } from '../prisma.js';
import { decodeGlobalId, encodeGlobalId, whereKey } from './global-id.js';
import { PAGE } from './page.js';
import { addScalars } from './scalars.js';
import type { Builder, SchemaShape } from './schema-types.js';

export type { Builder, Types } from './schema-types.js';

/** The message for objects of another organization. */
const NOT_AUTHORIZED = 'Not authorized to read object';

/** No type has this name, so `node` returns null for it. */
const NOBODY = { typename: '', id: '' };

export function createBuilder(known: Model[]): Builder {
  const models = new Map(known.map((model) => [model.name, model]));
  const builder = new SchemaBuilder<SchemaShape>({
    plugins: [ScopeAuthPlugin, RelayPlugin, PrismaPlugin],
    prisma: {
      client: (ctx) => ctx.prisma,
      dmmf: { datamodel: { models: Object.fromEntries(datamodel.models.map((model) => [model.name, model])) } } as never,
      exposeDescriptions: true,
      filterConnectionTotalCount: true,
      onUnusedQuery: null,
      maxConnectionSize: PAGE.greatest,
      defaultConnectionSize: PAGE.usual,
    },
    scopeAuth: {
      // No named rules: each type has its own authorization function.
      authScopes: () => ({}),
      // Checks once for an object instead of for each field, and makes the object null instead of each of its fields.
      runScopesOnType: true,
      unauthorizedError: () => NOT_AUTHORIZED,
    },
    relay: {
      cursorType: 'String',
      clientMutationId: 'omit',
      nodesOnConnection: { nullable: { list: false, items: false }, description: 'The objects of this page.' } as never,
      encodeGlobalID: (typename, id) => encodeGlobalId(typename, String(id)),
      decodeGlobalID: (id) => {
        const decoded = decodeGlobalId(id);
        const model = decoded && models.get(decoded.typename);
        if (!decoded || (model && !whereKey(model, decoded.key))) return NOBODY;
        return { typename: decoded.typename, id: decoded.key };
      },
      nodeTypeOptions: { description: 'An object with an id of its own: `node(id:)` finds it again.' },
      idFieldOptions: { description: 'Its global id: opaque, and safe in a URL path.' },
      nodeQueryOptions: {
        description: 'The object with this id; null where there is none (any more).',
        args: { id: { description: 'A global id.' } },
        resolve: (_root, { id }, _ctx, { schema }, find) => (isNode(schema, id.typename) ? find(id) : null) as never,
      },
      nodesQueryOptions: {
        description: 'The objects with these ids, in their order; null where there is none (any more).',
        args: { ids: { description: 'Global ids.' } },
        resolve: (_root, args, _ctx, { schema }, find) => {
          const ids = args.ids as ({ typename: string; id: string } | null)[];
          ids.forEach((id, index) => {
            if (id && !isNode(schema, id.typename)) ids[index] = null;
          });
          return find(args.ids) as never;
        },
      },
      edgesFieldOptions: { nullable: { list: false, items: false }, description: 'The objects of this page with their cursors.' },
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
    },
  });
  builder.queryType({ description: 'Everything that can be read.' });
  builder.mutationType({ description: 'Everything that can be changed.' });
  addScalars(builder);
  return builder;
}

function isNode(schema: GraphQLSchema, typename: string): boolean {
  const type = schema.getType(typename);
  return isObjectType(type) && type.getInterfaces().some(({ name }) => name === 'Node');
}
