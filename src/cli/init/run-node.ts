// Runs a Node script in a project, with a time limit.
import { execFile } from 'node:child_process';
import { delimiter, join } from 'node:path';

const TIMEOUT_MS = 60_000;

/** Runs Node with `args` and returns stdout. @throws Error with the first lines of the output when the process fails */
export function runNode(args: string[], { cwd, env }: { cwd: string; env: NodeJS.ProcessEnv }): Promise<string> {
  const path = [join(cwd, 'node_modules/.bin'), env.PATH].filter(Boolean).join(delimiter);
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      args,
      { cwd, env: { ...env, PATH: path }, timeout: TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 },
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
