// A pool -> a loop that relays new events: at once when poked, otherwise on a short poll.
import { setTimeout as wait } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import type { Logger } from '../../runtime/logger.js';
import { isPooled } from '../../runtime/pooler.js';
import { POKE_CHANNEL } from './create-poker.js';
import { nextXid, relayOnce } from './relay.js';

const BATCH = 1000;
const POLL_MS = { busy: 20, idle: 75 };
/**
 * While an old snapshot is open (a dump, a report), rows taken long ago stay as dead entries at the head of the queue's index: most
 * looks begin with the transactions of the last few looks at everything. An older one that commits waits for the next of those.
 */
const RECENT = { looks: 5, everythingEveryMs: 1000 };
const BACKOFF_MS = { first: 100, last: 5000 };

export interface RelayOptions {
  pool: Pool;
  log: Logger;
  /** These have new deliveries that are due now. Losing a call never matters. */
  onDeliveries(subscriptionIds: string[]): void;
  /** How long it naps after a look that found something, and at most. */
  pollMs?: { busy: number; idle: number };
}

export interface Relay {
  /** There may be new events: look now. */
  poke(): void;
  /** Ends the batch in hand, then resolves. */
  stop(): Promise<void>;
}

/** Survives the database's restarts. Holds one connection of the pool, to listen for other processes' pokes. */
export function startRelay({ pool, log, onDeliveries, pollMs = POLL_MS }: RelayOptions): Relay {
  const nap = createNap();
  const stopping = new AbortController();
  const listening = listen(pool, log, nap.end, stopping.signal);

  async function run(): Promise<void> {
    let idleMs = pollMs.busy;
    let backoffMs = BACKOFF_MS.first;
    let everythingAt = 0;
    let horizons: string[] = [];
    while (!stopping.signal.aborted) {
      try {
        const everything = performance.now() >= everythingAt;
        if (everything) horizons = [...horizons, await nextXid(pool)].slice(-RECENT.looks);
        const { events, subscriptionIds, ownerless, ownerlessNodes } = await relayOnce(pool, BATCH, everything ? '0' : horizons[0]);
        if (everything && events < BATCH) everythingAt = performance.now() + RECENT.everythingEveryMs;
        backoffMs = BACKOFF_MS.first;
        if (ownerless > 0)
          log.warn({ events: ownerless, first: ownerlessNodes }, 'events without a tenant reached nobody; assign them one to send them');
        if (subscriptionIds.length > 0) onDeliveries(subscriptionIds);
        if (events === BATCH) continue;
        idleMs = events > 0 ? pollMs.busy : Math.min(idleMs * 2, pollMs.idle);
        await nap.take(idleMs);
      } catch (error) {
        log.error({ err: error, backoffMs }, 'relaying failed; trying again');
        await pause(backoffMs, stopping.signal);
        backoffMs = Math.min(backoffMs * 2, BACKOFF_MS.last);
      }
    }
  }

  const running = run();
  return {
    poke: nap.end,
    async stop() {
      stopping.abort();
      nap.end();
      await Promise.all([running, listening]);
    },
  };
}

/** A pause that anybody can end; ended while nobody pauses, the next one doesn't begin. */
function createNap(): { take(ms: number): Promise<void>; end(): void } {
  let ended = false;
  let wake: (() => void) | undefined;
  return {
    async take(ms) {
      if (!ended) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      wake = undefined;
      ended = false;
    },
    end() {
      ended = true;
      wake?.();
    },
  };
}

/** A pause that nothing but the stop ends early. */
const pause = (ms: number, signal: AbortSignal): Promise<void> => wait(ms, undefined, { signal }).catch(() => {});

/** Hears pokes, on a connection that is replaced when it breaks, until the stop. Through a pooler there is nothing to hear. */
async function listen(pool: Pool, log: Logger, onPoke: () => void, stop: AbortSignal): Promise<void> {
  let backoffMs = BACKOFF_MS.first;
  while (!stop.aborted) {
    try {
      if (await isPooled(pool)) {
        log.info('the database is behind a connection pooler, which passes no pokes on; the poll goes on');
        return;
      }
      const client = await pool.connect();
      try {
        const over = overWith(client, stop);
        client.on('notification', onPoke);
        await client.query(`LISTEN ${POKE_CHANNEL}`);
        backoffMs = BACKOFF_MS.first;
        // What was poked while nobody heard.
        onPoke();
        await over;
      } finally {
        // Never back into the pool: it listens.
        client.release(true);
      }
      if (!stop.aborted) log.warn('the connection that hears pokes broke; opening another');
    } catch (error) {
      log.warn({ err: error, backoffMs }, 'no connection to hear pokes; the poll goes on');
    }
    await pause(backoffMs, stop);
    backoffMs = Math.min(backoffMs * 2, BACKOFF_MS.last);
  }
}

/** Resolves when the connection breaks, or at the stop. */
function overWith(client: PoolClient, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      stop.removeEventListener('abort', over);
      resolve();
    };
    client.on('error', over);
    client.on('end', over);
    stop.addEventListener('abort', over);
    if (stop.aborted) over();
  });
}
