// Makes mutations require a scope of the API token.
import {
  defaultFieldResolver,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNullableType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { reaches, type Scope } from '../../auth/scope.js';
import type { Context } from './context.js';
import type { UserError } from './user-error.js';

/** The result of a refused mutation. The payload's field `errors` returns its errors, and all other fields are empty. */
class Refusal {
  constructor(readonly errors: UserError[]) {}
}

/**
 * Wraps the resolvers of all mutations, each of which requires the scope that `scopeOf` returns for its name.
 * @throws Error when a payload has no field `errors` to report a refusal
 */
export function requireScopes(schema: GraphQLSchema, scopeOf: (mutation: string) => Scope): GraphQLSchema {
  const payloads = new Set<GraphQLObjectType>();
  for (const [name, field] of Object.entries(schema.getMutationType()?.getFields() ?? {})) {
    const payload = getNullableType(field.type);
    if (!isObjectType(payload) || !payload.getFields().errors) throw new Error(`The payload of the mutation ${name} has no field errors`);
    payloads.add(payload);
    const needed = scopeOf(name);
    const { resolve = defaultFieldResolver } = field;
    field.resolve = (root, args, ctx: Context, info) =>
      !ctx.viewer || reaches(ctx.viewer.scope, needed) ? resolve(root, args, ctx, info) : refuse(ctx.viewer.scope, needed);
  }
  for (const payload of payloads) answerRefusals(payload);
  return schema;
}

function refuse(scope: Scope, needed: Scope): Refusal {
  return new Refusal([{ field: 'base', message: `the token’s scope is ${scope}, but this needs ${needed}`, path: [], type: 'FORBIDDEN' }]);
}

function answerRefusals(payload: GraphQLObjectType): void {
  for (const field of Object.values(payload.getFields())) {
    const empty = field.name === 'errors' ? undefined : emptyOf(field.type, `${payload.name}.${field.name}`);
    const { resolve = defaultFieldResolver } = field;
    field.resolve = (source, args, ctx, info) => {
      if (!(source instanceof Refusal)) return resolve(source, args, ctx, info);
      return empty === undefined ? source.errors : empty;
    };
  }
}

function emptyOf(type: GraphQLOutputType, name: string): null | 0 | [] {
  if (!isNonNullType(type)) return null;
  if (isListType(type.ofType)) return [];
  if (String(type.ofType) === 'Int') return 0;
  throw new Error(`The mutation ${name} has a non-null result, so it can't be refused with errors`);
}
