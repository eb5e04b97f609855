// A path and a text in, a file with mode 600 out: whole or not at all.
import { randomUUID } from 'node:crypto';
import { chmod, chown, link, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Replaces what is there, and leaves it to whom it belongs. On disk when it resolves: a power cut leaves the old or the new. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  try {
    await writeFile(draft, text, { mode: 0o600, flush: true });
    const before = await stat(path).catch(() => null);
    if (before && before.uid !== process.getuid?.()) await chown(draft, before.uid, before.gid);
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
  // Where a folder can be opened at all: not on Windows.
  const folder = await open(dirname(path)).catch(() => null);
  await folder?.sync().finally(() => folder.close());
}

/** Writes only if nothing is there yet; answers whether it did. Of several processes exactly one does. */
export async function createPrivateFile(path: string, text: string): Promise<boolean> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, text, { mode: 0o600 });
  try {
    await chmod(draft, 0o600);
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}
