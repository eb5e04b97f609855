// Runs a Node script of a project, with a time limit.
import { execFile } from 'node:child_process';
import { delimiter, join } from 'node:path';

const TIMEOUT_MS = 60_000;

/**
 * Runs Node with `args` and returns stdout. The script is the project's own, so it gets the project's environment, but none of
 * Hookgraph's keys and tokens.
 * @throws Error with the first lines of the output when the process fails
 */
export function runNode(args: string[], { cwd, env }: { cwd: string; env: NodeJS.ProcessEnv }): Promise<string> {
  const path = [join(cwd, 'node_modules/.bin'), env.PATH].filter(Boolean).join(delimiter);
  const known = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('HOOKGRAPH_')));
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      args,
      { cwd, env: { ...known, PATH: path }, timeout: TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (!error) return resolve(stdout);
        const lines = `${stderr}\n${stdout}`
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => line !== '' && !line.startsWith('at '));
        reject(new Error(lines.slice(0, 6).join(' ') || error.message));
      },
    );
  });
}
