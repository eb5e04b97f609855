// Runs raw SQL on a database, like a person who doesn't know Hookgraph.
import { spawn, spawnSync } from 'node:child_process';
import { text } from 'node:stream/consumers';
import pg from 'pg';

export const hasPsql = spawnSync('psql', ['--version']).status === 0;

/**
 * Runs the script as psql's input, in which `COPY … FROM STDIN` takes the lines up to `\.`. Rejects at the first error.
 */
async function psql(url: string, script: string): Promise<string> {
  const child = spawn('psql', ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', '--tuples-only', '--no-align', url], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH },
  });
  child.stdin.end(script);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  const [answer, complaint, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) throw new Error(`psql ended with ${code}: ${complaint}`);
  return answer.trim();
}

/**
 * Runs several statements, by psql where it is installed. Each statement commits by itself unless the script says
 * BEGIN.
 */
export async function runSql(url: string, script: string): Promise<string> {
  if (hasPsql) return psql(url, script);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const results = [await client.query({ text: script, rowMode: 'array' })].flat() as unknown as pg.QueryArrayResult[];
    return results.flatMap(({ rows }) => rows.map((row) => row.join('|'))).join('\n');
  } finally {
    await client.end();
  }
}
