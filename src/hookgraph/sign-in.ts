// Creates the contexts in which stored queries run with their owner's rights. Each execution uses at most its tenant's fair
// share of the read-only connections.
import type { Pool } from 'pg';
import type { FairShare } from '../runtime/fair-share.js';
import { limitedReaderPool, startReading } from '../sources/limited-reader.js';
import type { OpenSource } from '../sources/source.js';
import type { Actor, Engine, Host, Owner, Snapshot } from '../webhooks/index.js';
import type { HookgraphOptions } from './options.js';

/**
 * The parts of a stored query's GraphQL context: the actor (the query's owner), snapshots (rows as they were at the event),
 * and an engine and a pool for fields that read Hookgraph's own tables. Few queries have such fields, so the engine and the
 * pool are created at first use.
 */
export class StoredContext {
  readonly actor: Actor;
  #pool: Pool | undefined;
  #engine: Engine | undefined;

  constructor(
    owner: Owner,
    readonly snapshots: Snapshot[],
    private readonly openPool: () => Pool,
    private readonly sharedEngine: () => Engine,
  ) {
    this.actor = { ...owner, canManageWebhooks: false };
  }

  get pool(): Pool {
    this.#pool ??= this.openPool();
    return this.#pool;
  }

  get engine(): Engine {
    this.#engine ??= { ...this.sharedEngine(), pool: this.pool };
    return this.#engine;
  }
}

interface SignInOptions<Context extends object, Reader> {
  signIn: HookgraphOptions<Context, Reader>['signIn'];
  opened: OpenSource<Reader>;
  /** A pool on the connections of `opened`, for stored queries that read Hookgraph's own tables. */
  pool: Pool;
  fairShare: FairShare;
  queryTimeoutMs: number;
  engine(): Engine;
  /** Called with each context that was created for a stored query. */
  onContext(context: object, as: StoredContext): void;
}

export function createSignIn<Context extends object, Reader>({
  signIn,
  opened,
  pool: storedPool,
  fairShare,
  queryTimeoutMs,
  engine,
  onContext,
}: SignInOptions<Context, Reader>): Host['contextFor'] {
  return async (owner) => {
    const first = await signIn(owner, opened.plain);
    if (!first) return null;
    return (snapshots) => {
      const reading = startReading({ execution: fairShare.begin(owner.tenant), timeoutMs: queryTimeoutMs });
      const reader = opened.reader({ snapshots, reading });
      const register = (context: Context): Context => {
        onContext(context, new StoredContext(owner, snapshots, () => limitedReaderPool(storedPool, reading), engine));
        return context;
      };
      return typeof first === 'function' ? register(first(reader)) : signAgain(owner, reader, register);
    };
  };

  /** Calls `signIn` again for each execution, so that executions never share the loaders and caches of a context. */
  async function signAgain(owner: Owner, reader: Reader, register: (context: Context) => Context): Promise<Context> {
    const again = await signIn(owner, reader);
    if (!again) throw new Error('signIn() returned null for the owner of a subscription, although it returned a context just before');
    return register(typeof again === 'function' ? again(reader) : again);
  }
}
