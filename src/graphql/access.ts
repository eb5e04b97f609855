// A resolver's context -> the engine, whoever asks, and this request's loaders; without anybody a top-level error.
import { GraphQLError, type GraphQLErrorOptions } from 'graphql';
import type { Context } from '../sample/graph/context.js';
import { type Actor, type Engine, type Page, type PageArguments, toPage, WebhooksError } from '../webhooks/index.js';
import { createLoaders, type Loaders } from './loaders.js';

export interface Access {
  engine: Engine;
  actor: Actor;
  loaders: Loaders;
}

export type AccessOf = (ctx: Context) => Access;

export function createAccess(engineOf: (ctx: Context) => Engine, actorOf: (ctx: Context) => Actor | null): AccessOf {
  const known = new WeakMap<Context, Access>();
  return (ctx) => {
    const existing = known.get(ctx);
    if (existing) return existing;
    const actor = actorOf(ctx);
    if (!actor) throw new GraphQLError('Not authenticated', { extensions: { code: 'UNAUTHENTICATED' } } satisfies GraphQLErrorOptions);
    const engine = engineOf(ctx);
    const access = { engine, actor, loaders: createLoaders(engine, actor) };
    known.set(ctx, access);
    return access;
  };
}

/** The engine's page; a mistake in the arguments is the client's, told with its code. */
export function pageOf(asked: PageArguments): Page {
  try {
    return toPage(asked);
  } catch (error) {
    if (!(error instanceof WebhooksError)) throw error;
    throw new GraphQLError([error.message, error.hint].filter(Boolean).join(' '), { extensions: { code: error.code } });
  }
}

/** The key behind a global id of this type, or the record's own id as our headers carry it; otherwise something that no row has. */
export function keyOfId(engine: Engine, typename: string, id: string): string {
  const decoded = engine.host.fromGlobalId(id);
  if (!decoded) return id;
  return decoded.typename === typename ? decoded.key : '';
}
