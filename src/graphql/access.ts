// Provides resolvers with the engine, the signed-in user (actor) and the loaders of the request. Throws UNAUTHENTICATED when no user is
// signed in.
import { GraphQLError } from 'graphql';
import type { Execution } from '../runtime/fair-share.js';
import { type Actor, type Engine, type Page, type PageArguments, toPage, WebhooksError } from '../webhooks/index.js';
import { createLabelOf, type LabelOf, type Labels } from './label-of.js';
import { createLoaders, type Loaders } from './loaders.js';
import { createSnapshot } from './snapshot.js';

export interface Access {
  engine: Engine;
  /** The same engine with a pool that reads one snapshot of the database; for the fields of a query. */
  reading: Engine;
  actor: Actor;
  loaders: Loaders;
  /** Returns the name that the host gives a node for people; `null` when the host gives none. */
  label: LabelOf;
}

export type AccessOf = (ctx: object) => Access;

/** Keeps one Access (engine, actor and loaders) for each context object, so that all resolvers of a request share its loaders. */
export function createAccess(
  open: (context: object) => { engine: Engine; actor: Actor | null; share?: Execution | null },
  labels: Labels = {},
): AccessOf {
  const known = new WeakMap<object, Access>();
  return (ctx) => {
    const existing = known.get(ctx);
    if (existing) return existing;
    const { engine, actor, share } = open(ctx);
    if (!actor) throw new GraphQLError('Not authenticated', { extensions: { code: 'UNAUTHENTICATED' } });
    const reading = { ...engine, pool: createSnapshot(engine.pool, share) as Engine['pool'] };
    const access = { engine, reading, actor, loaders: createLoaders(reading, actor), label: createLabelOf(labels, ctx) };
    // A host may execute without a context object, which a WeakMap can't hold.
    if (typeof ctx === 'object' && ctx !== null) known.set(ctx, access);
    return access;
  };
}

/**
 * Converts the arguments of a connection (`first`, `after` …) to a page of the engine.
 * @throws GraphQLError for invalid arguments, with the engine's code
 */
export function pageOf(asked: PageArguments): Page {
  try {
    return toPage(asked);
  } catch (error) {
    if (!(error instanceof WebhooksError)) throw error;
    throw new GraphQLError([error.message, error.hint].filter(Boolean).join(' '), { extensions: { code: error.code } });
  }
}
