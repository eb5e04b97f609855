// Runs the usual baseline: a graphile-worker task that loads the row, signs and posts it, and stores the result.
// CLIENT=fetch posts with fetch; CLIENT=pool posts over an undici Pool and fetches 500 jobs at a time.
import { createHmac } from 'node:crypto';
import { run } from 'graphile-worker';
import pg from 'pg';
import { Pool } from 'undici';

const { DATABASE_URL = '', RECEIVER_URL = '', CLIENT = 'pool', CONCURRENCY = '50' } = process.env;
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 20 });
pool.on('error', console.error);
pool.on('connect', (client) => client.on('error', console.error));
const receiver = new Pool(RECEIVER_URL, { connections: Number(CONCURRENCY) });
const secret = 'a secret that is long enough';

async function post(path: string, body: string): Promise<{ status: number; text: string }> {
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'baseline',
    'x-signature': createHmac('sha256', secret).update(body).digest('base64'),
  };
  const signal = AbortSignal.timeout(5000);
  if (CLIENT === 'fetch') {
    const response = await fetch(RECEIVER_URL + path, { method: 'POST', headers, body, signal });
    return { status: response.status, text: await response.text() };
  }
  const { statusCode, body: answer } = await receiver.request({ path, method: 'POST', headers, body, signal });
  return { status: statusCode, text: await answer.text() };
}

process.send?.('ready');
await run({
  pgPool: pool,
  concurrency: Number(CONCURRENCY),
  ...(CLIENT === 'pool' && { preset: { worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0 } } }),
  taskList: {
    deliver: async (payload) => {
      const { userId, path } = payload as { userId: string; path: string };
      const startedAt = Date.now();
      const { rows } = await pool.query('SELECT id, first_name, last_name, email FROM users WHERE id = $1', [userId]);
      const body = JSON.stringify({ data: rows[0] });
      const { status, text } = await post(path, body);
      await pool.query('INSERT INTO webhook_results (user_id, request, status, response, duration_ms) VALUES ($1, $2, $3, $4, $5)', [
        userId,
        body,
        status,
        text,
        Date.now() - startedAt,
      ]);
      if (status >= 300) throw new Error(`The receiver answered ${status}`);
    },
  },
});
