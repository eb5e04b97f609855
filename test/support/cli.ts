// Runs a command line as a real process and waits for words in its output.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { until } from './until.js';

export interface RunningCli {
  child: ChildProcess;
  /** All output so far, stdout and stderr. */
  output(): string;
  /** Resolves when the words appear; rejects when the process ends without them. */
  says(words: string | RegExp): Promise<void>;
  /** The exit code, or the signal that ended the process. */
  ended(): Promise<number | NodeJS.Signals>;
}

export function runCli(args: string[], env: Record<string, string> = {}): RunningCli {
  // Passes no variables of the tester's environment except those that locate programs. Runs the bundle that `npm test` has built,
  // because loading the files of dist/cli one by one takes twice the CPU.
  const child = spawn(process.execPath, ['dist/product/main.mjs', ...args], {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const isSaid = (words: string | RegExp) => (typeof words === 'string' ? output.includes(words) : words.test(output));
  return {
    child,
    output: () => output,
    says: async (words) => {
      await until(`it says ${words}`, () => {
        if (!isSaid(words) && child.exitCode !== null)
          throw new Error(`It ended with ${child.exitCode} and never said ${words}:\n${output}`);
        return isSaid(words);
      }).catch((error) => {
        throw new Error(`${error.message}\n${output}`);
      });
    },
    ended: async () => {
      const [code, signal] = await closed;
      return code ?? (signal as NodeJS.Signals);
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
