// Runs the expert baseline: loads the rows of one tick in a batch, and runs the jobs with `expert-worker.ts`.
import { batched } from './batch.js';
import { pool, runExpert } from './expert-worker.js';

const load = batched(async (ids: string[]) => {
  const { rows } = await pool.query({
    name: 'load',
    text: 'SELECT id, first_name, last_name, email FROM users WHERE id = ANY ($1::uuid[])',
    values: [ids],
  });
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id));
});

await runExpert(load);
