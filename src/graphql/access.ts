// Provides a resolver with the engine, the actor and this request's loaders. Throws a top-level error when nobody is
// signed in.
import { GraphQLError } from 'graphql';
import { type Actor, type Engine, type Page, type PageArguments, toPage, WebhooksError } from '../webhooks/index.js';
import { createLoaders, type Loaders } from './loaders.js';

export interface Access {
  engine: Engine;
  actor: Actor;
  loaders: Loaders;
}

export type AccessOf = (ctx: object) => Access;

/** Keeps one Access for each context, so that one request's look-ups are batched. */
export function createAccess(open: (context: object) => { engine: Engine; actor: Actor | null }): AccessOf {
  const known = new WeakMap<object, Access>();
  return (ctx) => {
    const existing = known.get(ctx);
    if (existing) return existing;
    const { engine, actor } = open(ctx);
    if (!actor) throw new GraphQLError('Not authenticated', { extensions: { code: 'UNAUTHENTICATED' } });
    const access = { engine, actor, loaders: createLoaders(engine, actor) };
    // A host may execute without a context object, which a WeakMap can't hold.
    if (typeof ctx === 'object' && ctx !== null) known.set(ctx, access);
    return access;
  };
}

/**
 * Converts connection arguments to the engine's page. Invalid arguments become a GraphQLError with the engine's code.
 */
export function pageOf(asked: PageArguments): Page {
  try {
    return toPage(asked);
  } catch (error) {
    if (!(error instanceof WebhooksError)) throw error;
    throw new GraphQLError([error.message, error.hint].filter(Boolean).join(' '), { extensions: { code: error.code } });
  }
}
