// The app in, whether it can serve out.

import { type Answer, json } from './answer.js';
import type { App } from './app.js';

/** Topics are there once migrations ran and triggers were attached. */
export async function checkReadiness({ pool, log }: App): Promise<Answer> {
  try {
    const { rows } = await pool.query('SELECT EXISTS (SELECT 1 FROM hookgraph.topics) AS ready');
    return rows[0].ready ? json(200, { status: 'ready' }) : json(503, { status: 'not migrated' });
  } catch (error) {
    log.warn({ error }, 'not ready');
    return json(503, { status: 'the database does not answer' });
  }
}
