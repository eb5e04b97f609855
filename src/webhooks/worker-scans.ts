// Defines the periodic work of a worker besides delivering: it advances replays, watches the clock of the database, starts render processes
// in advance, and keeps Postgres' statistics.
import type { Engine } from './base/engine.js';
import { stepBulkAction } from './base/store/bulk-actions.js';
import { correctClock, readClock } from './base/store/clock.js';
import { stepForgetting } from './base/store/forgettings.js';
import { forgetReplaced } from './base/store/ordered-deliveries.js';
import { forgetNumbers } from './base/store/sequences.js';
import { StepSize } from './base/store/steps.js';
import { patiently } from './base/store/transaction.js';
import { LookUps } from './fan-out/related-look-ups.js';
import { stepRelated } from './fan-out/related-steps.js';
import { isAnyRunning, REPLAY_BATCH, stepReplay } from './fan-out/replay.js';
import { stepSnapshot } from './fan-out/snapshot.js';
import type { Drain } from './lease/drain.js';

/** One iteration of a periodic loop. */
export type Work = (isStopped: () => boolean, completed: () => void) => Promise<void>;

/** The smallest jump forward of the database's clock that is worth a warning, in milliseconds. */
const CLOCK_JUMP_MS = 30_000;

/** Advances the replays and snapshots step by step, and wakes their subscriptions. */
export function replayScan(engine: Engine, drain: Drain): Work {
  const { pool } = engine;
  const replay = async (rows: number) => ((await isAnyRunning(pool)) ? stepReplay(pool, rows) : null);
  return stepScan(async (rows) => (await replay(rows)) ?? stepSnapshot(engine, rows), new StepSize(REPLAY_BATCH), drain);
}

/** Advances the actions on many deliveries or errors step by step, and wakes their subscriptions. */
export const bulkActionScan = ({ pool }: Engine, drain: Drain): Work =>
  stepScan((rows) => stepBulkAction(pool, rows), new StepSize(), drain);

/** Blanks what is stored about nodes that are to be forgotten, step by step. */
export function forgetScan({ pool }: Engine): Work {
  const size = new StepSize();
  const next = () =>
    stepForgetting(pool, size.rows).catch((error) => {
      size.failed(error);
      throw error;
    });
  return async (isStopped, completed) => {
    for (let isStepped = await next(); isStepped && !isStopped(); isStepped = await next()) {
      size.succeeded();
      completed();
    }
  };
}

/** Finds the nodes to which changed rows are related, step by step, and wakes the relay for their events. */
export function relatedScan(engine: Engine, onRecorded: () => void): Work {
  const size = new StepSize();
  const lookUps = new LookUps();
  return async (isStopped, completed) => {
    while (!isStopped()) {
      const isFound = await stepRelated(engine, lookUps, size.rows).catch((error) => {
        size.failed(error);
        throw error;
      });
      if (!isFound) return;
      size.succeeded();
      completed();
      onRecorded();
    }
  };
}

function stepScan(step: (rows: number) => Promise<{ subscriptionId: string } | null>, size: StepSize, { wake }: Drain): Work {
  const next = () =>
    step(size.rows).catch((error) => {
      size.failed(error);
      throw error;
    });
  return async (isStopped, completed) => {
    for (let step = await next(); step && !isStopped(); step = await next()) {
      size.succeeded();
      completed();
      wake([step.subscriptionId]);
    }
  };
}

/** Days for which it is stored which delivery replaced a skipped one, and which number a deleted one had. */
const NOTES_DAYS = 90;
/** Number of rows that a step deletes. */
const NOTES_STEP = 1_000;

/** Deletes notes about deliveries that are older than NOTES_DAYS. */
export const notesScan =
  ({ pool }: Engine): Work =>
  async (isStopped) => {
    for (const forget of [forgetReplaced, forgetNumbers])
      while (!isStopped() && (await forget(pool, NOTES_DAYS, NOTES_STEP)) === NOTES_STEP);
  };

/** Corrects stored times when the clock of the database has gone back, and warns when it has jumped. */
export function clockScan({ pool, log }: Engine): () => Promise<void> {
  const size = new StepSize();
  let last: { nowMs: number; atMs: number } | null = null;
  return async () => {
    const { nowMs, backMs } = await readClock(pool);
    const atMs = performance.now();
    const aheadMs = last ? nowMs - last.nowMs - (atMs - last.atMs) : 0;
    last = { nowMs, atMs };
    if (aheadMs > CLOCK_JUMP_MS)
      log.warn({ seconds: Math.round(aheadMs / 1000) }, 'the clock of the database went forward; retries are due as much earlier');
    if (backMs > 0 && (await correctClock(pool, size)))
      log.warn(
        { seconds: Math.round(backMs / 1000) },
        'the clock of the database went back; due times and leases from before were corrected',
      );
  };
}

/** Starts a render process (about 65 MB) once a subscription has a template, so that it is ready before the first delivery needs it. */
export function templateScan({ pool, renderer }: Engine): () => Promise<void> {
  let since: Date | null = null;
  let found = false;
  return async () => {
    if (found) return;
    const { rows } = await pool.query<{ now: Date; found: boolean }>(
      `SELECT now(), EXISTS (
         SELECT FROM hookgraph.subscriptions x JOIN hookgraph.subscription_versions v ON v.subscription_id = x.id AND v.number = x.version
         WHERE x.status = 'ENABLED' AND ($1::timestamptz IS NULL OR x.updated_at > $1 - interval '1 minute')
           AND num_nonnulls(v.definition ->> 'validationTemplate', v.definition ->> 'template', v.definition ->> 'errorTemplate') > 0
       ) AS found`,
      [since],
    );
    since = rows[0]?.now ?? null;
    found = rows[0]?.found ?? false;
    if (found) renderer.start();
  };
}

/**
 * Runs ANALYZE as soon as a new installation has its first backlog. Postgres would analyze the table by itself about a minute later;
 * until then its plans, made for an empty table, would scan the whole table for each batch.
 */
export function statisticsScan({ pool }: Engine): () => Promise<void> {
  // The number of runs is limited: each ANALYZE makes all sessions plan their statements again, and may not help, because a large file can
  // contain few rows.
  let triesLeft = 3;
  return async () => {
    if (triesLeft === 0) return;
    const { rows } = await pool.query<{ known: boolean; grown: boolean }>(
      `SELECT reltuples >= 1000 AS known, pg_relation_size(oid) > 500000 AS grown FROM pg_class WHERE oid = 'hookgraph.deliveries'::regclass`,
    );
    const { known = false, grown = false } = rows[0] ?? {};
    if (known) triesLeft = 0;
    else if (grown) {
      // One ANALYZE may not be enough: uncommitted rows make the table larger, but ANALYZE does not count them.
      triesLeft -= 1;
      await patiently(pool, (db) => db.query('ANALYZE hookgraph.deliveries'));
    }
  };
}
