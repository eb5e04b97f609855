// A step for each of the people in a database, 100 at a time, in, what it took out: the least that a stored query costs.
import pg from 'pg';
import { listPeople } from './stored.js';

const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

/** As `receiver.ts` tells: the first and the last that was done. */
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
