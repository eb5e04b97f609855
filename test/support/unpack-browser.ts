// Unpacks the browser that npm installed.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const PROGRAM = `import packed from '@sparticuz/chromium'; console.log(await packed.executablePath());`;

/** Unpacks into the folder, and returns the path of the browser. Another process does it, because the package looks at TMPDIR alone. */
export async function unpackBrowser(folder: string): Promise<string> {
  const options = { cwd: import.meta.dirname, env: { ...process.env, TMPDIR: folder } };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', PROGRAM], options);
  return stdout.trim();
}
