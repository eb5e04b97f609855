// Runs the jobs as an expert would: fetches 500 at a time, stores results in batches, and posts through undici's dispatch.
import { createHmac } from 'node:crypto';
import { run } from 'graphile-worker';
import pg from 'pg';
import { Pool } from 'undici';
import { batched } from './batch.js';

const { DATABASE_URL = '', RECEIVER_URL = '', CONCURRENCY = '100' } = process.env;
export const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 20 });
pool.on('error', console.error);
pool.on('connect', (client) => client.on('error', console.error));
const receiver = new Pool(RECEIVER_URL, { connections: Number(CONCURRENCY), headersTimeout: 5000, bodyTimeout: 5000 });
const secret = 'a secret that is long enough';

interface Result {
  userId: string;
  body: string;
  status: number;
  text: string;
  durationMs: number;
}

const store = batched(async (results: Result[]) => {
  const column = <T>(read: (one: Result) => T) => results.map(read);
  await pool.query({
    name: 'store',
    text: `INSERT INTO webhook_results (user_id, request, status, response, duration_ms)
           SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::float8[])`,
    values: [
      column((one) => one.userId),
      column((one) => one.body),
      column((one) => one.status),
      column((one) => one.text),
      column((one) => one.durationMs),
    ],
  });
  return results;
});

function post(path: string, body: string): Promise<{ status: number; text: string }> {
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'baseline',
    'x-signature': createHmac('sha256', secret).update(body).digest('base64'),
  };
  return new Promise((resolve, reject) => {
    let status = 0;
    let text = '';
    receiver.dispatch(
      { path, method: 'POST', headers, body },
      {
        onConnect() {},
        onHeaders(statusCode) {
          status = statusCode;
          return true;
        },
        onData(chunk) {
          text += chunk;
          return true;
        },
        onComplete: () => resolve({ status, text }),
        onError: reject,
      },
    );
  });
}

/** Delivers all jobs. `load` returns the data of a person's payload. */
export async function runExpert(load: (userId: string) => Promise<unknown>): Promise<void> {
  process.send?.('ready');
  await run({
    pgPool: pool,
    concurrency: Number(CONCURRENCY),
    preset: { worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
    taskList: {
      deliver: async (payload) => {
        const { userId, path } = payload as { userId: string; path: string };
        const startedAt = performance.now();
        const body = JSON.stringify({ data: await load(userId) });
        const { status, text } = await post(path, body);
        await store({ userId, body, status, text, durationMs: performance.now() - startedAt });
        if (status >= 300) throw new Error(`The receiver answered ${status}`);
      },
    },
  });
}
