// Runs the command line against an API in this process, on a pipe or a terminal, with its own home folder.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { run } from '../../src/cli/run.js';
import type { Clock } from '../../src/cli/sleep-watch.js';

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

export interface CommandLine {
  /** A temporary folder, also the home of the login; `close` deletes it. */
  dir: string;
  run(
    args: string[],
    options?: { env?: Record<string, string>; stdin?: string; tty?: boolean; signal?: AbortSignal; clock?: Clock },
  ): Promise<Ran>;
  /** Runs with --json and returns the parsed output; throws what was written to stderr. */
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of the answer that it queries
  json(...args: string[]): Promise<any>;
  close(): Promise<void>;
}

export async function commandLine(env: Record<string, string>): Promise<CommandLine> {
  const dir = await mkdtemp(join(tmpdir(), 'hookgraph-command-line-'));
  const line: CommandLine = {
    dir,
    run: async (args, { env: more = {}, stdin: given = '', tty = false, signal, clock } = {}) => {
      const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
      stdin.end(given);
      const said = { stdout: '', stderr: '' };
      for (const [name, stream] of Object.entries({ stdout, stderr }))
        stream.setEncoding('utf8').on('data', (text: string) => {
          said[name as 'stdout' | 'stderr'] += text;
        });
      const streams = { stdin, stdout: Object.assign(stdout, { isTTY: tty }), stderr };
      const all = { XDG_CONFIG_HOME: dir, HOOKGRAPH_DATA_DIR: join(dir, 'data'), ...env, ...more };
      const code = await run(args, { ...streams, env: all, ...(signal && { signal }), ...(clock && { clock }) });
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
