// Starts the loops of a worker process: relaying, claiming, replaying and checking. A loop wakes another when it has work for it.
// journey.ts processes the deliveries.

import { logFailure } from '../runtime/failure-log.js';
import { loadStatements } from '../runtime/sql-file.js';
import { LATE, within } from '../runtime/time-limit.js';
import type { Engine } from './base/engine.js';
import { type Loop, watchLoops } from './base/loops.js';
import { StepSize } from './base/store/steps.js';
import { createHeartbeat, HEARTBEAT_MS } from './base/store/workers.js';
import type { CaptureWatch } from './capture/watch-capture.js';
import { DESTINATIONS } from './destinations/registry.js';
import { type Relay, startRelay } from './fan-out/relay-loop.js';
import { createJourney } from './journey.js';
import { type Drain, startDrain } from './lease/drain.js';
import { type DueScan, releaseScan, scanDue, settle } from './lease/due-scan.js';
import { startOrdering } from './lease/ordering-loop.js';
import { claimPaced } from './lease/paced.js';
import { padQueueTable } from './lease/pad-queue-table.js';
import { recheckStored } from './recheck-stored.js';
import { openDeliverySender } from './send-delivery.js';
import { createAttemptWriter } from './verdict/attempt-writer.js';
import {
  bulkActionScan,
  clockScan,
  forgetScan,
  notesScan,
  relatedScan,
  replayScan,
  statisticsScan,
  templateScan,
  type Work,
} from './worker-scans.js';

export interface Working {
  /** Returns the number of deliveries in progress in this worker, and of their results that are not written yet. */
  state(): { inProgress: number; unwritten: number };
  /** Call it when changes may have been recorded: the worker then turns them into deliveries at once. */
  poke(): void;
  /** Call it when these subscriptions may have due deliveries: the worker claims them as soon as it has free slots. */
  wake(subscriptionIds: string[]): void;
  /** Stops all loops. Resolves when the deliveries in progress are sent and recorded, or after the limit `stopMs`. */
  stop(): Promise<void>;
}

/** Milliseconds that one step of a loop may take when it calls AWS or reads many tables. */
const SLOW = { stepMs: 15_000 };

/** Maximum number of deliveries claimed at once from slowed, probed or rate-limited subscriptions. */
const MAX_PACED = 500;
const DUE_SCAN_MS = 500;
const RELEASE_SCAN_MS = { moving: 100, idle: 5000 };
/** Milliseconds after which a move of many deliveries pauses, so that the next move begins with the state of that time. */
const MOVING_MS = 2000;
const REPLAY_SCAN_MS = 500;
const RELATED_SCAN_MS = 250;
const TEMPLATE_SCAN_MS = 2000;
const STATISTICS_SCAN_MS = 2000;
const FORGET_SCAN_MS = 2000;
const CLOCK_SCAN_MS = 1000;
const NOTES_SCAN_MS = 60_000;
/**
 * Milliseconds between two claims of deliveries from slowed, probed or rate-limited subscriptions: `due` while any of them has due
 * deliveries, otherwise `idle`.
 */
const PACED_SCAN_MS = { due: 50, idle: 250 };

export async function startWorking(
  engine: Engine,
  { capture, captureWatchMs }: { capture: CaptureWatch; captureWatchMs: number },
): Promise<Working> {
  const { pool, log, deadlines } = engine;
  loadStatements();
  await capture.requireMatch();
  await recheckStored(engine);
  await padQueueTable(pool);
  const sender = openDeliverySender(engine);
  const journey = createJourney(engine, sender, () => drain);
  const recording = onDemand(engine, 'record');
  const claiming = onDemand(engine, 'claim');
  const attemptWriter = createAttemptWriter(engine, deadlines.leaseMs, recording);
  const drain: Drain = startDrain({
    pool,
    log,
    bounds: { ...deadlines, total: deadlines.inProgress },
    leaseMs: deadlines.leaseMs,
    isUnrecorded: attemptWriter.isFailing,
    loop: claiming,
    targetOf: journey.targetOf,
    deliver: (batch, free) =>
      journey.run(batch, (index, result) => {
        const { subscriptionId, deliveryId } = result;
        const onWritten = ordering.isOrdered(subscriptionId) ? () => ordering.attempted(subscriptionId, deliveryId) : undefined;
        const written = attemptWriter.add(result, onWritten);
        if (written) void written.then(() => free(index));
        else free(index);
      }),
  });
  const ordering = startOrdering({ pool, log, onDue: drain.wake });
  const relaying = engine.loops.start('relay', 0);
  const relay = startRelay({
    pool,
    log,
    checkMs: deadlines.silenceMs,
    onDeliveries(subscriptionIds) {
      drain.wake(subscriptionIds);
      ordering.wake(subscriptionIds);
    },
    onBatch(changes, withoutTenant) {
      relaying.completed();
      if (changes > 0) engine.meter.relayed(changes, withoutTenant);
    },
    onFailure: () => engine.meter.loopFailed('relay'),
  });
  const scans = [...startScans(engine, drain), repeat('ordering', DUE_SCAN_MS, ordering.sweep, engine, SLOW)];
  const moves = startMoves(engine, drain);
  const heartbeat = createHeartbeat(pool);
  const beating = repeat('heartbeat', HEARTBEAT_MS, heartbeat.beat, engine);
  const maintenance = startMaintenance(engine, { capture, captureWatchMs, relay });
  const endWatch = watchLoops(engine.loops, log);
  return {
    poke: relay.poke,
    wake: drain.wake,
    state: () => ({ inProgress: drain.inProgress(), unwritten: attemptWriter.waiting() }),
    async stop() {
      const periodic = [...scans, ...moves, ...maintenance].map((loop) => loop.stop());
      const ended = beating
        .stop()
        .then(heartbeat.end)
        .catch((error) => logFailure(log, error, 'the worker could not delete its row'));
      journey.stop();
      const stopped = Promise.all([
        ordering.stop(),
        drain.stop().then(attemptWriter.written),
        relay.stop().then(relaying.ended),
        ended,
        ...periodic,
      ]);
      if ((await within(deadlines.stopMs, stopped)) === LATE) {
        const left = { inProgress: drain.inProgress(), unwritten: attemptWriter.waiting() };
        log.error(left, 'the worker could not stop in time; deliveries whose results are not recorded are sent again');
        attemptWriter.giveUp();
      }
      for (const loop of [claiming, recording]) loop.ended();
      endWatch();
      await sender.close();
    },
  };
}

/** Starts the loops that send deliveries of paced subscriptions, replays and bulk actions. */
function startMoves(engine: Engine, drain: Drain): { stop(): Promise<void> }[] {
  const { pool, deadlines } = engine;
  let pacedMs = PACED_SCAN_MS.idle;
  const paced = async () => {
    const { waiting, batch } = await claimPaced(pool, Math.min(drain.freeSlots(), MAX_PACED), deadlines);
    drain.start(batch);
    pacedMs = waiting > 0 ? PACED_SCAN_MS.due : PACED_SCAN_MS.idle;
  };
  return [
    repeat('paced', () => pacedMs, paced, engine),
    repeat('replay', REPLAY_SCAN_MS, replayScan(engine, drain), engine),
    repeat('bulk-actions', REPLAY_SCAN_MS, bulkActionScan(engine, drain), engine, SLOW),
  ];
}

/** Starts the scan for due deliveries, and the loop that moves the deliveries of changed subscriptions. */
function startScans(engine: Engine, { wake }: Drain): { stop(): Promise<void> }[] {
  const { pool } = engine;
  let unsettled: DueScan['unsettled'] | null = null;
  const scan = async () => {
    const found = await scanDue(pool);
    unsettled = found.unsettled;
    wake(found.due);
  };
  const moving = { withinMs: MOVING_MS, size: new StepSize() };
  const moveUnsettled = async () => {
    if (unsettled) await settle(pool, unsettled, moving);
  };
  // The moves have a loop of their own, so that neither a large move nor a failing one delays due deliveries.
  return [repeat('due', DUE_SCAN_MS, scan, engine), repeat('settle', DUE_SCAN_MS, moveUnsettled, engine, SLOW)];
}

/** Starts the loops that neither claim nor start deliveries. */
function startMaintenance(
  engine: Engine,
  { capture, captureWatchMs, relay }: Parameters<typeof startWorking>[1] & { relay: Relay },
): { stop(): Promise<void> }[] {
  const { pool } = engine;
  let releaseMs = RELEASE_SCAN_MS.idle;
  const moving = { withinMs: MOVING_MS, size: new StepSize() };
  const release = async () => {
    releaseMs = (await releaseScan(pool, moving)) ? RELEASE_SCAN_MS.moving : RELEASE_SCAN_MS.idle;
  };
  const upkeep = DESTINATIONS.flatMap(({ field, upkeep }) =>
    upkeep ? [repeat(`upkeep-${field.name}`, upkeep.everyMs, async () => void (await upkeep.settle(engine, null)), engine, SLOW)] : [],
  );
  return [
    repeat('release', () => releaseMs, release, engine, SLOW),
    ...upkeep,
    repeat('related', RELATED_SCAN_MS, relatedScan(engine, relay.poke), engine, SLOW),
    repeat('clock', CLOCK_SCAN_MS, clockScan(engine), engine, SLOW),
    repeat('templates', TEMPLATE_SCAN_MS, templateScan(engine), engine),
    // `capture.requireMatch()` was the first check of the triggers, so this loop begins with a pause.
    repeat('capture', captureWatchMs, async () => void (await capture.check()), engine, { ...SLOW, waits: true }),
    repeat('notes', NOTES_SCAN_MS, notesScan(engine), engine, SLOW),
    repeat('forget', FORGET_SCAN_MS, forgetScan(engine), engine, SLOW),
    repeat('statistics', STATISTICS_SCAN_MS, statisticsScan(engine), engine, SLOW),
  ];
}

/** Registers a loop that runs only while there is work for it. */
function onDemand({ loops }: Engine, name: string): Loop {
  const loop = loops.start(name, 0);
  loop.rests();
  return loop;
}

/**
 * Runs `work` at once (or, with `waits`, after the first interval) and again `everyMs` milliseconds after each end. A failure is
 * logged and work continues.
 */
function repeat(
  name: string,
  everyMs: number | (() => number),
  work: Work,
  { log, loops, meter }: Engine,
  { waits = false, stepMs = 0 } = {},
): { stop(): Promise<void> } {
  const loop = loops.start(name, stepMs + (typeof everyMs === 'number' ? everyMs : 0));
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let running = Promise.resolve();
  const run = async () => {
    try {
      await work(() => stopped, loop.completed);
      loop.completed();
    } catch (error) {
      meter.loopFailed(name);
      logFailure(log, error, 'a periodic task failed; retrying', { loop: name });
    }
    pause();
  };
  const pause = () => {
    if (!stopped) timer = setTimeout(() => (running = run()), typeof everyMs === 'number' ? everyMs : everyMs());
  };
  if (waits) pause();
  else running = run();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
      loop.ended();
    },
  };
}
