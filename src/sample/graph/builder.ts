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

/** The message of the error for an object that belongs to another organization. */
const NOT_AUTHORIZED = 'Not authorized to read object';

/** Stands for an invalid global id. No type has an empty name, so `node` returns null for it. */
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
      // Defines no authorization rules with names, because each type has its own authorization function.
      authScopes: () => ({}),
      // Checks each object once instead of each of its fields, and returns null for an object that isn't allowed.
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
      nodeTypeOptions: { description: 'An object with a global id, which `node(id:)` finds.' },
      idFieldOptions: { description: 'The global id of the object: opaque, and safe in a URL path.' },
      nodeQueryOptions: {
        description: 'The object with this id; `null` when it does not exist or was deleted.',
        args: { id: { description: 'A global id.' } },
        resolve: (_root, { id }, _ctx, { schema }, find) => (isNode(schema, id.typename) ? find(id) : null) as never,
      },
      nodesQueryOptions: {
        description: 'The objects with these ids, in the order of the ids; `null` for an object that does not exist or was deleted.',
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
      pageInfoFieldOptions: { nullable: false, description: 'The position of this page in the list.' },
      nodeFieldOptions: { nullable: false, description: 'The object.' },
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
    },
  });
  builder.queryType({ description: 'All queries.' });
  builder.mutationType({ description: 'All mutations.' });
  addScalars(builder);
  return builder;
}

function isNode(schema: GraphQLSchema, typename: string): boolean {
  const type = schema.getType(typename);
  return isObjectType(type) && type.getInterfaces().some(({ name }) => name === 'Node');
}
