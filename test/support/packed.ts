// Packs the package as `npm publish` does.
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Packs into the folder, and returns the path of the tarball. */
export async function packInto(folder: string): Promise<string> {
  const npm = ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder];
  await promisify(execFile)('npm', npm, { cwd: join(import.meta.dirname, '../..') });
  const [tarball] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  return join(folder, tarball as string);
}
