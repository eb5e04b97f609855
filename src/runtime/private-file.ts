// A path and a text in, a file with mode 600 out: whole or not at all.
import { randomUUID } from 'node:crypto';
import { chmod, link, rename, rm, writeFile } from 'node:fs/promises';

/** Replaces what is there. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, text, { mode: 0o600 });
  await rename(draft, path);
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
