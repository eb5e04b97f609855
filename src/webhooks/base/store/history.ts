// Deletes history: deliveries in steps, and whole partitions of events, attempts and exchanges. Keeps events that are still needed.
import type { Pool } from 'pg';
import { rememberForgotten } from './forgotten.js';
import { gently } from './gently.js';
import { dropPart, listParts, NEEDED, type Part, thinPart } from './history-parts.js';
import { inSteps } from './steps.js';

/** A partition: a week of events or attempts, or a day of exchanges (requests and responses). */
export interface Week {
  /** The name of the partition, such as `events_20260928`. */
  name: string;
  bytes: number;
}

export interface PrunedHistory {
  deliveries: number;
  /** The partitions that were dropped, with their sizes. */
  weeks: Week[];
  /** Weeks of attempts from which all attempts were deleted except those that failed or were held. */
  thinned: Week[];
  /** Weeks whose events are still needed: by an open delivery, a running replay, or a worker that has not matched them yet. */
  needed: Week[];
  /** Partitions that were kept, because other transactions held a lock on them until the time limit. */
  locked: Week[];
  /** Rows that were deleted from the default partitions, which have no week, or because their tenant keeps less. */
  rows: number;
  /** Attempts whose requests and responses were blanked, because their tenant keeps less. */
  blanked: number;
}

/** The times before which each kind of history is deleted; `null`: it is kept. */
export interface Cutoffs {
  /** Requests and responses of attempts that succeeded or were skipped. */
  bodies: Date | null;
  /** Attempts that succeeded or were skipped. */
  attempts: Date | null;
  /** Attempts that failed or were held, with their requests and responses. */
  errors: Date | null;
  /** Events and their deliveries. */
  events: Date | null;
}

export interface CleanOptions {
  /** If `true`, counts and measures what would be deleted, and deletes nothing. */
  isDryRun?: boolean;
  /** Milliseconds for which dropping a partition waits for its lock, over all tries. */
  patienceMs?: number;
  /** Called after each step; the work ends when it returns `false`. */
  onProgress?: (soFar: PrunedHistory) => Promise<boolean> | boolean;
}

export interface PruneOptions {
  /** The time before which history is deleted. */
  before: Date;
  isDryRun?: boolean;
  patienceMs?: number;
  onProgress?: (deliveries: number) => void;
}

const ENDED = `d.id < hookgraph.id_at($1) AND d.state NOT IN ('PENDING', 'RETRYING', 'HELD')`;

/** Deletes the history that ended before a time. Can be stopped and run again at any moment. Call it from one process at a time. */
export async function pruneHistory(pool: Pool, { before, onProgress, ...options }: PruneOptions): Promise<PrunedHistory> {
  return cleanHistory(
    pool,
    { bodies: before, attempts: before, errors: before, events: before },
    {
      ...options,
      ...(onProgress && {
        onProgress: ({ deliveries, weeks }) => {
          if (weeks.length === 0) onProgress(deliveries);
          return true;
        },
      }),
    },
  );
}

/** Deletes each kind of history before its time. It can be stopped and run again at any moment. Call it from one process at a time. */
export async function cleanHistory(pool: Pool, cutoffs: Cutoffs, options: CleanOptions = {}): Promise<PrunedHistory> {
  const { isDryRun = false, patienceMs = 30_000, onProgress = () => true } = options;
  const done: PrunedHistory = { deliveries: 0, weeks: [], thinned: [], needed: [], locked: [], rows: 0, blanked: 0 };
  if (!isDryRun) await remember(pool, cutoffs);
  let goesOn = true;
  const counted = async (kind: 'deliveries' | 'rows', count: number) => {
    done[kind] += count;
    goesOn = await onProgress(done);
    return goesOn;
  };
  if (cutoffs.events) {
    if (isDryRun) done.deliveries = await countEnded(pool, cutoffs.events);
    else await deleteEnded(pool, cutoffs.events, (count) => counted('deliveries', count));
  }
  for (const part of goesOn ? await listParts(pool) : []) {
    const move = moveOf(part, cutoffs);
    if (move === null) continue;
    const week = { name: part.name, bytes: part.bytes };
    if (move === 'needed') done.needed.push(week);
    else if (isDryRun || (await (move === 'thinned' ? thinPart : dropPart)(pool, part, patienceMs))) done[move].push(week);
    else done.locked.push(week);
    goesOn = isDryRun || (await onProgress(done));
    if (!goesOn) return done;
  }
  if (!isDryRun && goesOn) await deleteWithoutWeek(pool, cutoffs, (count) => counted('rows', count));
  return done;
}

/** Remembers what is going to be deleted, so that the audit and readers of changes don't report it as lost. */
async function remember(pool: Pool, { events, attempts }: Cutoffs): Promise<void> {
  if (events) await rememberForgotten(pool, { histories: ['deliveries', 'events'], before: events });
  if (attempts) await rememberForgotten(pool, { histories: ['attempts'], before: attempts });
}

/** Decides how to handle a partition; `null`: it stays as it is. */
function moveOf({ kind, endsAt, isNeeded, isThin }: Part, cutoffs: Cutoffs): 'weeks' | 'thinned' | 'needed' | null {
  const isPast = (time: Date | null) => time !== null && endsAt <= time;
  switch (kind) {
    case 'events':
      return isPast(cutoffs.events) ? (isNeeded ? 'needed' : 'weeks') : null;
    case 'exchanges_of_others':
      return isPast(cutoffs.bodies) ? 'weeks' : null;
    case 'exchanges_of_errors':
      return isPast(cutoffs.errors) ? 'weeks' : null;
    case 'attempts':
      if (!isPast(cutoffs.attempts)) return null;
      return isPast(cutoffs.errors) ? 'weeks' : isThin ? null : 'thinned';
  }
}

async function countEnded(pool: Pool, before: Date): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(`SELECT count(*)::float8 AS count FROM hookgraph.deliveries d WHERE ${ENDED}`, [
    before,
  ]);
  return rows[0]?.count ?? 0;
}

/** Called with the number of rows that a step deleted; returns whether to go on. */
type OnStep = (count: number) => Promise<boolean>;

async function deleteEnded(pool: Pool, before: Date, onStep: OnStep): Promise<void> {
  await deleteInSteps(async (rows) => {
    const { rowCount } = await gently(pool, (client) =>
      client.query(
        `DELETE FROM hookgraph.deliveries WHERE id IN (SELECT d.id FROM hookgraph.deliveries d WHERE ${ENDED} ORDER BY d.id LIMIT $2 FOR UPDATE SKIP LOCKED)`,
        [before, rows],
      ),
    );
    return rowCount ?? 0;
  }, onStep);
}

async function deleteInSteps(step: (rows: number) => Promise<number>, onStep: OnStep): Promise<void> {
  let goesOn = true;
  await inSteps(
    async (rows) => {
      const found = goesOn ? await step(rows) : 0;
      goesOn = goesOn && (await onStep(found));
      return { found: goesOn ? found : 0, moved: {} };
    },
    { withinMs: Number.POSITIVE_INFINITY },
  );
}

/** Deletes from the default partitions, whose rows have times without a partition. Keeps the first needed event and all later ones. */
async function deleteWithoutWeek(pool: Pool, { bodies, attempts, errors, events }: Cutoffs, onStep: OnStep): Promise<void> {
  const from = async (table: string, before: Date | null, condition = '', below = 'hookgraph.id_at($1)') => {
    if (before === null) return;
    await deleteInSteps(async (rows) => {
      const { rowCount } = await gently(pool, (client) =>
        client.query(
          `DELETE FROM hookgraph.${table}_default WHERE id IN (
             SELECT x.id FROM hookgraph.${table}_default x WHERE x.id < ${below} ${condition} ORDER BY x.id LIMIT $2 FOR UPDATE SKIP LOCKED)`,
          [before, rows],
        ),
      );
      return rowCount ?? 0;
    }, onStep);
  };
  await from('attempts', attempts, "AND x.outcome NOT IN ('FAILED', 'HELD')");
  await from('attempts', errors, "AND x.outcome IN ('FAILED', 'HELD')");
  await from('exchanges_of_others', bodies);
  await from('exchanges_of_errors', errors);
  await from('events', events, '', `least(hookgraph.id_at($1), (SELECT min(n.id) FROM (${NEEDED}) n))`);
}
