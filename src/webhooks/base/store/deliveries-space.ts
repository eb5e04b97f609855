// Returns the space of deleted deliveries to the disk. Postgres can only cut empty pages off the end of a table, but new deliveries are at
// the end; so they are first moved into the space of deleted ones.
import type { Pool } from 'pg';
import { gently, vacuumGently } from './gently.js';
import { isOfSize } from './steps.js';

const PAGE_BYTES = 8_192;
/** Bytes of a row's header and of its pointer in the page. */
const ROW_BYTES = 28;
/** Pages that one step empties: about 600 rows, and 30 ms of the database. */
const STEP_PAGES = 32;
/** Maximum number of updates in a step. A page has fewer than 100 rows, and an updated row may land in another page of the same step. */
const MOST_UPDATES = 100 * STEP_PAGES;
/** Milliseconds between two calls of `onStep` during a VACUUM. */
const BEAT_MS = 30_000;

export interface SpaceOptions {
  /** Called after each step, and regularly during a VACUUM; the work ends when it returns `false`. */
  onStep: () => Promise<boolean>;
  /** Number of pages below which the table stays as it is. */
  leastPages?: number;
}

/**
 * Shrinks the table if more than half of its pages are empty. Runs VACUUM first to count the rows, since the statistics may be out of date.
 * `isFresh`: whether many rows were deleted so recently that the statistics don't show it yet.
 */
export async function returnSpace(pool: Pool, isFresh: boolean, { onStep, leastPages = 4_096 }: SpaceOptions): Promise<void> {
  const isWorthIt = ({ pages, needed }: Size) => pages >= leastPages && pages >= 2 * needed;
  if (!isFresh && !isWorthIt(await measure(pool))) return;
  if (!(await vacuum(pool, onStep))) return;
  const size = await measure(pool);
  if (!isWorthIt(size)) return;
  const { pages, needed } = size;
  // Some space is left for rows that are inserted meanwhile.
  const target = Math.ceil(needed * 1.25) + STEP_PAGES;
  let goesOn = true;
  for (let high = pages; goesOn && high > target; high -= STEP_PAGES) {
    await emptyPages(pool, Math.max(high - STEP_PAGES, target), high);
    goesOn = await onStep();
  }
  if (goesOn) await vacuum(pool, onStep);
}

interface Size {
  pages: number;
  /** The number of pages that the rows need, estimated from the row count of the last VACUUM or ANALYZE. */
  needed: number;
}

async function measure(pool: Pool): Promise<Size> {
  const { rows } = await pool.query<{ pages: number; count: number; bytes: number; filled: number }>(
    `SELECT (pg_relation_size(c.oid) / ${PAGE_BYTES})::float8 AS pages, greatest(c.reltuples, 0)::float8 AS count,
       coalesce((SELECT avg(pg_column_size(d)) FROM (SELECT * FROM hookgraph.deliveries ORDER BY id DESC LIMIT 100) d), 0)::float8 AS bytes,
       coalesce((SELECT o.option_value FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'fillfactor'), '100')::float8 / 100 AS filled
     FROM pg_class c WHERE c.oid = 'hookgraph.deliveries'::regclass`,
  );
  const { pages, count, bytes, filled } = rows[0] as (typeof rows)[number];
  return { pages, needed: Math.ceil((count * (bytes + ROW_BYTES)) / (PAGE_BYTES * filled)) };
}

/**
 * Moves the rows of these pages to pages with free space, at the beginning of the table. Skips open deliveries: they are written again
 * soon, and the next run moves them.
 */
async function emptyPages(pool: Pool, low: number, high: number): Promise<void> {
  const work = gently(pool, async (client) => {
    for (let update = 0; update < MOST_UPDATES; update++) {
      const { rowCount } = await client.query(
        `UPDATE hookgraph.deliveries SET updated_at = updated_at
         WHERE ctid >= $1::tid AND ctid < $2::tid AND state NOT IN ('PENDING', 'RETRYING', 'HELD')`,
        [`(${low},0)`, `(${high},0)`],
      );
      if (rowCount === 0) break;
    }
  });
  await unlessHindered(work);
}

/**
 * Lets Postgres reuse the space of deleted rows and cut off the empty end, unless another statement waits for the table. Pages count as
 * empty only after the indexes were cleaned, which Postgres by default postpones when few rows were deleted. Returns whether it was done.
 */
async function vacuum(pool: Pool, onStep: SpaceOptions['onStep']): Promise<boolean> {
  const beat = setInterval(() => void onStep().catch(() => {}), BEAT_MS);
  return unlessHindered(vacuumGently(pool, 'VACUUM (INDEX_CLEANUP ON) hookgraph.deliveries')).finally(() => clearInterval(beat));
}

/** Returns whether the work was done. Work that a lock, a deadlock or a `statement_timeout` prevented is left to the next run. */
const unlessHindered = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    (error) => {
      if (!isOfSize(error)) throw error;
      return false;
    },
  );
