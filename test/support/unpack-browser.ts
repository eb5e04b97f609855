// Unpacks the browser that npm installed.
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';

const require = createRequire(import.meta.url);

/** Unpacks into the folder, and returns the browser's path. Runs in another process, because the package reads its folder from TMPDIR. */
export async function unpackBrowser(folder: string): Promise<string> {
  const program = `require(${JSON.stringify(require.resolve('@sparticuz/chromium'))}).executablePath().then(console.log)`;
  const env = { ...process.env, TMPDIR: folder };
  const { stdout } = await promisify(execFile)(process.execPath, ['--eval', program], { env });
  return stdout.trim();
}
