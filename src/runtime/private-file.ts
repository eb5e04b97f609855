// Writes files atomically, readable only by their owner (mode 600).
import { randomUUID } from 'node:crypto';
import { chmod, chown, link, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Replaces the file and keeps its owner. The new content is on disk when the promise resolves; after a power cut, the
 * file has either the old or the new content.
 */
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
  // Windows can't open a folder, so the folder isn't synced there.
  const folder = await open(dirname(path)).catch(() => null);
  await folder?.sync().finally(() => folder.close());
}

/**
 * Creates the file only if it doesn't exist; returns whether this call created it. Exactly one of several concurrent
 * processes succeeds.
 */
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
