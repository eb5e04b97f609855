// Runs the product as a user does: real processes of dist/product/main.mjs on a separate database.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { SEEDED_TOKEN as ADMIN_TOKEN, type TestDatabase, testDatabase } from './database.js';
import { apiIn, WORKER_RUNS } from './started.js';

const MAIN = fileURLToPath(new URL('../../dist/product/main.mjs', import.meta.url));

export { ADMIN_TOKEN };

export interface Process {
  child: ChildProcess;
  /** All output so far. */
  output(): string;
  /** Sends the signal, waits until the process has ended and returns its exit code; `null` when a signal ended it. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

export interface RunningProduct {
  db: TestDatabase;
  pool: pg.Pool;
  /** The API's address, without a trailing slash. */
  url: string;
  /**
   * Starts another `worker`, `api` or `serve` process and resolves when it is ready. `inside`: a program that runs the
   * process, and the program's options.
   */
  start(command: 'serve' | 'api' | 'worker', env?: Record<string, string>, inside?: string[]): Promise<Process & { url: string }>;
  /** Runs a query as the sample organization's admin, or with another token. Throws on top-level errors. */
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of the answer that it queries
  graphql(query: string, variables?: object, token?: string): Promise<any>;
  /**
   * Creates a subscription by the guide's mutation and returns its global id and its record id (uuid). Throws the
   * mutation's errors.
   */
  subscribe(input: object, token?: string): Promise<{ id: string; recordId: string }>;
  close(): Promise<void>;
}

export interface Product extends RunningProduct {
  /** The process that serves the API. */
  main: Process;
}

/**
 * Starts the product in a separate process. `command`: the command of this process; with `api`, the test starts the worker itself.
 * `program`: main.js of another build, which runs on an empty database.
 */
export async function startProduct({
  command = 'serve',
  env = {},
  program,
}: {
  command?: 'serve' | 'api';
  env?: Record<string, string>;
  program?: string;
} = {}): Promise<Product> {
  const place = await makePlace(
    program === undefined ? await testDatabase({ seeded: true }) : await testDatabase({ empty: true }),
    env,
    program,
  );
  if (command === 'api' && program !== undefined) await run(['migrate', '--sample-data'], place.environment);
  const main = await place.start(command);
  return { ...place, main, ...clientOf(main.url) };
}

/** Makes a data folder and the environment variables for a product on this database. */
export async function makePlace(db: TestDatabase, env: Record<string, string>, program?: string) {
  const dataDir = await mkdtemp(join(tmpdir(), 'hookgraph-product-'));
  const processes: Process[] = [];
  const environment: Record<string, string> = {
    DATABASE_URL: db.url,
    HOOKGRAPH_DATA_DIR: dataDir,
    HOOKGRAPH_ADMIN_TOKEN: ADMIN_TOKEN,
    HOOKGRAPH_ALLOWED_NETWORKS: '127.0.0.0/8',
    HOOKGRAPH_BASE_URL: 'http://api.example',
    PORT: '0',
    ...env,
  };
  return {
    db,
    pool: db.pool,
    environment,
    async start(name: 'serve' | 'api' | 'worker', more: Record<string, string> = {}, inside: string[] = []) {
      const process = launch(name === 'serve' ? [name, '--sample-data'] : [name], { ...environment, ...more }, program, inside);
      processes.push(process);
      return { ...process, url: await ready(process, name) };
    },
    async close() {
      await Promise.all(processes.map((process) => process.kill('SIGKILL')));
      await db.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Returns functions that call the API at this address. */
export function clientOf(url: string): Pick<RunningProduct, 'url' | 'graphql' | 'subscribe'> {
  const graphql: RunningProduct['graphql'] = async (query, variables = {}, token = ADMIN_TOKEN) => {
    const response = await fetch(`${url}/api/v3/graphql`, {
      method: 'POST',
      headers: { authorization: `Token token=${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const answer = (await response.json()) as { data?: unknown; errors?: unknown[] };
    if (answer.errors) throw new Error(`${response.status} ${JSON.stringify(answer.errors, null, 2)}`);
    return answer.data;
  };
  return {
    url,
    graphql,
    async subscribe(input, token) {
      const { createWebhookSubscription: payload } = await graphql(
        `mutation ($input: WebhookSubscriptionInput) {
          createWebhookSubscription(webhookSubscription: $input) { errors { field message } webhookSubscription { id databaseId } }
        }`,
        { input },
        token,
      );
      if (payload.errors.length > 0) throw new Error(JSON.stringify(payload.errors));
      return { id: payload.webhookSubscription.id, recordId: payload.webhookSubscription.databaseId };
    },
  };
}

/** Runs a command of the product to its end; throws with its output when it fails. */
export async function run(args: string[], env: Record<string, string>): Promise<string> {
  const process = launch(args, env);
  const [code] = await once(process.child, 'close');
  if (code !== 0) throw new Error(`hookgraph ${args.join(' ')} ended with ${code}:\n${process.output()}`);
  return process.output();
}

function launch(args: string[], env: Record<string, string>, program = MAIN, inside: string[] = []): Process {
  const [command, ...rest] = [...inside, process.execPath, program, ...args] as [string, ...string[]];
  const child = spawn(command, rest, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return {
    child,
    output: () => output,
    async kill(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const ended = once(child, 'exit');
      child.kill(signal);
      const [code] = await ended;
      return code as number | null;
    },
  };
}

/** Resolves with the API's address, or '' for a worker; rejects with the output when the process ends first. */
function ready({ child, output }: Process, name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const text = output();
      const address = apiIn(text);
      if (address) resolve(address);
      else if (name === 'worker' && text.includes(WORKER_RUNS)) resolve('');
    };
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', look);
    child.once('exit', (code) => reject(new Error(`hookgraph ${name} ended with ${code}:\n${output()}`)));
  });
}
