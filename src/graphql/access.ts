// Answers to a resolver's context: the engine, who asks, and this request's loaders. Throws a top-level error when nobody is signed in.
import { GraphQLError } from 'graphql';
import { type Actor, type Engine, type Page, type PageArguments, toPage, WebhooksError } from '../webhooks/index.js';
import { createLoaders, type Loaders } from './loaders.js';

export interface Access {
  engine: Engine;
  actor: Actor;
  loaders: Loaders;
}

export type AccessOf = (ctx: object) => Access;

/** One Access for each context, so that one request's look-ups are batched. */
export function createAccess(open: (context: object) => { engine: Engine; actor: Actor | null }): AccessOf {
  const known = new WeakMap<object, Access>();
  return (ctx) => {
    const existing = known.get(ctx);
    if (existing) return existing;
    const { engine, actor } = open(ctx);
    if (!actor) throw new GraphQLError('Not authenticated', { extensions: { code: 'UNAUTHENTICATED' } });
    const access = { engine, actor, loaders: createLoaders(engine, actor) };
    // A host may execute without a context.
    if (typeof ctx === 'object' && ctx !== null) known.set(ctx, access);
    return access;
  };
}

/** The engine's page; a mistake in the arguments is the client's and is answered with its code. */
export function pageOf(asked: PageArguments): Page {
  try {
    return toPage(asked);
  } catch (error) {
    if (!(error instanceof WebhooksError)) throw error;
    throw new GraphQLError([error.message, error.hint].filter(Boolean).join(' '), { extensions: { code: error.code } });
  }
}
