// Copies the working tree into a temporary folder, where `npm start` runs with its own data folder and port.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findPostmaster } from '../../src/runtime/postgres/postmaster.js';
import { freePort } from './cli.js';
import { until } from './until.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COPIED = ['schema.graphql', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'prisma.config.nodes.ts'];
const FOLDERS = ['scripts', 'prisma', 'src', 'dist'];

export interface Started {
  npm: ChildProcess;
  /** All output so far. */
  output(): string;
  /**
   * Resolves with the milliseconds from the start to the greeting; rejects with the output when the process ends first.
   */
  ready(): Promise<number>;
  /** The exit code, or the signal that ended the process. */
  ended(): Promise<number | NodeJS.Signals>;
  /** Sends the signal to npm and all processes that it started, as a terminal does at Ctrl-C. */
  signalAll(signal: NodeJS.Signals): void;
  /** The pid of the process that serves the API. */
  server(): Promise<number>;
  /** The living processes among npm and the processes that it started. */
  survivors(): Promise<string[]>;
}

export interface Checkout {
  dir: string;
  dataDir: string;
  url: string;
  start(env?: Record<string, string>): Started;
  /** The pid of the embedded Postgres; `null` when it doesn't run. */
  postmaster(): Promise<number | null>;
  /**
   * Every process of an embedded Postgres in any folder of this checkout, including the shell that watches Postgres.
   */
  postgresProcesses(): Promise<string[]>;
  remove(): Promise<void>;
}

export async function makeCheckout(): Promise<Checkout> {
  const dir = await mkdtemp(join(tmpdir(), 'hookgraph-checkout-'));
  await Promise.all([
    ...COPIED.map((name) => cp(join(ROOT, name), join(dir, name))),
    ...FOLDERS.map((name) => cp(join(ROOT, name), join(dir, name), { recursive: true })),
    symlink(join(ROOT, 'node_modules'), join(dir, 'node_modules')),
  ]);
  const dataDir = join(dir, 'data');
  const port = await freePort();
  const started: Started[] = [];
  const postmaster = () => findPostmaster(join(dataDir, 'postgres'));
  return {
    dir,
    dataDir,
    url: `http://127.0.0.1:${port}`,
    start(env = {}) {
      const one = startNpm(dir, { HOOKGRAPH_DATA_DIR: dataDir, PORT: String(port), ...env });
      started.push(one);
      return one;
    },
    postmaster,
    postgresProcesses: () => processes((line) => line.args.includes(`${dir}/`) && line.args.includes('/bin/postgres')),
    async remove() {
      for (const one of started) one.signalAll('SIGKILL');
      await until('Postgres is gone', async () => (await postmaster()) === null);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function startNpm(cwd: string, env: Record<string, string>): Started {
  const startedAt = Date.now();
  // Starts npm in a separate process group, as a terminal does for each command.
  const npm = spawn('npm', ['start'], {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
  });
  const group = npm.pid as number;
  let output = '';
  for (const stream of [npm.stdout, npm.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const exited = new Promise<number | NodeJS.Signals>((resolve) => {
    npm.once('exit', (code, signal) => resolve(code ?? (signal as NodeJS.Signals)));
  });
  const ofGroup = (matches: (args: string) => boolean) => processes((line) => line.group === group && matches(line.args));
  return {
    npm,
    output: () => output,
    ended: () => exited,
    async ready() {
      await until(
        'npm start greets',
        () => {
          if (npm.exitCode !== null || npm.signalCode !== null) throw new Error(`npm start ended with ${npm.exitCode}:\n${output}`);
          return output.includes('errors { field message } user { id name } } }');
        },
        { timeoutMs: 120_000 },
      );
      return Date.now() - startedAt;
    },
    signalAll(signal) {
      try {
        process.kill(-group, signal);
      } catch {
        // The process group is already empty.
      }
    },
    async server() {
      const [line] = await ofGroup((args) => /^\S*node scripts\/start\.mjs/.test(args));
      return Number(line?.split(' ')[0]);
    },
    survivors: () => ofGroup(() => true),
  };
}

/** Returns the living processes that match, each as `pid args`. */
async function processes(matches: (line: { group: number; args: string }) => boolean): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid=,pgid=,stat=,args='], { maxBuffer: 16 * 1024 * 1024 });
  return stdout.split('\n').flatMap((text) => {
    const [, pid, group, state, args] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(text) ?? [];
    if (args === undefined || state?.startsWith('Z')) return [];
    return matches({ group: Number(group), args }) ? [`${pid} ${args}`] : [];
  });
}
