// An API in, its command line out: run in this process, as on a pipe or on a terminal, with a home of its own.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { run } from '../../src/cli/run.js';

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

export interface CommandLine {
  /** A folder that is gone when it closes; also the home of the login. */
  dir: string;
  run(args: string[], options?: { env?: Record<string, string>; stdin?: string; tty?: boolean; signal?: AbortSignal }): Promise<Ran>;
  /** Runs with --json and answers what it says; throws what it complains of. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it asked for.
  json(...args: string[]): Promise<any>;
  close(): Promise<void>;
}

export async function commandLine(env: Record<string, string>): Promise<CommandLine> {
  const dir = await mkdtemp(join(tmpdir(), 'hookgraph-command-line-'));
  const line: CommandLine = {
    dir,
    run: async (args, { env: more = {}, stdin: given = '', tty = false, signal } = {}) => {
      const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
      stdin.end(given);
      const said = { stdout: '', stderr: '' };
      for (const [name, stream] of Object.entries({ stdout, stderr }))
        stream.setEncoding('utf8').on('data', (text: string) => {
          said[name as 'stdout' | 'stderr'] += text;
        });
      const streams = { stdin, stdout: Object.assign(stdout, { isTTY: tty }), stderr };
      const all = { XDG_CONFIG_HOME: dir, HOOKGRAPH_DATA_DIR: join(dir, 'data'), ...env, ...more };
      const code = await run(args, { ...streams, env: all, ...(signal && { signal }) });
      return { code, ...said };
    },
    json: async (...args) => {
      const { code, stdout, stderr } = await line.run([...args, '--json']);
      if (code !== 0) throw new Error(`hookgraph ${args.join(' ')} ended with ${code}:\n${stderr}`);
      return JSON.parse(stdout);
    },
    close: () => rm(dir, { recursive: true, force: true }),
  };
  return line;
}
