// Runs the relay, which turns recorded changes into events and deliveries, in a loop: at once after a notification of a write, and
// otherwise every few milliseconds.
import { setTimeout as wait } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import { isOutdated } from '../../runtime/connections/server.js';
import { logFailure } from '../../runtime/failure-log.js';
import type { Logger } from '../../runtime/logger.js';
import { loopShare } from '../../runtime/loop-share.js';
import { isPooled } from '../../runtime/pooler.js';
import { POKE_CHANNEL } from './create-poker.js';
import { dropUnstorable, isOfValues } from './drop-unstorable.js';
import { FanOuts, MAX_PART } from './fan-out.js';
import { lookForWork, nextXid, type Relayed, relayOnce, type Waiting } from './relay.js';

const BATCH = 1000;
/** Maximum number of deliveries of a batch: about 100 ms of the database. fan-out.ts makes the deliveries of larger batches. */
const MAX_DELIVERIES = 5_000;
/** After a batch that fails, e.g. by a `statement_timeout`, the next has half the size, but at least this part of the usual size. */
const MIN_SCALE = 1 / 64;
const POLL_MS = { busy: 20, idle: 75 };
/**
 * While a long transaction is open, e.g. that of a dump, changes that were relayed and deleted stay as dead entries at the beginning of the
 * queue's index. Most iterations therefore skip transactions that began before the fifth-last complete iteration. A complete iteration,
 * once a second, skips none, and so finds older transactions that have committed since.
 */
const RECENT = { iterations: 5, completeEveryMs: 1000 };
const UNKNOWN: Waiting = { changes: true, fanOuts: true };
const NOTHING: Relayed = { events: 0, deliveries: 0, subscriptionIds: [], ownerless: 0, ownerlessNodes: [] };
const CHECK_MS = 8_000;
const BACKOFF_MS = { first: 100, last: 5000 };

export interface RelayOptions {
  pool: Pool;
  log: Logger;
  /**
   * Called with the subscriptions that have new deliveries due now. If the call is lost, a worker's scan for due deliveries finds them
   * later.
   */
  onDeliveries(subscriptionIds: string[]): void;
  /** Called after each batch, with the number of relayed changes and the number of events without a tenant, which match no subscription. */
  onBatch?(changes: number, withoutTenant: number): void;
  onFailure?(): void;
  /** Milliseconds to pause after a batch with events (`busy`), and the longest pause without events (`idle`). */
  pollMs?: { busy: number; idle: number };
  /** Milliseconds between two checks of the listening connection. Default: 8,000. */
  checkMs?: number;
}

export interface Relay {
  /** Ends the current pause, so that new events are relayed at once. */
  poke(): void;
  /** Stops the loop, and resolves when the batch in progress has ended. */
  stop(): Promise<void>;
}

/** Starts the loop. It survives restarts of the database, and uses one connection of the pool to listen for NOTIFY of other processes. */
export function startRelay({ pool, log, onDeliveries, onBatch, onFailure, pollMs = POLL_MS, checkMs = CHECK_MS }: RelayOptions): Relay {
  const nap = createNap();
  const stopping = new AbortController();
  const listening = listen({ pool, log, checkMs }, nap.end, stopping.signal);

  async function run(): Promise<void> {
    let idleMs = pollMs.busy;
    let backoffMs = BACKOFF_MS.first;
    let nextCompleteAt = 0;
    let horizons: string[] = [];
    let scale = 1;
    // Set after a pause that no notification ended: the next iteration first checks for work, because relay.sql is costly even without any.
    let isIdle = false;
    const fanOuts = new FanOuts(pool);
    while (!stopping.signal.aborted) {
      try {
        const isComplete = performance.now() >= nextCompleteAt;
        if (isComplete) horizons = [...horizons, await nextXid(pool)].slice(-RECENT.iterations);
        const limit = Math.ceil(BATCH * scale);
        const sinceXid = isComplete ? '0' : horizons[0];
        const waiting: Waiting = isIdle ? await lookForWork(pool, sinceXid) : UNKNOWN;
        const relayed = waiting.changes ? await relayOnce(pool, limit, sinceXid, Math.ceil(MAX_DELIVERIES * scale)) : NOTHING;
        isIdle = false;
        const { events, subscriptionIds, isFull } = relayed;
        if (isComplete && !isFull) nextCompleteAt = performance.now() + RECENT.completeEveryMs;
        backoffMs = BACKOFF_MS.first;
        onBatch?.(events, relayed.ownerless);
        warnOfOwnerless(log, relayed);
        if (subscriptionIds.length > 0) loopShare.note('relaying changes', () => onDeliveries(subscriptionIds));
        // Checks once a second for events with many matches that another process has left.
        if ((isComplete && waiting.fanOuts) || relayed.deferred) fanOuts.isLeft = true;
        const part = fanOuts.isLeft ? await fanOuts.next(Math.ceil(MAX_PART * scale)) : null;
        if (part && part.subscriptionIds.length > 0) onDeliveries(part.subscriptionIds);
        scale = Math.min(scale * 1.25, 1);
        if (isFull || (part && part.events > 0)) continue;
        idleMs = events > 0 ? pollMs.busy : Math.min(idleMs * 2, pollMs.idle);
        isIdle = !(await nap.take(idleMs)) && events === 0;
      } catch (error) {
        onFailure?.();
        scale = Math.max(scale / 2, MIN_SCALE);
        logFailure(log, error, 'relaying captured changes failed; retrying');
        if (isOfValues(error))
          await dropUnstorable(pool, log).catch((failure) => logFailure(log, failure, 'dropping unstorable changes failed'));
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

function warnOfOwnerless(log: Logger, { ownerless, ownerlessNodes }: Relayed): void {
  if (ownerless === 0) return;
  const about = { events: ownerless, first: ownerlessNodes };
  log.warn(about, 'events without a tenant matched no subscription; assign them a tenant to send them');
}

/**
 * Creates a pause that `end` ends early; `take` then returns `true`. A call of `end` between two pauses skips the next pause, so that no
 * notification is lost.
 */
function createNap(): { take(ms: number): Promise<boolean>; end(): void } {
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
      const isEnded = ended;
      ended = false;
      return isEnded;
    },
    end() {
      ended = true;
      wake?.();
    },
  };
}

/** Waits `ms` milliseconds, or until the loop is stopped. */
const pause = (ms: number, signal: AbortSignal): Promise<void> => wait(ms, undefined, { signal }).catch(() => {});

/**
 * Calls `onPoke` for each notification of a write until `stop` is aborted, and replaces a broken connection. Returns at once if the
 * database is behind a connection pooler, which doesn't support LISTEN.
 */
async function listen(
  { pool, log, checkMs }: Required<Pick<RelayOptions, 'pool' | 'log' | 'checkMs'>>,
  onPoke: () => void,
  stop: AbortSignal,
): Promise<void> {
  let backoffMs = BACKOFF_MS.first;
  while (!stop.aborted) {
    try {
      if (await isPooled(pool)) {
        log.info('the database is behind a connection pooler, which does not support LISTEN; polling instead');
        return;
      }
      const client = await pool.connect();
      try {
        const over = overWith(client, checkMs, stop);
        client.on('notification', onPoke);
        await client.query(`LISTEN ${POKE_CHANNEL}`);
        backoffMs = BACKOFF_MS.first;
        // Notifications sent while no connection listened are lost, so the queue is checked once.
        onPoke();
        const broken = await over;
        if (broken) logFailure(log, broken, 'the connection that listens for new changes broke; reconnecting', { level: 'warn' });
      } finally {
        // The connection is closed instead of returned to the pool, because it would continue to receive notifications there.
        client.release(true);
      }
    } catch (error) {
      logFailure(log, error, 'opening the connection that listens for new changes failed; polling until it succeeds', { level: 'warn' });
    }
    await pause(backoffMs, stop);
    backoffMs = Math.min(backoffMs * 2, BACKOFF_MS.last);
  }
}

/**
 * Resolves to the error when the connection breaks, and to `null` when it should be replaced or `stop` is aborted. Runs a statement every
 * `checkMs` milliseconds, because a dead connection that only listens is silent like a living one.
 */
function overWith(client: PoolClient, checkMs: number, stop: AbortSignal): Promise<Error | null> {
  return new Promise((resolve) => {
    let isAsking = false;
    const check = setInterval(() => {
      if (isOutdated(client)) end(null);
      if (isAsking) return;
      isAsking = true;
      client.query('SELECT 1').then(() => {
        isAsking = false;
      }, broke);
    }, checkMs);
    const end = (error: Error | null) => {
      clearInterval(check);
      stop.removeEventListener('abort', stopped);
      resolve(error);
    };
    const broke = (error?: Error) => end(error ?? new Error('Connection terminated'));
    const stopped = () => end(null);
    client.on('error', broke);
    client.on('end', broke);
    stop.addEventListener('abort', stopped);
    if (stop.aborted) stopped();
  });
}
