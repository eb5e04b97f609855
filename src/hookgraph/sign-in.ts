// Signs owners in for their stored queries: each execution gets a context that reads in its tenant's turn.
import type { Pool } from 'pg';
import { createTurns } from '../runtime/fair-share.js';
import { limitedPool } from '../sources/pool-source.js';
import { startReading } from '../sources/reading.js';
import type { OpenSource } from '../sources/source.js';
import type { Actor, Engine, Host, Owner } from '../webhooks/index.js';
import type { HookgraphOptions } from './options.js';

/** Of the read-only connections, those that look owners up, which waits for no tenant's turn. */
const OWNER_CONNECTIONS = 2;
/** Greatest time that a stored query waits for its tenant's turn; then it runs later. With the query's own time well within a lease. */
export const MAX_WAIT_MS = 3000;

interface SignInOptions<Context extends object, Reader> {
  signIn: HookgraphOptions<Context, Reader>['signIn'];
  opened: OpenSource<Reader>;
  connections: number;
  queryTimeoutMs: number;
  engine(): Engine;
  /** Is told of each context that was made for a stored query. */
  onContext(context: object, as: { engine: Engine; actor: Actor }): void;
}

export function createSignIn<Context extends object, Reader>({
  signIn,
  opened,
  connections,
  queryTimeoutMs,
  engine,
  onContext,
}: SignInOptions<Context, Reader>): Host['contextFor'] {
  const turns = createTurns({ connections: Math.max(1, connections - OWNER_CONNECTIONS), maxWaitMs: MAX_WAIT_MS });

  return async (owner) => {
    const first = await signIn(owner, opened.plain);
    if (!first) return null;
    return (snapshots) => {
      const reading = startReading({ visit: turns.visit(owner.tenant), timeoutMs: queryTimeoutMs });
      const reader = opened.reader({ snapshots, reading });
      const register = (context: Context): Context => {
        onContext(context, {
          engine: { ...engine(), pool: limitedPool(opened.pool, reading) as Pool },
          actor: { ...owner, canManageWebhooks: false },
        });
        return context;
      };
      return typeof first === 'function' ? register(first(reader)) : signAgain(owner, reader, register);
    };
  };

  /** A context of its own for each execution: whatever it holds, such as loaders and their caches, is this execution's alone. */
  async function signAgain(owner: Owner, reader: Reader, register: (context: Context) => Context): Promise<Context> {
    const again = await signIn(owner, reader);
    if (!again) throw new Error('the owner was signed out while their deliveries were under way');
    return register(typeof again === 'function' ? again(reader) : again);
  }
}
