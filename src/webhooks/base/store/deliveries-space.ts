// Returns the space of deleted deliveries to the disk. Postgres can cut only empty pages off the end of a table, and new deliveries are at
// the end; so they move into the space of the deleted ones first.
import type { Pool } from 'pg';
import { isOfSize } from './steps.js';
import { insideTransaction } from './transaction.js';

const PAGE_BYTES = 8_192;
/** Bytes of a row's header and of its pointer in the page. */
const ROW_BYTES = 28;
/** Pages that one step empties: about 600 rows, and 30 ms of the database. */
const STEP_PAGES = 32;
/** An update stays in its page, or in another page of the step, while these have room: each for fewer than 100 rows. */
const MOST_UPDATES = 100 * STEP_PAGES;
/** Milliseconds between two signs of life during a VACUUM. */
const BEAT_MS = 30_000;

export interface SpaceOptions {
  /** Called after each step, and regularly during a VACUUM; the work ends when it returns `false`. */
  onStep: () => Promise<boolean>;
  /** Pages below which the table isn't worth it. */
  leastPages?: number;
}

/**
 * Makes the table small if more than half of its pages are empty. A VACUUM counts before anything moves: the statistics may be older than
 * most rows. `isFresh`: whether so much was just deleted that they don't know of it yet.
 */
export async function returnSpace(pool: Pool, isFresh: boolean, { onStep, leastPages = 4_096 }: SpaceOptions): Promise<void> {
  const isWorthIt = ({ pages, needed }: Size) => pages >= leastPages && pages >= 2 * needed;
  if (!isFresh && !isWorthIt(await measure(pool))) return;
  if (!(await vacuum(pool, onStep))) return;
  const size = await measure(pool);
  if (!isWorthIt(size)) return;
  const { pages, needed } = size;
  // Rows that are inserted meanwhile need some room, too.
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
  /** The pages that the rows need, by what the last VACUUM or ANALYZE has counted. */
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
 * Moves the rows of these pages to where there is room, which is at the beginning of the table. A row that is open stays: it is written
 * again soon, and the next run moves it.
 */
async function emptyPages(pool: Pool, low: number, high: number): Promise<void> {
  const work = insideTransaction(pool, async (client) => {
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
 * Lets Postgres use the space of deleted rows again, and cut off the empty end, for which it yields to every waiting statement. A page
 * counts as empty only if the indexes were cleaned, too; by default Postgres puts that off for few rows. Returns whether it was done.
 */
async function vacuum(pool: Pool, onStep: SpaceOptions['onStep']): Promise<boolean> {
  const beat = setInterval(() => void onStep().catch(() => {}), BEAT_MS);
  return unlessHindered(pool.query('VACUUM (INDEX_CLEANUP ON) hookgraph.deliveries')).finally(() => clearInterval(beat));
}

/** Returns whether the work was done. The next run does what a lock, a deadlock or a `statement_timeout` has prevented. */
const unlessHindered = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    (error) => {
      if (!isOfSize(error)) throw error;
      return false;
    },
  );
