// Runs a step for each person in a database, 100 at a time, and reports the time: the lower bound for the cost of a stored query.
import pg from 'pg';
import { listPeople } from './stored.js';

const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

/** Runs the loop and reports, as `receiver.ts` does, when the first and the last step ended and how many succeeded. */
export async function loop(prepare: (url: string, pool: pg.Pool) => Promise<(userId: string) => Promise<unknown>>): Promise<void> {
  const { DATABASE_URL = '' } = process.env;
  const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 2 });
  const step = await prepare(DATABASE_URL, pool);
  const ids = await listPeople(pool);
  await pool.end();
  process.send?.('ready');
  let [firstMs, count] = [0, 0];
  for (let i = 0; i < ids.length; i += 100) {
    const done = await Promise.all(ids.slice(i, i + 100).map(step));
    firstMs ||= nowMs();
    count += done.filter((one) => one !== null && one !== undefined).length;
  }
  process.send?.({ firstMs, lastMs: nowMs(), count });
}
