// Starts and ends processes of the built product.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { apiIn, WORKER_RUNS } from '../support/started.js';
import { until } from '../support/until.js';

const MAIN = fileURLToPath(new URL('../../dist/product/main.mjs', import.meta.url));

export interface Product {
  child: ChildProcess;
  /** The API's address; '' for a worker. */
  url: string;
  /** The last 20,000 characters of its output. */
  output(): string;
  hasEnded(): boolean;
  /** Sends the signal, and waits until the process has ended. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** @param inside a program that runs the process, and its options */
export async function startProcess(command: 'api' | 'worker', env: Record<string, string>, inside: string[] = []): Promise<Product> {
  const [program, ...args] = [...inside, process.execPath, MAIN, command];
  const child = spawn(program as string, args, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-20_000);
    });
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const address = await until(`the ${command} has started`, () => {
    if (hasEnded()) throw new Error(`the ${command} ended with ${child.exitCode}:\n${output}`);
    if (command === 'worker') return output.includes(WORKER_RUNS) ? 'worker' : null;
    return apiIn(output);
  });
  return {
    child,
    url: command === 'worker' ? '' : address,
    output: () => output,
    hasEnded,
    async kill(signal) {
      if (hasEnded()) return;
      const ended = once(child, 'exit');
      child.kill(signal);
      if (signal === 'SIGKILL') child.kill('SIGCONT');
      await ended;
    },
  };
}
