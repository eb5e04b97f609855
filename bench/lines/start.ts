// Measures how long a second `npm start` takes until the API answers.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Line, Metrics } from '../frame.js';
import { type Program, startNpm } from '../processes.js';
import { ADMIN_TOKEN } from '../server.js';

export const start: Line = {
  key: 'start',
  title: 'The second start',
  method:
    '`npm start` in a checkout that is installed and built, with a data folder of an earlier start: the embedded Postgres with the sample data. Measured from the start of npm to the answer of a query.',
  async prepare() {
    const dataDir = await mkdtemp(join(tmpdir(), 'hookgraph-start-'));
    const measure = () => startOnce(dataDir);
    // The first start creates the database and the sample data.
    await measure();
    return {
      variants: [{ name: 'npm start', measure }],
      bars: [{ what: 'seconds to ready', metric: 'seconds', of: 'npm start', atMost: 3 }],
      close: () => rm(dataDir, { recursive: true, force: true }),
    };
  },
};

async function startOnce(dataDir: string): Promise<Metrics> {
  const startedAt = performance.now();
  const secondsSoFar = () => (performance.now() - startedAt) / 1000;
  const program = startNpm(['start'], {
    // Unset, as for a user who runs `npm start`.
    NODE_ENV: undefined,
    DATABASE_URL: undefined,
    HOOKGRAPH_DATA_DIR: dataDir,
    HOOKGRAPH_ADMIN_TOKEN: ADMIN_TOKEN,
    HOOKGRAPH_LOG_LEVEL: 'warn',
    PORT: '0',
  });
  try {
    const endpoint = await told(program, /^\s*API\s+(http:\S+)$/m);
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_TOKEN}` },
      body: JSON.stringify({ query: '{ users(first: 1) { nodes { id } } }' }),
    });
    const answer = (await response.json()) as { data?: { users: { nodes: unknown[] } } };
    if (answer.data?.users.nodes.length !== 1) throw new Error(`The API answered ${JSON.stringify(answer)}`);
    return { seconds: secondsSoFar() };
  } finally {
    await program.stop();
  }
}

/** Resolves with the first group of the expression's first match in the program's output; rejects when the program ends. */
function told(program: Program, expression: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    program.child.stdout?.on('data', () => {
      const found = expression.exec(program.output())?.[1];
      if (found) resolve(found);
    });
    program.child.once('exit', (code) => reject(new Error(`npm start ended with ${code}:\n${program.output()}`)));
  });
}
